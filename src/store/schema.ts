// The tables, written once for both engines. Knows no engine: the kit brings its column builders.
// After a change here: `bun run migrate` writes the new SQL for both engines.

import { isNull } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import type { Role, Scope, Status } from "../identity/model.ts";
import type { ErrorKind, Units, UsageSource } from "../ir/index.ts";
import type { Attempt, Direction } from "../ledger/entry.ts";
import type { Kit } from "./postgres/columns.ts";

/** Public ids are UUIDv7 as text, so their order is the order of time; times are milliseconds; money is nano-dollars. */
export function defineSchema(kit: Kit) {
  const users = defineUsers(kit);
  const storedResponses = defineResponses(kit);
  return {
    users,
    apiKeys: defineApiKeys(kit, () => users.id),
    ledgerEntries: defineLedger(kit),
    objectBindings: defineBindings(kit),
    storedResponses,
    storedItems: defineItems(kit, () => storedResponses.id),
    counters: defineCounters(kit),
  };
}

export type Schema = ReturnType<typeof defineSchema>;

function defineUsers(kit: Kit) {
  return kit.table(
    "users",
    {
      id: kit.text("id").primaryKey(),
      email: kit.text("email").notNull(),
      role: kit.text("role").$type<Role>().notNull(),
      displayName: kit.text("display_name"),
      status: kit.text("status").$type<Status>().notNull(),
      createdAt: kit.time("created_at").notNull(),
      updatedAt: kit.time("updated_at").notNull(),
      /** Set: the row stays for the ledger's sake, the e-mail is free again. */
      deletedAt: kit.time("deleted_at"),
      /** Value of the counter `identity_revision` at the last change. */
      revision: kit.big("revision").notNull(),
    },
    (table) => [
      kit.uniqueIndex("users_email").on(table.email).where(isNull(table.deletedAt)),
      kit.index("users_revision").on(table.revision),
    ],
  );
}

function defineApiKeys(kit: Kit, userId: () => PgColumn) {
  return kit.table(
    "api_keys",
    {
      id: kit.text("id").primaryKey(),
      userId: kit.text("user_id").notNull().references(userId, { onDelete: "cascade" }),
      name: kit.text("name"),
      keyPrefix: kit.text("key_prefix").notNull(),
      keyHash: kit.text("key_hash").notNull(),
      scopes: kit.json("scopes").$type<Scope[]>().notNull(),
      /** What a provider cannot be told is refused instead of left out. */
      strict: kit.bool("strict").notNull().default(false),
      expiresAt: kit.time("expires_at"),
      lastUsedAt: kit.time("last_used_at"),
      createdAt: kit.time("created_at").notNull(),
      updatedAt: kit.time("updated_at").notNull(),
      /** Set: revoked. */
      deletedAt: kit.time("deleted_at"),
      revision: kit.big("revision").notNull(),
    },
    (table) => [
      kit.uniqueIndex("api_keys_hash").on(table.keyHash),
      kit.index("api_keys_user").on(table.userId),
      kit.index("api_keys_revision").on(table.revision),
    ],
  );
}

/**
 * Rows outlive users and keys, so there is no foreign key. Every index is paid for by every request: there are as few as
 * the questions allow, and each ends in `id` so that a page is read in its order.
 */
