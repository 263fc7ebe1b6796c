// The statements that requests wait for or that run every moment, each one round trip. Knows no drizzle at run time but the columns' names.

import { getTableColumns } from "drizzle-orm";
import type postgres from "postgres";
import type { LedgerEntry } from "../../ledger/entry.ts";
import { cleanEntry } from "../ledger-row.ts";
import { ledgerEntries } from "./schema.ts";

const FIELDS = Object.entries(getTableColumns(ledgerEntries));

/** One JSON text for any number of rows: one statement to plan, and no limit on parameters. */
const INSERT_ENTRIES = [
  `insert into ledger_entries (${FIELDS.map(([, column]) => `"${column.name}"`).join(", ")})`,
  `select ${FIELDS.map(([field]) => `"${field}"`).join(", ")}`,
  `from jsonb_to_recordset($1::text::jsonb) as entry (${FIELDS.map(([field, column]) => `"${field}" ${column.getSQLType()}`).join(", ")})`,
  "on conflict (id) do nothing",
].join(" ");

export async function insertEntries(sql: postgres.Sql, entries: readonly LedgerEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await sql.unsafe(INSERT_ENTRIES, [JSON.stringify(entries.map(cleanEntry))], { prepare: true });
}

export async function touchKeys(sql: postgres.Sql, uses: readonly { id: string; at: Date }[]): Promise<void> {
  if (uses.length === 0) return;
  await sql`
    update api_keys set last_used_at = used.at
    from jsonb_to_recordset(${JSON.stringify(uses)}::text::jsonb) as used (id text, at timestamptz)
    where api_keys.id = used.id and (api_keys.last_used_at is null or api_keys.last_used_at < used.at)`;
}

export async function readCounters(sql: postgres.Sql): Promise<Map<string, number>> {
  const rows = await sql<{ name: string; value: string }[]>`select name, value from counters`;
  return new Map(rows.map(({ name, value }) => [name, Number(value)]));
}

export async function ping(sql: postgres.Sql): Promise<void> {
  await sql`select 1`;
}
