// The tables, written once for both engines. Knows no engine: the kit brings its column builders.
// After a change here: `bun run migrate` writes the new SQL for both engines.

import { type Column, type SQL, isNotNull, isNull, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import type { Action } from "../gateway/way/control.ts";
import type { LimitWords } from "../identity/limit.ts";
import type { Role, Scope, Status } from "../identity/model.ts";
import type { Units, UsageSource } from "../ir/index.ts";
import type { Attempt, Direction, EntryKind, EntryErrorKind } from "../ledger/entry.ts";
import type { RecountMethod, RecountState, RecountVerdict } from "../ledger/recount.ts";
import { defineBudgetAlerts, defineBudgetRemains, defineBudgets, defineGrants } from "./budget-table.ts";
import { defineChangeChain, defineChangeHeads, defineChanges } from "./change-schema.ts";
import { defineIntents, definePlaces, defineRefused } from "./journal-table.ts";
import type { Kit } from "./postgres/columns.ts";
import { defineProviderSecrets, defineProviderVersions } from "./provider-table.ts";
import { defineLimits } from "./limit-table.ts";
import { guardRows } from "./row-guard.ts";
import { defineSettings } from "./setting-table.ts";
import { defineRouteVersions } from "./route-table.ts";
import { defineHours, defineMarks, definePayloads, defineRollups } from "./report/schema.ts";
import { defineErrands, defineIdentities, defineLinks, defineSessions } from "./session-schema.ts";

/** Public ids are UUIDv7 as text, so their order is the order of time; times are milliseconds; money is nano-dollars. */
export function defineSchema(kit: Kit) {
  const users = defineUsers(kit);
  const storedResponses = defineResponses(kit);
  return {
    users,
    apiKeys: defineApiKeys(kit, () => users.id),
    sessions: defineSessions(kit, () => users.id),
    loginLinks: defineLinks(kit, () => users.id),
    outsideIdentities: defineIdentities(kit, () => users.id),
    signInErrands: defineErrands(kit, () => users.id),
    ledgerEntries: guardRows(defineLedger(kit)),
    ledgerIntents: defineIntents(kit),
    ledgerPlaces: definePlaces(kit),
    ledgerRefused: defineRefused(kit),
    ledgerChains: defineChains(kit),
    ledgerHeads: defineHeads(kit),
    ledgerRecounts: defineRecounts(kit),
    ledgerPayloads: definePayloads(kit),
    ledgerRollups: defineRollups(kit),
    ledgerHours: defineHours(kit),
    ledgerMarks: defineMarks(kit),
    budgets: defineBudgets(kit),
    budgetGrants: defineGrants(kit),
    budgetAlerts: defineBudgetAlerts(kit),
    budgetRemains: defineBudgetRemains(kit),
    rateLimits: defineLimits(kit),
    runtimeSettings: defineSettings(kit),
    objectBindings: defineBindings(kit),
    routeVersions: defineRouteVersions(kit),
    storedResponses,
    storedItems: defineItems(kit, () => storedResponses.id),
    counters: defineCounters(kit),
    providerControls: defineControls(kit),
    auditChanges: defineChanges(kit),
    auditChain: defineChangeChain(kit),
    auditHeads: defineChangeHeads(kit),
    providerVersions: defineProviderVersions(kit),
    providerSecrets: defineProviderSecrets(kit),
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
      kit.index("users_role").on(table.role, table.id).where(isNull(table.deletedAt)),
      kit.index("users_role_status").on(table.role, table.status, table.id).where(isNull(table.deletedAt)),
      kit.index("users_search").on(kit.byPrefix(table.email), table.role, table.status).where(isNull(table.deletedAt)),
      kit.index("users_status").on(table.status, table.id).where(isNull(table.deletedAt)),
    ],
  );
}

/** A token that a newer one took the place of, in milliseconds. */
export interface KeptToken {
  hash: string;
  prefix: string;
  endsAt: number;
}

type Signs = Record<"createdAt" | "deletedAt" | "lastUsedAt", Column>;

/**
 * When a key was used last, or made; null where it is deleted. An index of those that are not would be taken for lists of all keys, too. In words
 * without a comma: at each, the generator of migrations cuts an index in two.
 */
