// A ledger entry made ready for a row: in the order of the columns, with nothing in it that an engine would refuse. Knows no SQL.

import type { Units } from "../ir/index.ts";
import type { LedgerEntry } from "../ledger/entry.ts";
import { cleanJson, cleanText, wholeNumber } from "./text.ts";

/**
 * One bad character or number from a client or an upstream must not cost the whole batch, so each is set right here.
 */
export function cleanEntry(entry: LedgerEntry): LedgerEntry {
  return {
    id: entry.id,
    requestId: cleanText(entry.requestId),
    createdAt: entry.createdAt,
    userId: entry.userId,
    apiKeyId: entry.apiKeyId,
    endpoint: cleanText(entry.endpoint),
    modelAsked: cleanText(entry.modelAsked),
    modelServed: entry.modelServed === null ? null : cleanText(entry.modelServed),
    provider: entry.provider,
    direction: entry.direction,
    freshInputTokens: wholeNumber(entry.freshInputTokens),
    cacheReadTokens: wholeNumber(entry.cacheReadTokens),
    cacheWriteTokens: wholeNumber(entry.cacheWriteTokens),
    outputTokens: wholeNumber(entry.outputTokens),
    reasoningTokens: wholeNumber(entry.reasoningTokens),
    units: entry.units === null ? null : cleanUnits(entry.units),
    usageSource: entry.usageSource,
    status: wholeNumber(entry.status) ?? 0,
    errorKind: entry.errorKind,
    latencyMs: finite(entry.latencyMs) ?? 0,
    ttftMs: finite(entry.ttftMs),
    streamed: entry.streamed,
    costNanos: wholeNumber(entry.costNanos),
    priceSource: entry.priceSource,
    dropped: entry.dropped.length === 0 ? entry.dropped : cleanJson(entry.dropped),
    attempts: entry.attempts.length === 0 ? entry.attempts : cleanJson(entry.attempts),
  };
}

function cleanUnits(units: Units): Units {
  return cleanJson(Object.fromEntries(Object.entries(units).filter(([, count]) => Number.isFinite(count))));
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
