// A row of the books for tests: plausible, and overridden where a test cares.

import type { Usage } from "../../src/ir/index.ts";
import { BLANK_ENTRY, type LedgerEntry } from "../../src/ledger/index.ts";

export function makeEntry(over: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    ...BLANK_ENTRY,
    id: Bun.randomUUIDv7(),
    requestId: "req-1",
    createdAt: new Date("2026-01-02T03:04:05.678Z"),
    userId: "user-1",
    apiKeyId: "key-1",
    endpoint: "chat.completions",
    modelAsked: "gpt-4o",
    modelServed: "gpt-4o-2024-08-06",
    provider: "openai",
    direction: "consume",
    freshInputTokens: 10,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 5,
    reasoningTokens: null,
    units: null,
    usageSource: "provider",
    status: 200,
    errorKind: null,
    latencyMs: 12,
    ttftMs: null,
    streamed: false,
    costNanos: 1_234,
    priceId: "list/model",
    priceSource: "test",
    priceDate: "2026-01-01",
    dropped: [],
    attempts: [],
    ...over,
  };
}

/** Nothing but what is said. */
export function makeUsage(over: Partial<Usage>): Usage {
  return {
    freshInputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    ...over,
  };
}
