// A clock in the test's hand: time stands still until the test moves it.

import type { Clock } from "../src/lib/clock.ts";

export interface TestClock extends Clock {
  /** Moves time on and runs what falls due, in order. */
  advance(ms: number): void;
}

export function makeClock(): TestClock {
  let now = 1_700_000_000_000;
  let timers: { at: number; action: () => void }[] = [];
  const clock: TestClock = {
    wallMs: () => now,
    monotonicMs: () => now,
    after(delayMs, action) {
      const timer = { at: now + delayMs, action };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance(ms) {
      const until = now + ms;
      for (;;) {
        const next = timers.toSorted((left, right) => left.at - right.at)[0];
        if (next === undefined || next.at > until) break;
        timers = timers.filter((other) => other !== next);
        now = next.at;
        next.action();
      }
      now = until;
    },
  };
  waits.set(clock, (inMs) => timers.some(({ at }) => at === now + inMs));
  return clock;
}

const waits = new WeakMap<TestClock, (inMs: number) => boolean>();

/** Whether something falls due in exactly so long. */
export function isDue(clock: TestClock, inMs: number): boolean {
  return waits.get(clock)?.(inMs) === true;
}
