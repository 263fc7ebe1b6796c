// Reports and roll-ups on PostgreSQL: one snapshot for all that a report reads, and one gateway at a time that sums up. Knows no rule of theirs.

import { getTableColumns, sql } from "drizzle-orm";
import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type { RollupStep } from "../../ledger/index.ts";
import type { Advance, Db } from "../engine.ts";
import { SUM_FIELDS } from "../sums.ts";
import { ledgerMarks, ledgerRollups } from "./schema.ts";

type Client = PostgresJsDatabase<Record<string, never>>;

/** All that `work` reads is of one moment. */
export function readSnapshot<T>(client: Client, work: (db: Db) => Promise<T>): Promise<T> {
  return client.transaction((tx) => work(tx as unknown as Db), {
    isolationLevel: "repeatable read",
    accessMode: "read only",
  });
}

/** Of all gateways of a database; any number that nobody else has taken. */
const LOCK = 7_302_114_589;

const FIELDS = Object.entries(getTableColumns(ledgerRollups));
const NAMES = FIELDS.map(([, { name }]) => `"${name}"`).join(", ");
const ADDED = SUM_FIELDS.map((field) => getTableColumns(ledgerRollups)[field].name).map(
  (name) => `"${name}" = ledger_rollups."${name}" + excluded."${name}"`,
);
const INSERT = sql.raw(
  `insert into ledger_rollups (${NAMES}) select ${FIELDS.map(([field]) => `"${field}"`).join(", ")} from`,
);
const TYPED = sql.raw(FIELDS.map(([field, column]) => `"${field}" ${column.getSQLType()}`).join(", "));
const ON_CONFLICT = sql.raw(`on conflict (id) do update set ${ADDED.join(", ")}`);

/** Nothing where another gateway is at it. Other writers need not wait for it. */
export function advanceRollups(client: Client, find: (db: Db) => Promise<Advance | null>): Promise<RollupStep> {
  return client.transaction(
    async (tx) => {
      const [lock] = await tx.execute<{ taken: boolean }>(
        sql`select pg_try_advisory_xact_lock(${sql.raw(String(LOCK))}) as taken`,
      );
      if (lock?.taken !== true) return { rows: 0, heldMs: 0 };
      const advance = await find(tx as unknown as Db);
      if (advance === null) return { rows: 0, heldMs: 0 };
      const { chain, toSeq, rows } = advance;
      await tx.execute(
        sql`${INSERT} jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as fresh (${TYPED}) ${ON_CONFLICT}`,
      );
      await tx
        .insert(ledgerMarks)
        .values({ chain, seq: toSeq })
        .onConflictDoUpdate({ target: ledgerMarks.chain, set: { seq: toSeq } });
      return { rows: advance.count, heldMs: 0 };
    },
    // Each statement sees what the one before the lock was freed has left; a snapshot could be older than the lock.
    { isolationLevel: "read committed" },
  );
}
