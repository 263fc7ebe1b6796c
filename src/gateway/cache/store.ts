// What an answer is that may be given again, and what a place must offer that keeps such answers. Knows no format, no SQL and no server.

import type { LedgerEntry } from "../../ledger/index.ts";
import { type Lru, createLru } from "../../lib/lru.ts";

/** What its call used, and whoever is given the answer again does not. */
export interface Saved {
  /** Null where nobody knows. */
  tokens: number | null;
  costNanos: number | null;
}

export const NOT_KNOWN: Saved = Object.freeze({ tokens: null, costNanos: null });

export interface StoredAnswer {
  /** Id of the row of the call that it was made for. */
  from: string;
  /** Epoch milliseconds. */
  storedMs: number;
  modelServed: string | null;
  saved: Saved;
  /** What of its headers is given again with it. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array<ArrayBuffer>;
}

/** None of it throws or rejects: what cannot be read is not there, and what cannot be written is not kept. */
export interface AnswerShelf {
  readonly kind: "memory" | "redis" | "sqlite";
  /** Resolves once it can be used, or could not be reached; missing where there is nothing to wait for. */
  readonly ready?: Promise<void>;
  /** A promise only where something must be waited for. */
  get(key: string): StoredAnswer | null | Promise<StoredAnswer | null>;
  /** Returns at once. */
  put(key: string, answer: StoredAnswer, ttlMs: number): void;
  /** How many were removed; null where nobody knows. */
  clear(): Promise<number | null>;
  /** Null where nobody knows. */
  size(): Promise<{ entries: number | null; bytes: number | null }>;
  /** The same, as far as it is known without asking. */
  glance(): { entries: number | null; bytes: number | null };
  stop(): Promise<void>;
}

/** In this process alone. */
export function createMemoryShelf(init: { maxBytes: number; nowMs: () => number }): AnswerShelf {
  const lru: Lru<StoredAnswer> = createLru(init);
  const glance = () => ({ entries: lru.count(), bytes: lru.bytes() });
  return {
    kind: "memory",
    get: (key) => lru.get(key) ?? null,
    put: (key, answer, ttlMs) =>
      lru.put(key, answer, { bytes: measureAnswer(answer), expiresMs: init.nowMs() + ttlMs }),
    clear: async () => lru.clear(),
    size: async () => glance(),
    glance,
    stop: async () => void lru.clear(),
  };
}

export function measureAnswer({ body, headers }: StoredAnswer): number {
  let bytes = body.byteLength;
  for (const [name, value] of Object.entries(headers)) bytes += name.length + value.length;
  return bytes;
}

/** What a row says that its answer cost. */
export function readSaved(row: LedgerEntry): Saved {
  const { freshInputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, costNanos } = row;
  const isKnown = freshInputTokens !== null || outputTokens !== null;
  const tokens = (freshInputTokens ?? 0) + (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0) + (outputTokens ?? 0);
  return { tokens: isKnown ? tokens : null, costNanos };
}
