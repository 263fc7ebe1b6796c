// Sums of rows as the store adds them up. Knows no SQL.

import type { Sums } from "../ledger/report.ts";

const ZEROS: Readonly<Sums> = {
  entries: 0,
  requests: 0,
  errors: 0,
  freshInputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  longCacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  costNanos: 0,
  unpricedRequests: 0,
  latencyUs: 0,
  ttftUs: 0,
  ttftRequests: 0,
  reusedRequests: 0,
  savedTokens: 0,
  savedCostNanos: 0,
};

export const SUM_FIELDS = Object.keys(ZEROS) as readonly (keyof Sums)[];

/** The sums among the fields of something larger; zeros of nothing. */
export function pickSums(from: Readonly<Partial<Sums>>): Sums {
  const sums = { ...ZEROS };
  for (const field of SUM_FIELDS) sums[field] = from[field] ?? 0;
  return sums;
}

/** In place, for there are many. */
export function addTo(sums: Sums, more: Readonly<Sums>): void {
  for (const field of SUM_FIELDS) sums[field] += more[field];
}
