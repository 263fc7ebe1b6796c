// Sums of rows as the store adds them up. Knows no SQL.

import type { Sums } from "../ledger/report.ts";

const FIELDS: Readonly<Record<keyof Sums, true>> = {
  entries: true,
  requests: true,
  errors: true,
  freshInputTokens: true,
  cacheReadTokens: true,
  cacheWriteTokens: true,
  longCacheWriteTokens: true,
  outputTokens: true,
  reasoningTokens: true,
  costNanos: true,
  unpricedRequests: true,
  latencyUs: true,
  ttftUs: true,
  ttftRequests: true,
};

export const SUM_FIELDS = Object.keys(FIELDS) as readonly (keyof Sums)[];

/** The sums among the fields of something larger; zeros of nothing. */
export function pickSums(from: Readonly<Partial<Sums>>): Sums {
  return Object.fromEntries(SUM_FIELDS.map((field) => [field, from[field] ?? 0])) as Record<keyof Sums, number>;
}

/** In place, for there are many. */
export function addTo(sums: Sums, more: Readonly<Sums>): void {
  for (const field of SUM_FIELDS) sums[field] += more[field];
}