export function lastSign({ lastUsedAt, createdAt, deletedAt }: Signs): SQL<Date | null> {
  return sql`(case when ${deletedAt} is not null then null when ${lastUsedAt} is null then ${createdAt} else ${lastUsedAt} end)`;
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
      /** What it is limited to; null where to nothing. */
      limits: kit.json("limits").$type<LimitWords>(),
      tags: kit.json("tags").$type<string[]>(),
      /** Tokens that it had before, as far as they may work still: few, and mostly none. */
      former: kit.json("former").$type<KeptToken[]>(),
      expiresAt: kit.time("expires_at"),
      lastUsedAt: kit.time("last_used_at"),
      createdAt: kit.time("created_at").notNull(),
      updatedAt: kit.time("updated_at").notNull(),
      /** Set: it opens nothing any more. */
      revokedAt: kit.time("revoked_at"),
      /** Set: nor is it shown any more. The row stays for the ledger's sake. */
      deletedAt: kit.time("deleted_at"),
      revision: kit.big("revision").notNull(),
    },
    (table) => [
      kit.uniqueIndex("api_keys_hash").on(table.keyHash),
      kit.index("api_keys_user").on(table.userId),
      kit.index("api_keys_revision").on(table.revision),
      kit.index("api_keys_prefix").on(kit.byPrefix(table.keyPrefix), table.id),
      // Few have any.
      kit.index("api_keys_former").on(table.id).where(isNotNull(table.former)),
      kit.index("api_keys_tagged").on(table.id).where(isNotNull(table.tags)),
      kit.index("api_keys_unused").on(lastSign(table), table.id),
    ],
  );
}

/**
 * Rows outlive users and keys, so there is no foreign key. Every index is paid for by every request: there are as few as the questions allow.
 * One of owners would cost more than all else that is done for a row, as its places lie apart: sheets say where an owner's rows are (sheet/find.ts).
 */
function defineLedger(kit: Kit) {
  return kit.table(
    "ledger_entries",
    {
      id: kit.text("id").primaryKey(),
      /** These three are null in rows from before there was a chain. */
      chain: kit.text("chain"),
      seq: kit.big("seq"),
      hash: kit.text("hash"),
      kind: kit.text("kind").$type<EntryKind>().notNull().default("call"),
      /** Of a correction: the row whose figures it adds to. */
      corrects: kit.text("corrects"),
      reason: kit.text("reason"),
      pricesUnknown: kit.bool("prices_unknown"),
      requestId: kit.text("request_id").notNull(),
      createdAt: kit.time("created_at").notNull(),
      userId: kit.text("user_id").notNull(),
      apiKeyId: kit.text("api_key_id").notNull(),
      tags: kit.json("tags").$type<string[]>(),
      endpoint: kit.text("endpoint").notNull(),
      modelAsked: kit.text("model_asked").notNull(),
      modelServed: kit.text("model_served"),
      provider: kit.text("provider"),
      direction: kit.text("direction").$type<Direction>().notNull(),
      freshInputTokens: kit.big("fresh_input_tokens"),
      cacheReadTokens: kit.big("cache_read_tokens"),
      cacheWriteTokens: kit.big("cache_write_tokens"),
      longCacheWriteTokens: kit.big("long_cache_write_tokens"),
      outputTokens: kit.big("output_tokens"),
      reasoningTokens: kit.big("reasoning_tokens"),
      units: kit.json("units").$type<Units>(),
      serviceTier: kit.text("service_tier"),
      usageSource: kit.text("usage_source").$type<UsageSource>().notNull(),
      status: kit.int("status").notNull(),
      errorKind: kit.text("error_kind").$type<EntryErrorKind>(),
      latencyMs: kit.real("latency_ms").notNull(),
      ttftMs: kit.real("ttft_ms"),
      streamed: kit.bool("streamed").notNull(),
      costNanos: kit.big("cost_nanos"),
      priceId: kit.text("price_id"),
      priceSource: kit.text("price_source"),
      priceDate: kit.text("price_date"),
      dropped: kit.json("dropped").$type<string[]>().notNull(),
      attempts: kit.json("attempts").$type<Attempt[]>().notNull(),
      payloadDigest: kit.text("payload_digest"),
      /** What `payload_digest` was made of; not attested themselves, so that they can be deleted. */
      requestHash: kit.text("request_hash"),
      responseHash: kit.text("response_hash"),
      payloadSalt: kit.text("payload_salt"),
    },
    (table) => [
      kit.uniqueIndex("ledger_entries_chain").on(table.chain, table.seq),
      kit.index("ledger_entries_corrects").on(table.corrects).where(isNotNull(table.corrects)),
      kit.index("ledger_entries_time").on(table.createdAt),
      // Sums of before these were counted get their count from here; other rows do not pay for it.
      kit
        .index("ledger_entries_interrupted")
        .on(table.createdAt)
        .where(sql`${table.errorKind} = 'interrupted'`),
    ],
  );
}

