// The tables of who is signed in, and of the links by which people sign in. Knows no engine.

import type { PgColumn } from "drizzle-orm/pg-core";
import type { LinkKind } from "../identity/session.ts";
import type { Kit } from "./postgres/columns.ts";

export function defineSessions(kit: Kit, userId: () => PgColumn) {
  return kit.table(
    "sessions",
    {
      id: kit.text("id").primaryKey(),
      userId: kit.text("user_id").notNull().references(userId, { onDelete: "cascade" }),
      /** Of the cookie's token, which is kept nowhere. */
      hash: kit.text("hash").notNull(),
      createdAt: kit.time("created_at").notNull(),
      lastSeenAt: kit.time("last_seen_at").notNull(),
      expiresAt: kit.time("expires_at").notNull(),
      userAgent: kit.text("user_agent"),
      address: kit.text("address"),
      /** Set: it was ended before its time. */
      endedAt: kit.time("ended_at"),
      /** Value of the counter `identity_revision` at the last change. */
      revision: kit.big("revision").notNull(),
    },
    (table) => [
      kit.uniqueIndex("sessions_hash").on(table.hash),
      kit.index("sessions_user").on(table.userId),
      kit.index("sessions_revision").on(table.revision),
    ],
  );
}

export function defineLinks(kit: Kit, userId: () => PgColumn) {
  return kit.table(
    "login_links",
    {
      id: kit.text("id").primaryKey(),
      userId: kit.text("user_id").notNull().references(userId, { onDelete: "cascade" }),
      kind: kit.text("kind").$type<LinkKind>().notNull(),
      hash: kit.text("hash").notNull(),
      browserHash: kit.text("browser_hash"),
      createdAt: kit.time("created_at").notNull(),
      expiresAt: kit.time("expires_at").notNull(),
      /** Set: it cannot be used any more. */
      usedAt: kit.time("used_at"),
    },
    (table) => [kit.uniqueIndex("login_links_hash").on(table.hash), kit.index("login_links_user").on(table.userId)],
  );
}
