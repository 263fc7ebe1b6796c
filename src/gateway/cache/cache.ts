// The answers of earlier calls, and how often they were of use. Knows neither where they are kept nor what is in them.

import type { Saved, AnswerShelf, StoredAnswer } from "./store.ts";

export interface AnswerCache {
  /** As the shelf's. What is older than `maxAgeMs` is not there. */
  find(key: string, maxAgeMs: number): StoredAnswer | null | Promise<StoredAnswer | null>;
  keep(key: string, answer: StoredAnswer, ttlMs: number): void;
  /** It was given again. */
  hit(saved: Saved): void;
  /** It was looked for in vain. */
  missed(): void;
  /** It was not looked for. */
  passed(why: "bypass" | "refresh"): void;
  shelf: AnswerShelf;
  figures(): Readonly<CacheFigures>;
}

/** Since the start. */
export interface CacheFigures {
  hits: number;
  misses: number;
  refreshes: number;
  bypasses: number;
  stored: number;
  savedTokens: number;
  savedCostNanos: number;
}

/** So far the clocks of gateways that share answers may lie apart. What was kept later than that, was kept before the clock was set back: nobody knows when. */
const SKEW_MS = 60_000;

export function createAnswerCache(shelf: AnswerShelf, nowMs: () => number): AnswerCache {
  const figures: CacheFigures = {
    hits: 0,
    misses: 0,
    refreshes: 0,
    bypasses: 0,
    stored: 0,
    savedTokens: 0,
    savedCostNanos: 0,
  };
  return {
    shelf,
    find(key, maxAgeMs) {
      const judge = (found: StoredAnswer | null): StoredAnswer | null => {
        const ageMs = found === null ? 0 : nowMs() - found.storedMs;
        return ageMs > maxAgeMs || ageMs < -SKEW_MS ? null : found;
      };
      const found = shelf.get(key);
      return found instanceof Promise ? found.then(judge) : judge(found);
    },
    keep(key, answer, ttlMs) {
      figures.stored++;
      shelf.put(key, answer, ttlMs);
    },
    hit({ tokens, costNanos }) {
      figures.hits++;
      figures.savedTokens += tokens ?? 0;
      figures.savedCostNanos += costNanos ?? 0;
    },
    missed: () => void figures.misses++,
    passed: (why) => void (why === "refresh" ? figures.refreshes++ : figures.bypasses++),
    figures: () => figures,
  };
}
