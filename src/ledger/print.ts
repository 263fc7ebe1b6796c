// Rows and sums of the books as JSON for people and programs: the same words by HTTP and on the command line.

import type { JsonObject, Usage } from "../ir/index.ts";
import type { LedgerEntry, Seal } from "./entry.ts";
import { formatUsd } from "./money.ts";
import type { LedgerSummary } from "./store.ts";

export function printEntry(entry: LedgerEntry & Seal): JsonObject {
  return {
    id: entry.id,
    uuid: entry.id,
    kind: entry.kind,
    corrects: entry.corrects,
    reason: entry.reason,
    chain: entry.chain,
    seq: entry.seq,
    hash: entry.hash,
    request_id: entry.requestId,
    created_at: entry.createdAt.toISOString(),
    user_id: entry.userId,
    api_key_id: entry.apiKeyId,
    tags: entry.tags === null ? [] : [...entry.tags],
    endpoint: entry.endpoint,
    model: entry.modelAsked,
    model_served: entry.modelServed,
    provider: entry.provider,
    direction: entry.direction,
    prompt_tokens: sumPrompt(entry),
    completion_tokens: entry.outputTokens,
    fresh_input_tokens: entry.freshInputTokens,
    cache_read_tokens: entry.cacheReadTokens,
    cache_write_tokens: entry.cacheWriteTokens,
    long_cache_write_tokens: entry.longCacheWriteTokens,
    output_tokens: entry.outputTokens,
    reasoning_tokens: entry.reasoningTokens,
    units: entry.units === null ? null : { ...entry.units },
    service_tier: entry.serviceTier,
    usage_source: entry.usageSource,
    status: entry.status,
    error_kind: entry.errorKind,
    latency_ms: entry.latencyMs,
    ttft_ms: entry.ttftMs,
    streamed: entry.streamed,
    cost_usd: entry.costNanos === null ? null : formatUsd(entry.costNanos),
    cost_nanos: entry.costNanos,
    price_id: entry.priceId,
    price_source: entry.priceSource,
    price_date: entry.priceDate,
    dropped: [...entry.dropped],
    // Names that readers of earlier editions look for.
    service_id: 0,
    memo: entry.endpoint,
    updated_at: entry.createdAt.toISOString(),
    attempts: entry.attempts.map((attempt) => ({
      provider: attempt.provider,
      model: attempt.model,
      status: attempt.status,
      error_kind: attempt.errorKind,
      upstream_request_id: attempt.upstreamRequestId,
      latency_ms: attempt.latencyMs,
      ...(attempt.usageRaw === undefined ? {} : { usage_raw: attempt.usageRaw }),
      ...(attempt.usage === undefined ? {} : { usage: printUsage(attempt.usage) }),
      ...(attempt.costNanos === undefined ? {} : { cost_nanos: attempt.costNanos }),
    })),
    payload_digest: entry.payloadDigest,
    request_hash: entry.requestHash,
    response_hash: entry.responseHash,
    payload_salt: entry.payloadSalt,
  };
}

/** `net_tokens` is what was supplied less what was consumed. */
export function printSummary(summary: LedgerSummary): JsonObject {
  return {
    consumed_tokens: summary.consumedTokens,
    supplied_tokens: summary.suppliedTokens,
    net_tokens: summary.suppliedTokens - summary.consumedTokens,
    requests: summary.requests,
    errors: summary.errors,
    fresh_input_tokens: summary.freshInputTokens,
    cache_read_tokens: summary.cacheReadTokens,
    cache_write_tokens: summary.cacheWriteTokens,
    output_tokens: summary.outputTokens,
    reasoning_tokens: summary.reasoningTokens,
    cost_usd: formatUsd(summary.costNanos),
    cost_nanos: summary.costNanos,
    unpriced_requests: summary.unpricedRequests,
  };
}

function printUsage(usage: Usage): JsonObject {
  return {
    fresh_input_tokens: usage.freshInputTokens,
    cache_read_tokens: usage.cacheReadTokens,
    cache_write_tokens: usage.cacheWriteTokens,
    output_tokens: usage.outputTokens,
    reasoning_tokens: usage.reasoningTokens,
  };
}

function sumPrompt(entry: LedgerEntry): number | null {
  const { freshInputTokens: fresh, cacheReadTokens: read, cacheWriteTokens: write } = entry;
  return fresh === null ? null : fresh + (read ?? 0) + (write ?? 0);
}
