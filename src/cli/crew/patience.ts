// How long the place of a worker that ended stays empty, and when there is no sense in another try. Knows no process.

import type { Clock } from "../../lib/clock.ts";

export interface Patience {
  begins(index: number): void;
  /** Milliseconds until another one may take its place; null where that is of no use any more. `serving`: the others that are there. */
  ended(index: number, serving: readonly number[]): number | null;
}

/** One that lived for so long did not fail at its beginning. */
const STEADY_MS = 10_000;
const FIRST_MS = 50;
const LONGEST_MS = 10_000;
const MOST_TRIES = 5;

export function createPatience(clock: Pick<Clock, "monotonicMs">): Patience {
  const begun = new Map<number, number>();
  const tries = new Map<number, number>();
  const age = (index: number): number => clock.monotonicMs() - (begun.get(index) ?? 0);
  return {
    begins: (index) => void begun.set(index, clock.monotonicMs()),
    ended(index, serving) {
      const count = age(index) >= STEADY_MS ? 1 : (tries.get(index) ?? 0) + 1;
      tries.set(index, count);
      const isCarried = serving.some((other) => age(other) >= STEADY_MS);
      if (count > MOST_TRIES && !isCarried) return null;
      return Math.min(LONGEST_MS, FIRST_MS * 2 ** (count - 1));
    },
  };
}
