// Rows into a table by a statement that is prepared once: for what is written with every request. Knows no table by name.

import type { Database } from "bun:sqlite";
import { type Table, getTableColumns, getTableName } from "drizzle-orm";
import { canonicalize } from "../../lib/canonical-json.ts";

export type Value = boolean | number | string | null;

export interface Insert<Row> {
  /** False where the row was there already. */
  run(row: Row): boolean;
  finalize(): void;
}

/** What is missing in a row becomes null. */
export function prepareInsert<Row extends object>(db: Database, table: Table): Insert<Row> {
  const columns = getTableColumns(table);
  const fields = Object.keys(columns) as (keyof Row)[];
  const names = Object.values(columns).map(({ name }) => `"${name}"`);
  // Of the key alone: a row whose place in its chain is taken is no row that was there already.
  const key = Object.values(columns).find(({ primary }) => primary)?.name;
  const statement = db.prepare<unknown, Value[]>(
    `insert into ${getTableName(table)} (${names.join(", ")}) values (${names.map(() => "?").join(", ")}) on conflict ("${key}") do nothing`,
  );
  return {
    run: (row) => statement.run(...fields.map((field) => toValue(row[field]))).changes > 0,
    finalize: () => statement.finalize(),
  };
}

/** As SQLite keeps it. */
export function toValue(value: unknown): Value {
  if (value === undefined || value === null) return null;
  if (value instanceof Date) return value.getTime();
  return typeof value === "object" ? canonicalize(value) : (value as Value);
}
