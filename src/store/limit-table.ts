// The table of rate limits that are set while the gateway runs, written once for both engines like the others. Knows no engine.

import type { LimitFields } from "../gateway/limit/model.ts";
import type { Kit } from "./postgres/columns.ts";

export function defineLimits(kit: Kit) {
  return kit.table("rate_limits", {
    name: kit.text("name").primaryKey(),
    /** From 1; grows with each change. */
    version: kit.big("version").notNull(),
    fields: kit.json("fields").$type<LimitFields>().notNull(),
    createdAt: kit.time("created_at").notNull(),
    updatedAt: kit.time("updated_at").notNull(),
  });
}
