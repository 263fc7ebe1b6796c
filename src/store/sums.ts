// Sums of rows as the store adds them up. Knows no SQL.

import type { Sums } from "../ledger/report.ts";
import { addClasses, printClasses, readClasses } from "../lib/spread.ts";

const ZEROS: Readonly<Sums> = {
  entries: 0,
  requests: 0,
  errors: 0,
  attempts: 0,
  freshInputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  longCacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  costNanos: 0,
  unpricedRequests: 0,
  latencyUs: 0,
  untimedRequests: 0,
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

interface Spreads {
  latencies: string;
  ttfts: string;
}

/** With the calls that are there already added to those of the row. */
export function joinSpreads<Row extends Spreads>(row: Row, there: Spreads | null | undefined): Row {
  if (there === null || there === undefined) return row;
  const join = (left: string, right: string): string =>
    right === "" ? left : left === "" ? right : printClasses(addClasses(readClasses(left), readClasses(right)));
  return { ...row, latencies: join(row.latencies, there.latencies), ttfts: join(row.ttfts, there.ttfts) };
}
