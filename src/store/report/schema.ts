// The tables beside the ledger: sums of its rows, how far they go, and captured text. Part of the one schema; knows no engine.

import type { Direction } from "../../ledger/entry.ts";
import type { Kit } from "../postgres/columns.ts";

/** Captured text of calls, where the operator asked for it: never part of the chain, and gone when its time is over. */
export function definePayloads(kit: Kit) {
  return kit.table(
    "ledger_payloads",
    {
      entryId: kit.text("entry_id").primaryKey(),
      userId: kit.text("user_id").notNull(),
      createdAt: kit.time("created_at").notNull(),
      request: kit.text("request"),
      response: kit.text("response"),
    },
    (table) => [kit.index("ledger_payloads_age").on(table.createdAt)],
  );
}

/** Sums of rows by stretches of UTC, once with all that a report may ask for and more briefly: the levels are the plan's. */
export function defineRollups(kit: Kit) {
  return kit.table(
    "ledger_rollups",
    {
      /** The time, and a digest of all that it is grouped by. */
      id: kit.text("id").primaryKey(),
      level: kit.text("level").notNull(),
      startedAt: kit.time("started_at").notNull(),
      /** Empty, like others of these, where the level leaves it out. */
      userId: kit.text("user_id").notNull(),
      apiKeyId: kit.text("api_key_id").notNull(),
      tags: kit.json("tags").$type<string[]>(),
      modelAsked: kit.text("model_asked").notNull(),
      modelServed: kit.text("model_served"),
      provider: kit.text("provider"),
      endpoint: kit.text("endpoint").notNull(),
      status: kit.int("status").notNull(),
      direction: kit.text("direction").$type<Direction>().notNull(),
      entries: kit.big("entries").notNull(),
      requests: kit.big("requests").notNull(),
      errors: kit.big("errors").notNull(),
      attempts: kit.big("attempts").notNull().default(0),
      freshInputTokens: kit.big("fresh_input_tokens").notNull(),
      cacheReadTokens: kit.big("cache_read_tokens").notNull(),
      cacheWriteTokens: kit.big("cache_write_tokens").notNull(),
      longCacheWriteTokens: kit.big("long_cache_write_tokens").notNull(),
      outputTokens: kit.big("output_tokens").notNull(),
      reasoningTokens: kit.big("reasoning_tokens").notNull(),
      costNanos: kit.big("cost_nanos").notNull(),
      unpricedRequests: kit.big("unpriced_requests").notNull(),
      latencyUs: kit.big("latency_us").notNull(),
      untimedRequests: kit.big("untimed_requests").notNull().default(0),
      ttftUs: kit.big("ttft_us").notNull(),
      ttftRequests: kit.big("ttft_requests").notNull(),
      reusedRequests: kit.big("reused_requests").notNull().default(0),
      savedTokens: kit.big("saved_tokens").notNull().default(0),
      savedCostNanos: kit.big("saved_cost_nanos").notNull().default(0),
      /** Calls by classes of how long they took; those that nobody timed are in the first. */
      latencies: kit.text("latencies").notNull().default(""),
      ttfts: kit.text("ttfts").notNull().default(""),
    },
    (table) => [kit.index("ledger_rollups_time").on(table.level, table.startedAt)],
  );
}

/**
 * Sums of an hour by all that a report may ask for, packed as sheets are: where all rows differ, there are as many as rows. Several parts, of which
 * one is added with each piece of a chain that is summed up; added up, they are the hour. What an older release kept of it is in the other table.
 */
export function defineHours(kit: Kit) {
  return kit.table(
    "ledger_hours",
    {
      id: kit.text("id").primaryKey(),
      startedAt: kit.time("started_at").notNull(),
      /** How many are in it. */
      sums: kit.int("sums").notNull(),
      /** In base64, for every database keeps and copies texts. */
      body: kit.text("body").notNull(),
    },
    (table) => [kit.index("ledger_hours_time").on(table.startedAt, table.sums)],
  );
}

/** How far each chain is summed up: every row up to there is in the sums once, and none beyond. */
export function defineMarks(kit: Kit) {
  return kit.table("ledger_marks", {
    chain: kit.text("chain").primaryKey(),
    seq: kit.big("seq").notNull(),
    /** Sums of before there were attempts and classes of time in them get these behind the rest: so far they have. */
    detailSeq: kit.big("detail_seq").notNull().default(0),
    /** Likewise, how many calls nobody timed. */
    untimedSeq: kit.big("untimed_seq").notNull().default(0),
    /** Up to here the hashes of payloads are gone. */
    hashesSeq: kit.big("hashes_seq").notNull().default(0),
    /** Rows that are gone were all from before this moment. */
    removedBefore: kit.time("removed_before"),
  });
}
