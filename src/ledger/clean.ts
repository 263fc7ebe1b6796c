// Rows made ready for the books: with nothing in them that a database would refuse, before they are sealed. Knows no SQL.

import type { Units } from "../ir/index.ts";
import { cleanJson, cleanText, wholeNumber } from "../lib/text.ts";
import type { LedgerEntry } from "./entry.ts";
import type { Recount } from "./recount.ts";

/** One bad character or number from a client or an upstream must not cost the whole batch, so each is set right here. */
export function cleanEntry(entry: LedgerEntry): LedgerEntry {
  return {
    ...entry,
    requestId: cleanText(entry.requestId),
    tags: entry.tags === null ? null : cleanJson(entry.tags),
    endpoint: cleanText(entry.endpoint),
    modelAsked: cleanText(entry.modelAsked),
    modelServed: cleanNullable(entry.modelServed),
    freshInputTokens: wholeNumber(entry.freshInputTokens),
    cacheReadTokens: wholeNumber(entry.cacheReadTokens),
    cacheWriteTokens: wholeNumber(entry.cacheWriteTokens),
    longCacheWriteTokens: wholeNumber(entry.longCacheWriteTokens),
    outputTokens: wholeNumber(entry.outputTokens),
    reasoningTokens: wholeNumber(entry.reasoningTokens),
    units: entry.units === null ? null : cleanUnits(entry.units),
    serviceTier: cleanNullable(entry.serviceTier),
    status: wholeNumber(entry.status) ?? 0,
    latencyMs: finite(entry.latencyMs) ?? 0,
    ttftMs: finite(entry.ttftMs),
    costNanos: wholeNumber(entry.costNanos),
    dropped: entry.dropped.length === 0 ? entry.dropped : cleanJson(entry.dropped),
    attempts: entry.attempts.length === 0 ? entry.attempts : cleanJson(entry.attempts),
  };
}

export function cleanRecount(recount: Recount): Recount {
  const count = (name: "inputHigh" | "inputLow" | "inputTokens" | "outputHigh" | "outputLow" | "outputTokens") =>
    wholeNumber(recount[name]);
  return {
    ...recount,
    reason: cleanNullable(recount.reason),
    tokenizer: cleanNullable(recount.tokenizer),
    tokenizerVersion: cleanNullable(recount.tokenizerVersion),
    inputTokens: count("inputTokens"),
    inputLow: count("inputLow"),
    inputHigh: count("inputHigh"),
    outputTokens: count("outputTokens"),
    outputLow: count("outputLow"),
    outputHigh: count("outputHigh"),
  };
}

function cleanNullable(text: string | null): string | null {
  return text === null ? null : cleanText(text);
}

function cleanUnits(units: Units): Units {
  return cleanJson(Object.fromEntries(Object.entries(units).filter(([, count]) => Number.isFinite(count))));
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
