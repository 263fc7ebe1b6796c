// What the books say of an answer that was given again instead of being bought again: nothing was used, and this much was saved. Knows no cache.

import type { LedgerEntry } from "./entry.ts";

/** Stands where others name their provider: none was asked. No provider can be called so. */
export const REUSE = "cache";
export type Reuse = typeof REUSE;

/** Why no provider was asked: the answer was kept, or a call of the same key was under way or had just ended. */
export type ReuseKind = "cache" | "idempotency";

/** Of a row whose answer was another call's. */
export function describeReuse(
  kind: ReuseKind,
  { from, tokens, costNanos }: { from: string; tokens: number | null; costNanos: number | null },
): Partial<LedgerEntry> {
  return {
    provider: REUSE,
    freshInputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    longCacheWriteTokens: 0,
    outputTokens: 0,
    costNanos: 0,
    // The row that paid for it.
    reason: `${kind}:${from}`,
    units: {
      reused_requests: 1,
      ...(tokens === null ? {} : { saved_tokens: tokens }),
      ...(costNanos === null ? {} : { saved_cost_nanos: costNanos }),
    },
  };
}
