// Rows made ready for the books: with nothing in them that a database would refuse, before they are sealed. Knows no SQL.

import type { Units } from "../ir/index.ts";
import { cleanJson, cleanText, wholeNumber } from "../lib/text.ts";
import type { LedgerEntry } from "./entry.ts";
import type { Recount } from "./recount.ts";

/** One bad character or number from a client or an upstream must not cost the whole batch, so each is set right here. */
export function cleanEntry(entry: LedgerEntry): LedgerEntry {
  return cleanFigures({
    ...entry,
    requestId: cleanText(entry.requestId),
    tags: entry.tags === null ? null : cleanJson(entry.tags),
    endpoint: cleanText(entry.endpoint),
    modelAsked: cleanText(entry.modelAsked),
    modelServed: cleanNullable(entry.modelServed),
    units: entry.units === null ? null : cleanJson(entry.units),
    serviceTier: cleanNullable(entry.serviceTier),
    dropped: entry.dropped.length === 0 ? entry.dropped : cleanJson(entry.dropped),
    attempts: entry.attempts.length === 0 ? entry.attempts : cleanJson(entry.attempts),
  });
}

/** Likewise, of a row of whose texts it is known that they are clean: they are not looked through again. In place. */
export function cleanFigures(entry: LedgerEntry): LedgerEntry {
  entry.freshInputTokens = wholeNumber(entry.freshInputTokens);
  entry.cacheReadTokens = wholeNumber(entry.cacheReadTokens);
  entry.cacheWriteTokens = wholeNumber(entry.cacheWriteTokens);
  entry.longCacheWriteTokens = wholeNumber(entry.longCacheWriteTokens);
  entry.outputTokens = wholeNumber(entry.outputTokens);
  entry.reasoningTokens = wholeNumber(entry.reasoningTokens);
  if (entry.units !== null) entry.units = cleanUnits(entry.units);
  entry.status = wholeNumber(entry.status) ?? 0;
  entry.latencyMs = finite(entry.latencyMs) ?? 0;
  entry.ttftMs = finite(entry.ttftMs);
  entry.costNanos = wholeNumber(entry.costNanos);
  return entry;
}

export function cleanRecount(recount: Recount): Recount {
  return cleanCounts({
    ...recount,
    reason: cleanNullable(recount.reason),
    tokenizer: cleanNullable(recount.tokenizer),
    tokenizerVersion: cleanNullable(recount.tokenizerVersion),
  });
}

/** As `cleanFigures` does it. */
export function cleanCounts(recount: Recount): Recount {
  recount.inputTokens = wholeNumber(recount.inputTokens);
  recount.inputLow = wholeNumber(recount.inputLow);
  recount.inputHigh = wholeNumber(recount.inputHigh);
  recount.outputTokens = wholeNumber(recount.outputTokens);
  recount.outputLow = wholeNumber(recount.outputLow);
  recount.outputHigh = wholeNumber(recount.outputHigh);
  return recount;
}

function cleanNullable(text: string | null): string | null {
  return text === null ? null : cleanText(text);
}

function cleanUnits(units: Units): Units {
  return Object.fromEntries(Object.entries(units).filter(([, count]) => Number.isFinite(count)));
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
