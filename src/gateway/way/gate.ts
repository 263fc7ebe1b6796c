// A cap on what runs at once, with a queue that is bounded in length and in time. Knows no provider.

import { type ErrorKind, GatewayError } from "../../ir/index.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Presence } from "../presence.ts";

export interface GateRules {
  /** Null: no cap. */
  atOnce: number | null;
  queueLength: number;
  queueMs: number;
  /** What says how many. */
  setting: string;
}

/** What is capped, in words for whoever is refused. */
export interface GateName {
  who: string;
  kind: Extract<ErrorKind, "overloaded" | "rate_limited">;
}

export interface Gate {
  /**
   * The release of a place: at once where one is free, else when one is. Rejects with the name's kind where the queue is full or the wait
   * longer than `waitMs`, with `cancelled` where the caller leaves.
   */
  enter(signal: Presence, waitMs?: number): (() => void) | Promise<() => void>;
  /** Whether who comes now has to wait. */
  isFull(): boolean;
  /** Whether who comes now is in at once, and nobody need be asked for that. */
  entersAtOnce(): boolean;
  running(): number;
  waiting(): number;
}

/** Makes the gate that stands under `id`, which says whose it is. */
export type MakeGate = (id: string, name: GateName, rules: () => GateRules) => Gate;

interface Waiter {
  admit(): void;
}

/** The machine word of a refusal. */
export const NO_ROOM = "concurrency_limit";

const RETRY_AFTER_MS = 1_000;

export function createGate({ who, kind }: GateName, rules: () => GateRules, clock: Clock): Gate {
  let running = 0;
  const queue = new Set<Waiter>();

  const take = (): (() => void) => {
    running++;
    let isOut = false;
    return () => {
      if (isOut) return;
      isOut = true;
      running--;
      admitNext();
    };
  };

  const hasRoom = (): boolean => {
    const { atOnce } = rules();
    return atOnce === null || running < atOnce;
  };

  const admitNext = (): void => {
    for (const waiter of queue) {
      if (!hasRoom()) return;
      queue.delete(waiter);
      waiter.admit();
    }
  };

  const refuse = (why: string): GatewayError =>
    new GatewayError({
      kind,
      code: NO_ROOM,
      message: `${who} has as many requests under way as it may have (${rules().setting}), and ${why}. Try again in a moment.`,
      retryAfterMs: RETRY_AFTER_MS,
    });

  const wait = (signal: Presence, waitMs: number): Promise<() => void> =>
    new Promise((resolve, reject) => {
      const settle = (action: () => void): void => {
        queue.delete(waiter);
        cancel();
        signal.removeEventListener("abort", onAbort);
        action();
      };
      const waiter: Waiter = { admit: () => settle(() => resolve(take())) };
      const onAbort = (): void =>
        settle(() => reject(new GatewayError({ kind: "cancelled", message: "The client closed the connection." })));
      const cancel = clock.after(waitMs, () => settle(() => reject(refuse(`none ended within ${waitMs / 1000} s`))));
      signal.addEventListener("abort", onAbort, { once: true });
      queue.add(waiter);
      if (signal.aborted) onAbort();
    });

  return {
    enter(signal, waitMs) {
      // The cap may have been raised since they came.
      admitNext();
      if (queue.size === 0 && hasRoom()) return take();
      const { queueLength, queueMs } = rules();
      const longestMs = Math.min(queueMs, waitMs ?? queueMs);
      if (longestMs <= 0) return Promise.reject(refuse("this request has waited long enough"));
      if (queue.size >= queueLength) return Promise.reject(refuse("no more may wait"));
      return wait(signal, longestMs);
    },
    isFull: () => queue.size > 0 || !hasRoom(),
    entersAtOnce: () => queue.size === 0 && hasRoom(),
    running: () => running,
    waiting: () => queue.size,
  };
}
