// The statements that requests wait for or that run every moment, prepared once. Knows no transaction: the caller holds it.

import type { Database } from "bun:sqlite";
import { getTableColumns } from "drizzle-orm";
import type { LedgerEntry } from "../../ledger/entry.ts";
import { cleanEntry } from "../ledger-row.ts";
import { apiKeys, counters, ledgerEntries } from "./schema.ts";

const COLUMNS = getTableColumns(ledgerEntries);
const FIELDS = Object.keys(COLUMNS) as (keyof LedgerEntry)[];

type Value = boolean | number | string | null;

export function prepareHot(writer: Database, reader: Database) {
  const columns = FIELDS.map((field) => `"${COLUMNS[field].name}"`);
  const insert = writer.prepare<unknown, Value[]>(
    `insert into ledger_entries (${columns.join(", ")}) values (${columns.map(() => "?").join(", ")}) on conflict (id) do nothing`,
  );
  const used = apiKeys.lastUsedAt.name;
  const touch = writer.prepare<unknown, [at: number, id: string]>(
    `update api_keys set ${used} = ?1 where id = ?2 and (${used} is null or ${used} < ?1)`,
  );
  const count = reader.prepare<{ name: string; value: number }, []>(
    `select ${counters.name.name} as name, ${counters.value.name} as value from counters`,
  );
  return {
    insertEntries(entries: readonly LedgerEntry[]): void {
      for (const entry of entries) insert.run(...toValues(cleanEntry(entry)));
    },
    touchKeys(uses: readonly { id: string; at: Date }[]): void {
      for (const { id, at } of uses) touch.run(at.getTime(), id);
    },
    readCounters(): Map<string, number> {
      return new Map(count.all().map(({ name, value }) => [name, value]));
    },
    finalize(): void {
      insert.finalize();
      touch.finalize();
      count.finalize();
    },
  };
}

/** In the order of the columns, as SQLite keeps them. */
function toValues(entry: LedgerEntry): Value[] {
  return FIELDS.map((field) => {
    const value = entry[field];
    if (value instanceof Date) return value.getTime();
    return typeof value === "object" && value !== null ? JSON.stringify(value) : value;
  });
}
