// The tables of who is signed in, of the links by which people sign in, and of their accounts elsewhere. Knows no engine.

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
      kit.index("sessions_expiry").on(table.expiresAt),
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

/** Accounts at an identity provider, by issuer and subject. */
export function defineIdentities(kit: Kit, userId: () => PgColumn) {
  return kit.table(
    "outside_identities",
    {
      id: kit.text("id").primaryKey(),
      userId: kit.text("user_id").notNull().references(userId, { onDelete: "cascade" }),
      issuer: kit.text("issuer").notNull(),
      subject: kit.text("subject").notNull(),
      /** As it was when it was last used; identifies nobody. */
      email: kit.text("email"),
      createdAt: kit.time("created_at").notNull(),
      lastUsedAt: kit.time("last_used_at").notNull(),
    },
    (table) => [
      kit.uniqueIndex("outside_identities_subject").on(table.issuer, table.subject),
      kit.uniqueIndex("outside_identities_user").on(table.userId, table.issuer),
    ],
  );
}

/** Browsers that are at an identity provider at present. */
export function defineErrands(kit: Kit, userId: () => PgColumn) {
  return kit.table(
    "sign_in_errands",
    {
      id: kit.text("id").primaryKey(),
      hash: kit.text("hash").notNull(),
      issuer: kit.text("issuer").notNull(),
      returnTo: kit.text("return_to").notNull(),
      /** Whose account is to be connected. */
      userId: kit.text("user_id").references(userId, { onDelete: "cascade" }),
      createdAt: kit.time("created_at").notNull(),
      expiresAt: kit.time("expires_at").notNull(),
      /** Set: it cannot be used any more. */
      usedAt: kit.time("used_at"),
    },
    (table) => [
      kit.uniqueIndex("sign_in_errands_hash").on(table.hash),
      kit.index("sign_in_errands_expiry").on(table.expiresAt),
      kit.index("sign_in_errands_user").on(table.userId),
    ],
  );
}
