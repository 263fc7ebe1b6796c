// The table of settings that are changed while the gateway runs: one row, with all of them. Knows no engine.

import type { Kit } from "./postgres/columns.ts";

export function defineSettings(kit: Kit) {
  return kit.table("runtime_settings", {
    /** There is one. */
    name: kit.text("name").primaryKey(),
    /** From 1; grows with each change. */
    version: kit.big("version").notNull(),
    fields: kit.json("fields").$type<Readonly<Record<string, string>>>().notNull(),
    createdAt: kit.time("created_at").notNull(),
    updatedAt: kit.time("updated_at").notNull(),
  });
}
