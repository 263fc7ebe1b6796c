// Reports and roll-ups on PostgreSQL: one snapshot for all that a report reads, and one gateway at a time that sums up. Knows no rule of theirs.

import { eq, getTableColumns, inArray, sql } from "drizzle-orm";
import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type { RollupStep } from "../../ledger/index.ts";
import { SUMS_LOCK } from "../chain-mark.ts";
import { chunk } from "../chunk.ts";
import { type Advance, type Db, LACKS, type Packing, type RollupRow } from "../engine.ts";
import { joinSpreads, SUM_FIELDS } from "../sums.ts";
import { listStale } from "../sheet/level.ts";
import { ledgerHours, ledgerMarks, ledgerRollups } from "./schema.ts";
import { keepSheets } from "./sheet.ts";

type Client = PostgresJsDatabase<Record<string, never>>;

/** All that `work` reads is of one moment. */
export function readSnapshot<T>(client: Client, work: (db: Db) => Promise<T>): Promise<T> {
  return client.transaction((tx) => work(tx as unknown as Db), {
    isolationLevel: "repeatable read",
    accessMode: "read only",
  });
}

const FIELDS = Object.entries(getTableColumns(ledgerRollups));
const NAMES = FIELDS.map(([, { name }]) => `"${name}"`).join(", ");
const ADDED = SUM_FIELDS.map((field) => getTableColumns(ledgerRollups)[field].name).map(
  (name) => `"${name}" = ledger_rollups."${name}" + excluded."${name}"`,
);
const REPLACED = ["latencies", "ttfts"].map((name) => `"${name}" = excluded."${name}"`);
const INSERT = sql.raw(
  `insert into ledger_rollups (${NAMES}) select ${FIELDS.map(([field]) => `"${field}"`).join(", ")} from`,
);
const TYPED = sql.raw(FIELDS.map(([field, column]) => `"${field}" ${column.getSQLType()}`).join(", "));
const ON_CONFLICT = sql.raw(`on conflict (id) do update set ${[...ADDED, ...REPLACED].join(", ")}`);

/** Nothing where another gateway is at it. Other writers need not wait for it. */
export function advanceRollups(client: Client, find: (db: Db) => Promise<Advance | null>): Promise<RollupStep> {
  return client.transaction(
    async (tx) => {
      if (!(await takeLock(tx))) return { rows: 0, heldMs: 0 };
      const advance = await find(tx as unknown as Db);
      if (advance === null) return { rows: 0, heldMs: 0 };
      const { chain, lack, toSeq } = advance;
      const sheets = keepSheets(tx as unknown as Db);
      await sheets.check();
      const pieces = await sheets.pick(advance.pieces);
      const rows = await joinAll(tx, advance.rows);
      await tx.execute(
        sql`${INSERT} jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as fresh (${TYPED}) ${ON_CONFLICT}`,
      );
      for (const some of chunk(advance.hours)) await tx.insert(ledgerHours).values(some);
      await sheets.drop(listStale(advance.rows, lack !== null));
      await sheets.append(pieces);
      if (lack !== null)
        await tx
          .update(ledgerMarks)
          .set({ [LACKS[lack]]: toSeq })
          .where(eq(ledgerMarks.chain, chain));
      else {
        const reached = { seq: toSeq, detailSeq: toSeq, untimedSeq: toSeq };
        await tx
          .insert(ledgerMarks)
          .values({ chain, ...reached })
          .onConflictDoUpdate({ target: ledgerMarks.chain, set: reached });
      }
      await sheets.follow();
      return { rows: advance.count, heldMs: 0, chain };
    },
    // Each statement sees what the one before the lock was freed has left; a snapshot could be older than the lock.
    { isolationLevel: "read committed" },
  );
}

/** Nothing where another gateway is at it. */
export function packSheets(client: Client, find: (db: Db) => Promise<Packing>): Promise<RollupStep> {
  return client.transaction(
    async (tx) => {
      if (!(await takeLock(tx))) return { rows: 0, heldMs: 0 };
      const { sheets: packed, hours } = await find(tx as unknown as Db);
      const rows = packed.length + hours.length;
      if (rows === 0) return { rows, heldMs: 0 };
      const sheets = keepSheets(tx as unknown as Db);
      await sheets.check();
      await sheets.put(packed);
      for (const { ids, parts } of hours) {
        await tx.delete(ledgerHours).where(inArray(ledgerHours.id, [...ids]));
        await tx.insert(ledgerHours).values([...parts]);
      }
      return { rows, heldMs: 0 };
    },
    { isolationLevel: "read committed" },
  );
}

async function takeLock(tx: Pick<Client, "execute">): Promise<boolean> {
  const [lock] = await tx.execute<{ taken: boolean }>(
    sql`select pg_try_advisory_xact_lock(${sql.raw(String(SUMS_LOCK))}) as taken`,
  );
  return lock?.taken === true;
}

/** Ids of one question. */
const IDS = 5_000;

/** Nobody else writes them: the lock is ours. */
async function joinAll(tx: Pick<Client, "select">, rows: readonly RollupRow[]): Promise<RollupRow[]> {
  const there = new Map<string, Pick<RollupRow, "latencies" | "ttfts">>();
  for (let at = 0; at < rows.length; at += IDS) {
    const ids = rows.slice(at, at + IDS).map(({ id }) => id);
    const { id, latencies, ttfts } = ledgerRollups;
    const found = await tx.select({ id, latencies, ttfts }).from(ledgerRollups).where(inArray(id, ids));
    for (const row of found) there.set(row.id, row);
  }
  return rows.map((row) => joinSpreads(row, there.get(row.id)));
}
