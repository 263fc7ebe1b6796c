// What a report on the books is: sums of rows, grouped and cut into stretches of time. Knows no SQL, no zone and no reader.

import type { Direction } from "./entry.ts";
import { addSpreads, NO_SPREAD, type Spread } from "../lib/spread.ts";
import type { LedgerFilter } from "./store.ts";

/** What rows can be grouped by. A row with several tags counts in the group of each. */
export const DIMENSIONS = ["direction", "endpoint", "key", "model", "provider", "status", "tag", "user"] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export interface Sums {
  /** Rows of both kinds. */
  entries: number;
  /** Calls; corrections are none. */
  requests: number;
  errors: number;
  /** Calls to providers: of one request several where it was tried again, each counted at the provider that was asked. */
  attempts: number;
  freshInputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  /** Of `cacheWriteTokens`, those that are kept for an hour. */
  longCacheWriteTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  costNanos: number;
  /** Calls whose cost is unknown, and which `costNanos` therefore leaves out. */
  unpricedRequests: number;
  /** Of all requests but those that nobody timed, in microseconds. */
  latencyUs: number;
  /** Calls that a gateway died over: nobody knows how long they took. */
  untimedRequests: number;
  /** Of those that streamed, in microseconds. */
  ttftUs: number;
  ttftRequests: number;
  /** Of all requests, those whose answer was another one's, and what that had used and cost. */
  reusedRequests: number;
  savedTokens: number;
  savedCostNanos: number;
}

export const NO_SUMS: Readonly<Sums> = Object.freeze({
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
});

export const SUM_FIELDS = Object.keys(NO_SUMS) as readonly (keyof Sums)[];

export interface ReportQuery {
  filter: LedgerFilter;
  by: readonly Dimension[];
  /** Where stretches of time begin, ascending, and where the last one ends, in epoch milliseconds; empty: all time is one. */
  edges: readonly number[];
}

export interface ReportGroup {
  /** Which stretch of time, from 0. */
  stretch: number;
  /** In the order of `by`; null where rows have no such thing. */
  keys: readonly (string | number | null)[];
  /** What was bought and what was sold are never added up. */
  direction: Direction;
  sums: Sums;
  /** How long its calls took, where that is known. */
  spread: Spread;
}

export interface Report {
  groups: ReportGroup[];
  /**
   * Rows from before this moment may have been removed by age: their sums are kept by the quarter (by the hour where more than one of
   * user or key, tag, and all else is asked for), so a stretch that begins or ends within one lacks them. Null where all rows are there.
   */
  removedBefore: Date | null;
  /** Rows of the time that is asked for, from before this moment, may be gone by age, whatever sums still tell of them; null where none are. */
  rowsRemovedBefore: Date | null;
}

/** Both sides of the books, apart. */
export type LedgerSummary = Record<Direction, Sums>;

export interface Total extends Sums, Pick<ReportGroup, "spread"> {}

export function addSums(left: Readonly<Sums>, right: Readonly<Sums>): Sums {
  const sums = { ...left };
  for (const field of SUM_FIELDS) sums[field] += right[field];
  return sums;
}

/** Input and output together. */
export function countTokens(sums: Readonly<Sums>): number {
  return sums.freshInputTokens + sums.cacheReadTokens + sums.cacheWriteTokens + sums.outputTokens;
}

/** All groups of each direction in one. */
export function summarize(groups: readonly ReportGroup[]): Record<Direction, Total> {
  const none: Total = { ...NO_SUMS, spread: NO_SPREAD };
  const summary = { consume: none, supply: none };
  for (const { direction, sums, spread } of groups) {
    const before = summary[direction] as Total | undefined;
    // Somebody put a word of his own into a row.
    if (before === undefined) continue;
    summary[direction] = { ...addSums(before, sums), spread: addSpreads(before.spread, spread) };
  }
  return summary;
}
