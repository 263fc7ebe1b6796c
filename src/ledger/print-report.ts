// Sums of the books as JSON for people and programs: the same words by HTTP and on the command line.

import type { JsonObject } from "../ir/index.ts";
import type { Direction } from "./entry.ts";
import { formatUsd } from "./money.ts";
import { type Classes, findPercentile } from "../lib/spread.ts";
import { countTokens, type Dimension, type Report, type ReportGroup, type Total } from "./report.ts";

/**
 * What was bought, with what was sold beside it: the two are never added up. `net_tokens` is what was supplied less what was consumed.
 */
export function printSummary({ consume, supply }: Record<Direction, Total>): JsonObject {
  return {
    consumed_tokens: countTokens(consume),
    supplied_tokens: countTokens(supply),
    net_tokens: countTokens(supply) - countTokens(consume),
    ...printSums(consume),
    supply: printSums(supply),
  };
}

/** One object a group and direction, the dearest first. */
export function printBreakdown(by: readonly Dimension[], groups: readonly ReportGroup[]): JsonObject[] {
  return groups.toSorted(compareGroups).map(({ keys, direction, sums, spread }) => ({
    ...Object.fromEntries(by.map((dimension, index) => [dimension, keys[index] ?? null])),
    direction,
    total_tokens: countTokens(sums),
    ...printSums({ ...sums, spread }),
  }));
}

/** What a report or a page says of itself where it may lack rows; nothing otherwise. */
export function printGap({ removedBefore }: Pick<Report, "removedBefore">): JsonObject {
  return removedBefore === null ? {} : { rows_removed_before: removedBefore.toISOString() };
}

function printSums(sums: Total): JsonObject {
  return {
    requests: sums.requests,
    errors: sums.errors,
    attempts: sums.attempts,
    fresh_input_tokens: sums.freshInputTokens,
    cache_read_tokens: sums.cacheReadTokens,
    cache_write_tokens: sums.cacheWriteTokens,
    long_cache_write_tokens: sums.longCacheWriteTokens,
    output_tokens: sums.outputTokens,
    reasoning_tokens: sums.reasoningTokens,
    cost_usd: formatUsd(sums.costNanos),
    cost_nanos: sums.costNanos,
    unpriced_requests: sums.unpricedRequests,
    reused_requests: sums.reusedRequests,
    saved_tokens: sums.savedTokens,
    saved_cost_usd: formatUsd(sums.savedCostNanos),
    saved_cost_nanos: sums.savedCostNanos,
    average_latency_ms: average(sums.latencyUs, sums.requests - sums.untimedRequests),
    average_ttft_ms: average(sums.ttftUs, sums.ttftRequests),
    ...printPercentiles("latency_ms", sums.spread.latency),
    ...printPercentiles("ttft_ms", sums.spread.ttft),
  };
}

const PERCENTILES = [50, 90, 99] as const;

/** `p50_latency_ms` and so on: within 5 % of the true one; null where there are no calls. */
function printPercentiles(what: string, classes: Classes): JsonObject {
  return Object.fromEntries(PERCENTILES.map((part) => [`p${part}_${what}`, findPercentile(classes, part / 100)]));
}

/** Milliseconds, to the microsecond; null where there is nothing to take it of. */
function average(micros: number, count: number): number | null {
  return count === 0 ? null : Math.round(micros / count) / 1000;
}

function compareGroups(left: ReportGroup, right: ReportGroup): number {
  const byCost = right.sums.costNanos - left.sums.costNanos || right.sums.requests - left.sums.requests;
  if (byCost !== 0) return byCost;
  const [first, second] = [left, right].map(({ keys, direction }) => JSON.stringify([keys, direction]));
  return (first ?? "") < (second ?? "") ? -1 : 1;
}
