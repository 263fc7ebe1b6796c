// Which holders are alive: each moves a counter of its own now and then, and who is silent for too long is dead. Knows no SQL and no account.

import { type Keeping, LEASE_MS } from "./keeping.ts";

interface Beats {
  /** What the counters say of the others now. */
  note(counters: ReadonlyMap<string, number>): void;
  /** Says that we live, where it is time to. */
  send(): Promise<void>;
  /** Those that were silent for too long when it began, and are still. */
  dead(): Iterable<string>;
  /** What it had is seen to. */
  forget(holder: string): Promise<void>;
}

const BEAT = "budget_beat/";
const EVERY_MS = 5_000;

export function createBeats({ init, state }: Pick<Keeping, "init" | "state">): Beats {
  const { store, clock } = init;
  const heard = new Map<string, { value: number; seenMs: number }>();
  let sentMs = Number.NEGATIVE_INFINITY;
  function* listDead(): Generator<string> {
    const nowMs = clock.monotonicMs();
    for (const [holder, { seenMs }] of heard) if (nowMs - seenMs >= LEASE_MS) yield holder;
  }
  return {
    note(counters) {
      const seenMs = clock.monotonicMs();
      const own = init.holder();
      for (const [name, value] of counters) {
        if (!name.startsWith(BEAT)) continue;
        const holder = name.slice(BEAT.length);
        if (holder !== own && heard.get(holder)?.value !== value) heard.set(holder, { value, seenMs });
      }
      for (const holder of heard.keys()) if (!counters.has(BEAT + holder)) heard.delete(holder);
      state.others = heard.size - [...listDead()].length;
    },
    async send() {
      const nowMs = clock.monotonicMs();
      if (nowMs - sentMs < EVERY_MS) return;
      sentMs = nowMs;
      await store.beat(init.holder()).catch((error: unknown) => {
        sentMs = Number.NEGATIVE_INFINITY;
        throw error;
      });
    },
    dead: listDead,
    async forget(holder) {
      await store.forget(holder);
      heard.delete(holder);
    },
  };
}