/** The chains of rows, one a writing process, and how far each has come. */
function defineChains(kit: Kit) {
  return kit.table("ledger_chains", {
    chain: kit.text("chain").primaryKey(),
    /** Several processes may write to one file: each has a slot of its own there. */
    slot: kit.int("slot").notNull(),
    /** Fingerprint of the key that signs its heads. */
    keyId: kit.text("key_id").notNull(),
    publicKey: kit.text("public_key").notNull(),
    /** Of the last row; 0 and empty before the first. */
    seq: kit.big("seq").notNull(),
    hash: kit.text("hash").notNull(),
    startedAt: kit.time("started_at").notNull(),
    /** When it began, and the chain that it took over from with its last row, where there is one: canonical JSON, which its first head attests. */
    continues: kit.text("continues"),
  });
}

/** Signed statements that a chain had come so far at such a time. */
function defineHeads(kit: Kit) {
  return kit.table(
    "ledger_heads",
    {
      /** `chain/seq/reason`. */
      id: kit.text("id").primaryKey(),
      chain: kit.text("chain").notNull(),
      seq: kit.big("seq").notNull(),
      hash: kit.text("hash").notNull(),
      reason: kit.text("reason").notNull(),
      signedAt: kit.time("signed_at").notNull(),
      /** Id of the head before it, so that none can be taken out unseen. */
      previous: kit.text("previous"),
      publicKey: kit.text("public_key").notNull(),
      signature: kit.text("signature").notNull(),
    },
    (table) => [kit.index("ledger_heads_chain").on(table.chain, table.seq)],
  );
}

/** Our own count of a call's tokens, beside the provider's. */
function defineRecounts(kit: Kit) {
  return kit.table(
    "ledger_recounts",
    {
      entryId: kit.text("entry_id").primaryKey(),
      chain: kit.text("chain"),
      seq: kit.big("seq"),
      hash: kit.text("hash"),
      createdAt: kit.time("created_at").notNull(),
      state: kit.text("state").$type<RecountState>().notNull(),
      /** Why it was skipped, or why it is no more than an estimate. */
      reason: kit.text("reason"),
      method: kit.text("method").$type<RecountMethod>(),
      tokenizer: kit.text("tokenizer"),
      tokenizerVersion: kit.text("tokenizer_version"),
      inputTokens: kit.big("input_tokens"),
      inputLow: kit.big("input_low"),
      inputHigh: kit.big("input_high"),
      outputTokens: kit.big("output_tokens"),
      outputLow: kit.big("output_low"),
      outputHigh: kit.big("output_high"),
      verdict: kit.text("verdict").$type<RecountVerdict>(),
    },
    (table) => [kit.uniqueIndex("ledger_recounts_chain").on(table.chain, table.seq)],
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
      /** Set once what it cost is on the books: whoever sets it first writes the row. */
      bookedAt: kit.time("booked_at"),
      /** By which it was made, and what that was filed under: whoever books it later has no request to read them from. */
      keyId: kit.text("key_id"),
      tags: kit.json("tags").$type<string[]>(),
    },
    (table) => [
      kit.index("object_bindings_object").on(table.objectId),
      kit.index("object_bindings_user").on(table.userId, table.family),
      kit.index("object_bindings_family").on(table.family, table.createdAt),
    ],
  );
}

/** What an operator took out of service until he says otherwise. */
function defineControls(kit: Kit) {
  return kit.table("provider_controls", {
    /** Provider, key and model as a JSON list: two of them may be null. */
    id: kit.text("id").primaryKey(),
    provider: kit.text("provider").notNull(),
    /** Label of a key. */
    account: kit.text("account"),
    model: kit.text("model"),
    action: kit.text("action").$type<Action>().notNull(),
    by: kit.text("by").notNull(),
    since: kit.time("since").notNull(),
  });
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
