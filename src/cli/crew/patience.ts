// How long the place of a worker that ended stays empty, and when there is no sense in another try. Knows no process.

import type { Clock } from "../../lib/clock.ts";

export interface Patience {
  /** It takes requests from now on. */
  serves(index: number): void;
  /** Milliseconds until another one may take its place; null where that is of no use any more. */
  ended(index: number): number | null;
}

/** One that served for so long did not fail at its beginning, however long that took. */
const STEADY_MS = 10_000;
const FIRST_MS = 50;
const LONGEST_MS = 10_000;
const MOST_TRIES = 5;

export function createPatience(clock: Pick<Clock, "monotonicMs">): Patience {
  /** Since when those serve that do. */
  const serving = new Map<number, number>();
  const tries = new Map<number, number>();
  const isSteady = (sinceMs: number | undefined): boolean =>
    sinceMs !== undefined && clock.monotonicMs() - sinceMs >= STEADY_MS;
  return {
    serves: (index) => void serving.set(index, clock.monotonicMs()),
    ended(index) {
      const count = isSteady(serving.get(index)) ? 1 : (tries.get(index) ?? 0) + 1;
      serving.delete(index);
      tries.set(index, count);
      const isCarried = [...serving.values()].some(isSteady);
      if (count > MOST_TRIES && !isCarried) return null;
      return Math.min(LONGEST_MS, FIRST_MS * 2 ** (count - 1));
    },
  };
}
