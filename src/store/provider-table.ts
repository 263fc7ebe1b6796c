// The tables of providers that are declared while the gateway runs, written once for both engines like the others. Knows no engine.

import type { ProviderFields } from "../gateway/declared/book.ts";
import type { Kit } from "./postgres/columns.ts";

/** Rows are added and never changed: the one with the highest number is in force. Nothing secret is in them. */
export function defineProviderVersions(kit: Kit) {
  return kit.table(
    "provider_versions",
    {
      id: kit.text("id").primaryKey(),
      name: kit.text("name").notNull(),
      version: kit.big("version").notNull(),
      /** Null: the provider was deleted. */
      fields: kit.json("fields").$type<ProviderFields>(),
      /** Which credentials there were from then on. */
      secrets: kit.json("secrets").$type<{ field: string; hint: string }[]>().notNull(),
      comment: kit.text("comment"),
      author: kit.text("author").notNull(),
      authorId: kit.text("author_id"),
      createdAt: kit.time("created_at").notNull(),
    },
    (table) => [kit.uniqueIndex("provider_versions_name").on(table.name, table.version)],
  );
}

/** Credentials as they are now, encrypted; what is replaced is gone. */
export function defineProviderSecrets(kit: Kit) {
  return kit.table("provider_secrets", {
    /** `provider/field`. */
    id: kit.text("id").primaryKey(),
    provider: kit.text("provider").notNull(),
    field: kit.text("field").notNull(),
    /** Scheme, host and port of each address that it may go to, separated by spaces. */
    boundTo: kit.text("bound_to").notNull(),
    keyId: kit.text("key_id").notNull(),
    nonce: kit.text("nonce").notNull(),
    ciphertext: kit.text("ciphertext").notNull(),
    /** The last characters of one that is long enough; else empty. */
    hint: kit.text("hint").notNull(),
    setAt: kit.time("set_at").notNull(),
    setBy: kit.text("set_by").notNull(),
  });
}
