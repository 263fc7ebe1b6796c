// Rows by the thousand in one statement with one parameter, on either engine: to name each of their cells costs more than to write them. Knows no table.

import { SQL, getTableColumns, is, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { cleanJson } from "../lib/text.ts";
import type { Engine } from "./engine.ts";

/** What an insert of these rows selects: to be given to drizzle's `insert(table).select(…)`. What is SQL in the first row is the same in all. */
export function selectRows(engine: Pick<Engine, "name">, table: PgTable, rows: readonly object[]): SQL {
  const columns = Object.entries(getTableColumns(table));
  const [first = {}] = rows;
  const cells = rows.map((row) =>
    columns.map(([key, column]) => {
      const value = readCell(row, key);
      return value === null || is(value, SQL) ? null : column.mapToDriverValue(value);
    }),
  );
  const text = JSON.stringify(cleanJson(cells));
  const chosen = columns.map(([key, column], index) => {
    const fixed = readCell(first, key);
    if (is(fixed, SQL)) return fixed;
    return engine.name === "sqlite"
      ? sql.raw(`json_extract(r.value, '$[${index}]')`)
      : sql.raw(`(r.value ->> ${index})::${column.getSQLType()}`);
  });
  const list = sql.join(chosen, sql`, `);
  return engine.name === "sqlite"
    ? sql`select ${list} from json_each(${text}) as r`
    : sql`select ${list} from jsonb_array_elements(${text}::text::jsonb) as r(value)`;
}

function readCell(row: object, key: string): unknown {
  return (row as Readonly<Record<string, unknown>>)[key] ?? null;
}
