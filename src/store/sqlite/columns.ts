// SQLite's column builders for the one schema. Knows no table.

import { index, integer, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { Kit } from "../postgres/columns.ts";

const builders = {
  table: sqliteTable,
  index,
  uniqueIndex,
  text: (name: string) => text(name),
  int: (name: string) => integer(name),
  big: (name: string) => integer(name),
  real: (name: string) => real(name),
  bool: (name: string) => integer(name, { mode: "boolean" }),
  json: (name: string) => text(name, { mode: "json" }),
  byPrefix: (column: unknown) => column,
  time: (name: string) => integer(name, { mode: "timestamp_ms" }),
} satisfies Record<keyof Kit, unknown>;

/** The only cast of this engine: the builders differ in type from PostgreSQL's, not in what is called on them. */
export const sqliteKit = builders as unknown as Kit;