function defineLedger(kit: Kit) {
  return kit.table(
    "ledger_entries",
    {
      id: kit.text("id").primaryKey(),
      requestId: kit.text("request_id").notNull(),
      createdAt: kit.time("created_at").notNull(),
      userId: kit.text("user_id").notNull(),
      apiKeyId: kit.text("api_key_id").notNull(),
      endpoint: kit.text("endpoint").notNull(),
      modelAsked: kit.text("model_asked").notNull(),
      modelServed: kit.text("model_served"),
      provider: kit.text("provider"),
      direction: kit.text("direction").$type<Direction>().notNull(),
      freshInputTokens: kit.big("fresh_input_tokens"),
      cacheReadTokens: kit.big("cache_read_tokens"),
      cacheWriteTokens: kit.big("cache_write_tokens"),
      outputTokens: kit.big("output_tokens"),
      reasoningTokens: kit.big("reasoning_tokens"),
      units: kit.json("units").$type<Units>(),
      usageSource: kit.text("usage_source").$type<UsageSource>().notNull(),
      status: kit.int("status").notNull(),
      errorKind: kit.text("error_kind").$type<ErrorKind>(),
      latencyMs: kit.real("latency_ms").notNull(),
      ttftMs: kit.real("ttft_ms"),
      streamed: kit.bool("streamed").notNull(),
      costNanos: kit.big("cost_nanos"),
      priceSource: kit.text("price_source"),
      dropped: kit.json("dropped").$type<string[]>().notNull(),
      attempts: kit.json("attempts").$type<Attempt[]>().notNull(),
    },
    (table) => [
      kit.index("ledger_entries_user").on(table.userId, table.id),
      kit.index("ledger_entries_key").on(table.apiKeyId, table.id),
    ],
  );
}

/** Files, batches and the like that a provider keeps: whose they are, and which provider has them. */
function defineBindings(kit: Kit) {
  return kit.table(
    "object_bindings",
    {
      /** `provider/object_id`: two providers may give the same id. */
      id: kit.text("id").primaryKey(),
      objectId: kit.text("object_id").notNull(),
      provider: kit.text("provider").notNull(),
      userId: kit.text("user_id").notNull(),
      /** First piece of the path under which it is found, such as `files`. */
      family: kit.text("family").notNull(),
      createdAt: kit.time("created_at").notNull(),
    },
    (table) => [
      kit.index("object_bindings_object").on(table.objectId),
      kit.index("object_bindings_user").on(table.userId, table.family),
    ],
  );
}

/** Answers that a client may refer to later, each with what it was asked. Text of users: nothing of it may outlive its row. */
function defineResponses(kit: Kit) {
  return kit.table(
    "stored_responses",
    {
      /** As the client knows it. */
      id: kit.text("id").primaryKey(),
      userId: kit.text("user_id").notNull(),
      provider: kit.text("provider").notNull(),
      model: kit.text("model").notNull(),
      /** The answer that this one went on from. */
      previousId: kit.text("previous_id"),
      /** True where the provider keeps it, too, under the same id. */
      isUpstream: kit.bool("is_upstream").notNull(),
      /** The new input items of its request, as JSON: no column type of its own, for one refuses what the other takes. */
      input: kit.text("input").notNull(),
      /** The answer, whole, as JSON. */
      body: kit.text("body").notNull(),
      /** Size of input and body together. */
      bytes: kit.big("bytes").notNull(),
      /** Set while it is still being made: by then its maker must have said again that it is alive. */
      leaseUntil: kit.time("lease_until"),
      createdAt: kit.time("created_at").notNull(),
      expiresAt: kit.time("expires_at").notNull(),
    },
    (table) => [
      // With the size in them, so that sums are read without the texts.
      kit.index("stored_responses_owner").on(table.userId, table.createdAt, table.bytes),
      kit.index("stored_responses_age").on(table.expiresAt, table.bytes),
    ],
  );
}

/** The items that answers are made of, for requests that name one alone. */
function defineItems(kit: Kit, responseId: () => PgColumn) {
  return kit.table(
    "stored_items",
    {
      /** `user_id/item_id`: two providers may give the same id. */
      id: kit.text("id").primaryKey(),
      responseId: kit.text("response_id").notNull().references(responseId, { onDelete: "cascade" }),
    },
    (table) => [kit.index("stored_items_response").on(table.responseId)],
  );
}

function defineCounters(kit: Kit) {
  return kit.table("counters", { name: kit.text("name").primaryKey(), value: kit.big("value").notNull() });
}
