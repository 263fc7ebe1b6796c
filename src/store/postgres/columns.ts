// PostgreSQL's column builders for the one schema. Knows no table.

import {
  bigint,
  boolean,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  timestamp,
  uniqueIndex,
  type ExtraConfigColumn,
} from "drizzle-orm/pg-core";

/** Both engines' kits have this shape; the schema is written against it once. */
export const postgresKit = {
  table: pgTable,
  index,
  uniqueIndex,
  text: (name: string) => text(name),
  /** 32 bits. */
  int: (name: string) => integer(name),
  /** 64 bits, of which a JavaScript number holds 53. */
  big: (name: string) => bigint(name, { mode: "number" }),
  real: (name: string) => doublePrecision(name),
  bool: (name: string) => boolean(name),
  json: (name: string) => jsonb(name),
  /** Of an index that texts are to be found by, by how they begin: without it, that depends on the place where the database was made. */
  byPrefix: (column: ExtraConfigColumn) => column.op("text_pattern_ops"),
  /** A moment in whole milliseconds; a Date in code. */
  time: (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: "date" }),
};

export type Kit = typeof postgresKit;
