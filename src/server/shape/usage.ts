// What was used and what it cost, and who changed what, as it is answered.

import { z } from "zod";
import { ANY_OBJECT, COUNT, MAYBE_COUNT, MAYBE_TEXT, MAYBE_USD, NANOS, TEXT, TEXTS, TIME, USD } from "./basic.ts";

/** Corrections may be below zero. */
const TOKENS = z.int();

const SUM_FIELDS = {
  requests: TOKENS,
  errors: TOKENS,
  attempts: TOKENS,
  fresh_input_tokens: TOKENS,
  cache_read_tokens: TOKENS,
  cache_write_tokens: TOKENS,
  long_cache_write_tokens: TOKENS,
  output_tokens: TOKENS,
  reasoning_tokens: TOKENS,
  cost_usd: USD,
  cost_nanos: NANOS,
  unpriced_requests: TOKENS,
  reused_requests: TOKENS,
  saved_tokens: TOKENS,
  saved_cost_usd: USD,
  saved_cost_nanos: NANOS,
};
/** Percentiles of latency and of the time to the first output stand beside them. */
const SUMS = z
  .looseObject(SUM_FIELDS)
  .meta({ id: "Sums", description: "Sums, with averages and percentiles of latency" });
const GAP = { rows_removed_before: TIME.optional().describe("Rows before this moment are kept no longer") };

export const SUMMARY = z.object({
  summary: z
    .looseObject({ consumed_tokens: TOKENS, supplied_tokens: TOKENS, net_tokens: TOKENS, ...SUM_FIELDS, supply: SUMS })
    .meta({ id: "UsageSummary" }),
  ...GAP,
});

export const BREAKDOWN = z.object({
  by: TEXTS,
  groups: z.array(
    z.looseObject({ direction: TEXT, total_tokens: TOKENS, ...SUM_FIELDS }).meta({
      id: "UsageGroup",
      description: "Sums of one group, which is told by the fields that it was asked for by",
    }),
  ),
  left_out: COUNT,
  ...GAP,
});

export const TIMELINE = z.object({
  bucket: TEXT,
  tz: TEXT,
  series: z.array(z.looseObject({}).meta({ id: "UsageBucket", description: "Sums of one stretch of time" })),
  ...GAP,
});

export const LOGS = z.object({
  entries: z.array(
    z
      .looseObject({
        id: TEXT,
        kind: TEXT,
        chain: TEXT,
        seq: COUNT,
        hash: TEXT,
        request_id: MAYBE_TEXT,
        created_at: TIME,
        user_id: MAYBE_TEXT,
        api_key_id: MAYBE_TEXT,
        tags: TEXTS,
        endpoint: TEXT,
        model: MAYBE_TEXT,
        model_served: MAYBE_TEXT,
        provider: MAYBE_TEXT,
        direction: TEXT,
        prompt_tokens: TOKENS.nullable(),
        completion_tokens: TOKENS.nullable(),
        status: MAYBE_COUNT,
        error_kind: MAYBE_TEXT,
        cost_usd: MAYBE_USD,
        cost_nanos: NANOS.nullable(),
        attempts: z.array(ANY_OBJECT),
      })
      .meta({ id: "LedgerRow", description: "A row of the books; a correction's figures are what it adds" }),
  ),
  next_cursor: MAYBE_TEXT,
  ...GAP,
});

export const PAYLOAD = z
  .object({ id: TEXT, created_at: TIME, request: z.unknown(), response: z.unknown() })
  .meta({ id: "Payload", description: "The text of a call, where it is kept" });

export const TOKEN_REPORT = z
  .looseObject(GAP)
  .meta({ id: "TokenReport", description: "What providers reported of tokens, beside what the gateway counted" });

export const CHANGE_ROW = z
  .object({
    id: TEXT,
    seq: COUNT,
    at: TIME,
    actor: TEXT,
    actor_id: MAYBE_TEXT,
    actor_name: MAYBE_TEXT,
    api_key_id: MAYBE_TEXT,
    address: MAYBE_TEXT,
    request_id: MAYBE_TEXT,
    action: TEXT,
    subject_kind: TEXT,
    subject_id: MAYBE_TEXT,
    before: ANY_OBJECT.nullable(),
    after: ANY_OBJECT.nullable(),
    chain: TEXT,
    previous: TEXT,
    hash: TEXT,
  })
  .meta({ id: "Change", description: "A change, sealed by the hash of the one before it" });
