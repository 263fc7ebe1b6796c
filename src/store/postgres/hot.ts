// The statements that requests wait for or that run every moment, each one round trip. Knows no drizzle at run time but the columns' names.

import { type Table, getTableColumns, getTableName } from "drizzle-orm";
import type postgres from "postgres";
import type { LedgerEntry } from "../../ledger/index.ts";
import type { Parcel, Shipment } from "../shipper.ts";
import { ledgerChains, ledgerEntries, ledgerHeads, ledgerRecounts } from "./schema.ts";

const INSERT_ENTRIES = printInsert(ledgerEntries);
const INSERT_RECOUNTS = printInsert(ledgerRecounts);
const INSERT_HEADS = printInsert(ledgerHeads);
/** A chain only ever grows, whatever arrives late. */
const UPSERT_CHAINS = printInsert(
  ledgerChains,
  "do update set seq = excluded.seq, hash = excluded.hash where excluded.seq > ledger_chains.seq",
);

/**
 * One JSON text for any number of rows: one statement to plan, and no limit on parameters. What is there already bears the same key: a row whose place in its
 * chain another one has is none of these.
 */
function printInsert(table: Table, otherwise = "do nothing"): string {
  const fields = Object.entries(getTableColumns(table));
  const key = fields.find(([, { primary }]) => primary)?.[1].name;
  return [
    `insert into ${getTableName(table)} (${fields.map(([, column]) => `"${column.name}"`).join(", ")})`,
    `select ${fields.map(([field]) => `"${field}"`).join(", ")}`,
    `from jsonb_to_recordset($1::text::jsonb) as entry (${fields.map(([field, column]) => `"${field}" ${column.getSQLType()}`).join(", ")})`,
    `on conflict ("${key}") ${otherwise}`,
  ].join(" ");
}

export async function insertEntries(sql: postgres.Sql, entries: readonly LedgerEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await sql.unsafe(INSERT_ENTRIES, [JSON.stringify(entries)], { prepare: true });
}

/** All or nothing; what is there already is left alone. */
export async function insertShipment(sql: postgres.Sql, { entries, recounts, heads, chains }: Shipment): Promise<void> {
  const parts: [string, string][] = [
    [INSERT_ENTRIES, join(entries)],
    [INSERT_RECOUNTS, join(recounts)],
    [INSERT_HEADS, JSON.stringify(heads)],
    [UPSERT_CHAINS, JSON.stringify(chains)],
  ];
  await sql.begin(async (tx) => {
    for (const [statement, rows] of parts) if (rows !== "[]") await tx.unsafe(statement, [rows], { prepare: true });
  });
}

function join(parcels: readonly Parcel[]): string {
  return `[${parcels.map(({ json }) => json).join(",")}]`;
}

export async function touchKeys(sql: postgres.Sql, uses: readonly { id: string; at: Date }[]): Promise<void> {
  if (uses.length === 0) return;
  // In one order: two gateways that each hold what the other one waits for would wait for ever.
  await sql`
    with used as (
      select id, max(at) as at from jsonb_to_recordset(${JSON.stringify(uses)}::text::jsonb) as each (id text, at timestamptz) group by id
    ), held as materialized (
      select api_keys.id from api_keys join used using (id)
      where last_used_at is null or last_used_at < used.at
      order by api_keys.id for no key update of api_keys
    )
    update api_keys set last_used_at = used.at from used join held using (id)
    where api_keys.id = used.id and (api_keys.last_used_at is null or api_keys.last_used_at < used.at)`;
}

export async function readCounters(sql: postgres.Sql): Promise<Map<string, number>> {
  const rows = await sql<{ name: string; value: string }[]>`select name, value from counters`;
  return new Map(rows.map(({ name, value }) => [name, Number(value)]));
}

export async function ping(sql: postgres.Sql): Promise<void> {
  await sql`select 1`;
}
