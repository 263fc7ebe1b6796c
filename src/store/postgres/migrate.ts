// Brings a PostgreSQL database to this program's schema. Knows no table but its own list of applied names.

import type postgres from "postgres";
import {
  CREATE_APPLIED,
  EARLIER_TABLES,
  isEarlier,
  pickPending,
  refuseEarlier,
  SELECT_APPLIED,
  splitStatements,
} from "../migration.ts";
import { migrations } from "./migration/index.ts";

/** Any number that nobody else uses; it spells "tokl". */
const LOCK = 0x746f6b6c;
/**
 * How long a change of a table waits for who holds it, such as a backup: whoever comes behind it waits, too, so that the gateways that run on the database
 * read and write nothing meanwhile.
 */
const HELD_MS = 5_000;

/** All pending migrations or none. Processes that start together wait for each other at the lock, which ends with the transaction. */
export async function migratePostgres(sql: postgres.Sql, place: string): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${LOCK})`;
    const [{ exists }] = await tx<
      [{ exists: boolean }]
    >`select to_regclass('tokligence_migrations') is not null as exists`;
    if (!exists && isEarlier(await listEarlier(tx))) throw refuseEarlier(place);
    if (!exists) await tx.unsafe(CREATE_APPLIED);
    const applied = await tx.unsafe<{ name: string }[]>(SELECT_APPLIED);
    const pending = pickPending(
      migrations,
      applied.map((row) => row.name),
      place,
    );
    await tx.unsafe(`set local lock_timeout = ${HELD_MS}`);
    for (const { name, sql: text } of pending) {
      for (const statement of splitStatements(text)) await tx.unsafe(statement);
      await tx`insert into tokligence_migrations (name, applied_at) values (${name}, ${new Date().toISOString()})`;
    }
  });
}

/** Of the earlier edition's tables those that are there. */
export async function listEarlier(sql: Pick<postgres.Sql, "unsafe">): Promise<string[]> {
  const found = await sql.unsafe<{ name: string }[]>(
    "select name from jsonb_array_elements_text($1::text::jsonb) as name where to_regclass(name) is not null",
    [JSON.stringify(EARLIER_TABLES)],
  );
  return found.map(({ name }) => name);
}
