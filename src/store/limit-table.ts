// The table of rate limits that are set while the gateway runs, written once for both engines like the others. Knows no engine.

import type { LimitFields } from "../gateway/limit/model.ts";
import { isJsonObject } from "../ir/index.ts";
import type { Kit } from "./postgres/columns.ts";
import { guardColumns } from "./row-guard.ts";

export function defineLimits(kit: Kit) {
  const table = kit.table("rate_limits", {
    name: kit.text("name").primaryKey(),
    /** From 1; grows with each change. */
    version: kit.big("version").notNull(),
    fields: kit.json("fields").$type<LimitFields>().notNull(),
    createdAt: kit.time("created_at").notNull(),
    updatedAt: kit.time("updated_at").notNull(),
  });
  // One that somebody damaged takes no other with it.
  return guardColumns(table, { fields: readFields });
}

/** What is no text is told as it is written, so that whoever reads the limit names it. */
function readFields(value: unknown): LimitFields {
  if (!isJsonObject(value)) return {};
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([name, text]) => [name, typeof text === "string" ? text : JSON.stringify(text)]),
  );
}
