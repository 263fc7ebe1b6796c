// Rows and sums of the books as JSON for people and programs: the same words by HTTP and on the command line.

import type { JsonObject, Usage } from "../ir/index.ts";
import type { Attempt, LedgerEntry, Seal, SealedEntry } from "./entry.ts";
import { formatUsd } from "./money.ts";
import type { LedgerPage } from "./store.ts";

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
    route: findRoute(entry),
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
    latency_ms: findLatency(entry),
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
      ...(attempt.account === undefined ? {} : { account: attempt.account }),
      ...(attempt.route === undefined ? {} : { route: attempt.route }),
      status: attempt.status,
      error_kind: attempt.errorKind,
      upstream_request_id: attempt.upstreamRequestId,
      latency_ms: findLatency(attempt),
      ...(attempt.usageRaw === undefined ? {} : { usage_raw: attempt.usageRaw }),
      ...(attempt.usage === undefined ? {} : { usage: printUsage(attempt.usage) }),
      ...(attempt.costNanos === undefined ? {} : { cost_nanos: attempt.costNanos }),
      ...(attempt.price === undefined ? {} : printPrice(attempt.price)),
    })),
    payload_digest: entry.payloadDigest,
    request_hash: entry.requestHash,
    response_hash: entry.responseHash,
    payload_salt: entry.payloadSalt,
  };
}

function printPrice({ id, source, date }: NonNullable<Attempt["price"]>): JsonObject {
  return { price_id: id, price_source: source, price_date: date };
}

/** Null where a gateway died over it, or it was not written down: the books hold 0 then, and nobody knows how long it took. */
export function findLatency({
  errorKind,
  latencyMs,
  reason,
}: Pick<Attempt, "errorKind" | "latencyMs"> & { reason?: string | null }): number | null {
  return latencyMs === 0 && (errorKind === "interrupted" || reason === "imported") ? null : latencyMs;
}

/** The name of the route by which the answer came, or the last failure; null where none with a name led anywhere. */
export function findRoute({ attempts, provider }: Pick<LedgerEntry, "attempts" | "provider">): string | null {
  const told = attempts.findLast((attempt) => attempt.provider === provider) ?? attempts.at(-1);
  return told?.route ?? null;
}

/** The rows of a page, each call with its figures as they are now where it has been corrected. */
export function printEntries({ entries, corrections }: Pick<LedgerPage, "corrections" | "entries">): JsonObject[] {
  const byCall = Map.groupBy(corrections, ({ corrects }) => corrects);
  return entries.map((entry) => {
    const own = byCall.get(entry.id) ?? [];
    return own.length === 0 ? printEntry(entry) : { ...printEntry(entry), corrected: printCorrected(entry, own) };
  });
}

/** Corrections hold differences, so that the sum of all rows is the truth. */
export function correct(entry: LedgerEntry, corrections: readonly LedgerEntry[]): Figures {
  const figures: Figures = { ...entry };
  for (const correction of corrections) {
    for (const field of FIGURES) {
      const difference = correction[field];
      if (difference !== null) figures[field] = (figures[field] ?? 0) + difference;
    }
  }
  return figures;
}

const FIGURES = [
  "cacheReadTokens",
  "cacheWriteTokens",
  "costNanos",
  "freshInputTokens",
  "longCacheWriteTokens",
  "outputTokens",
  "reasoningTokens",
] as const;
type Figures = Pick<LedgerEntry, (typeof FIGURES)[number]>;

function printCorrected(entry: LedgerEntry, corrections: readonly SealedEntry[]): JsonObject {
  const figures = correct(entry, corrections);
  return {
    by: corrections.map(({ id }) => id),
    fresh_input_tokens: figures.freshInputTokens,
    cache_read_tokens: figures.cacheReadTokens,
    cache_write_tokens: figures.cacheWriteTokens,
    long_cache_write_tokens: figures.longCacheWriteTokens,
    output_tokens: figures.outputTokens,
    reasoning_tokens: figures.reasoningTokens,
    cost_usd: figures.costNanos === null ? null : formatUsd(figures.costNanos),
    cost_nanos: figures.costNanos,
  };
}

function printUsage(usage: Usage): JsonObject {
  return {
    fresh_input_tokens: usage.freshInputTokens,
    cache_read_tokens: usage.cacheReadTokens,
    cache_write_tokens: usage.cacheWriteTokens,
    long_cache_write_tokens: usage.longCacheWriteTokens ?? 0,
    output_tokens: usage.outputTokens,
    reasoning_tokens: usage.reasoningTokens,
    units: usage.units === undefined ? null : { ...usage.units },
    service_tier: usage.serviceTier ?? null,
  };
}

function sumPrompt(entry: LedgerEntry): number | null {
  const { freshInputTokens: fresh, cacheReadTokens: read, cacheWriteTokens: write } = entry;
  return fresh === null ? null : fresh + (read ?? 0) + (write ?? 0);
}
