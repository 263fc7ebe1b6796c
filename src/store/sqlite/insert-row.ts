// Sealed rows into their tables, value by value in the order of their columns: every request pays for it. Knows no chain and no transaction.

import type { Database } from "bun:sqlite";
import { getTableColumns, getTableName, type Table } from "drizzle-orm";
import type { BookRules, SealedLine } from "../../ledger/index.ts";
import type { Value } from "./insert.ts";
import { ledgerEntries, ledgerRecounts } from "./schema.ts";

export interface RowInsert {
  /** False where the row was there already. */
  run(line: SealedLine): boolean;
  finalize(): void;
}

export function prepareRows(db: Database, { sealedFields }: Pick<BookRules, "sealedFields">): RowInsert {
  const entries = db.prepare<unknown, Value[]>(printInsert(ledgerEntries, sealedFields.entry, "id"));
  const recounts = db.prepare<unknown, Value[]>(printInsert(ledgerRecounts, sealedFields.recount, "entryId"));
  return {
    run: ({ type, values }) => (type === "entry" ? entries : recounts).run(...values).changes > 0,
    finalize() {
      entries.finalize();
      recounts.finalize();
    },
  };
}

/** @param key of it alone: a row whose place in its chain is taken is no row that was there already */
function printInsert(table: Table, fields: readonly string[], key: string): string {
  const columns = getTableColumns(table);
  const nameOf = (field: string): string => {
    const column = columns[field];
    if (column === undefined) throw new TypeError(`${field} is no column`);
    return `"${column.name}"`;
  };
  if (fields.length !== Object.keys(columns).length) throw new TypeError(`${getTableName(table)} has other columns`);
  const marks = fields.map(() => "?").join(", ");
  return `insert into ${getTableName(table)} (${fields.map(nameOf).join(", ")}) values (${marks}) on conflict (${nameOf(key)}) do nothing`;
}
