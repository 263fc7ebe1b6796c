// One delay for very many, most of which are over before it has passed: a single timer runs for all of them. Knows no purpose.

import type { Clock } from "./clock.ts";

export interface SharedDelay {
  /** Runs `action` once the delay has passed, unless it is stopped before. */
  start(action: () => void): Waiting;
}

/** One of a ring, by age: each waits for as long. To come and to go is to set its neighbours. */
export class Waiting {
  readonly dueMs: number;
  readonly action: () => void;
  older: Waiting = this;
  newer: Waiting = this;

  constructor(dueMs: number, action: () => void) {
    this.dueMs = dueMs;
    this.action = action;
  }

  join(ring: Waiting): void {
    this.older = ring.older;
    this.newer = ring;
    ring.older.newer = this;
    ring.older = this;
  }

  stop(): void {
    this.older.newer = this.newer;
    this.newer.older = this.older;
    this.older = this;
    this.newer = this;
  }
}

export function createSharedDelay(clock: Pick<Clock, "after" | "monotonicMs">, delayMs: number): SharedDelay {
  /** Between the newest and the oldest. */
  const ring = new Waiting(Number.POSITIVE_INFINITY, () => undefined);
  let isRunning = false;

  /** Up to the oldest there is. It stays where that is over sooner: calls that come one after another would begin one each. */
  const run = (waitMs: number): void => {
    isRunning = true;
    clock.after(waitMs, tell);
  };

  const tell = (): void => {
    const nowMs = clock.monotonicMs();
    try {
      for (let oldest = ring.newer; oldest.dueMs <= nowMs; oldest = ring.newer) {
        oldest.stop();
        oldest.action();
      }
    } finally {
      isRunning = false;
      if (ring.newer !== ring) run(Math.max(0, ring.newer.dueMs - nowMs));
    }
  };

  return {
    start(action) {
      const own = new Waiting(clock.monotonicMs() + delayMs, action);
      own.join(ring);
      if (!isRunning) run(delayMs);
      return own;
    },
  };
}
