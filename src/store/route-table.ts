// The table of routes that are declared while the gateway runs, written once for both engines like the others. Knows no engine.

import type { RouteFields } from "../gateway/way/book.ts";
import type { Kit } from "./postgres/columns.ts";

/** Rows are added and never changed: the one with the highest number is in force. */
export function defineRouteVersions(kit: Kit) {
  return kit.table(
    "route_versions",
    {
      id: kit.text("id").primaryKey(),
      name: kit.text("name").notNull(),
      version: kit.big("version").notNull(),
      /** Null: the route was deleted. */
      fields: kit.json("fields").$type<RouteFields>(),
      comment: kit.text("comment"),
      author: kit.text("author").notNull(),
      authorId: kit.text("author_id"),
      createdAt: kit.time("created_at").notNull(),
    },
    (table) => [kit.uniqueIndex("route_versions_name").on(table.name, table.version)],
  );
}
