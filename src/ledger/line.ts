// Rows and intents as lines of the journal: JSON that costs the request next to nothing, and says itself what its values are called. Knows no file.

import type { Intent, LedgerEntry } from "./entry.ts";
import type { Recount } from "./recount.ts";

/** Names of the values of a line, in their order. A journal carries its own, for another version of this program may read it. */
export interface LineFields {
  entry: readonly string[];
  recount: readonly string[];
}

/** All but the time, which comes first and as milliseconds. */
const ENTRY_NAMES = [
  "id",
  "kind",
  "corrects",
  "reason",
  "pricesUnknown",
  "requestId",
  "userId",
  "apiKeyId",
  "tags",
  "endpoint",
  "modelAsked",
  "modelServed",
  "provider",
  "direction",
  "freshInputTokens",
  "cacheReadTokens",
  "cacheWriteTokens",
  "longCacheWriteTokens",
  "outputTokens",
  "reasoningTokens",
  "units",
  "serviceTier",
  "usageSource",
  "status",
  "errorKind",
  "latencyMs",
  "ttftMs",
  "streamed",
  "costNanos",
  "priceId",
  "priceSource",
  "priceDate",
  "dropped",
  "attempts",
  "payloadDigest",
  "requestHash",
  "responseHash",
  "payloadSalt",
] as const satisfies readonly (keyof LedgerEntry)[];

const RECOUNT_NAMES = [
  "entryId",
  "state",
  "reason",
  "method",
  "tokenizer",
  "tokenizerVersion",
  "inputTokens",
  "inputLow",
  "inputHigh",
  "outputTokens",
  "outputLow",
  "outputHigh",
  "verdict",
] as const satisfies readonly (keyof Recount)[];

/** A field without a place in the lines would be lost: then this does not compile. */
type Left<Row, Names extends readonly string[]> = Exclude<keyof Row, Names[number] | "createdAt">;
const LEFT: [Left<LedgerEntry, typeof ENTRY_NAMES>, Left<Recount, typeof RECOUNT_NAMES>] extends [never, never]
  ? true
  : never = true;

export const LINE_FIELDS = (LEFT && { entry: ENTRY_NAMES, recount: RECOUNT_NAMES }) satisfies LineFields;

/** The values of a line by their places: before those that are named, what it is and when. */
const ENTRY_LINE = ["type", "createdAt", ...ENTRY_NAMES] as const;
const RECOUNT_LINE = ["type", "createdAt", ...RECOUNT_NAMES] as const;

type Places<Line extends readonly string[]> = {
  readonly [At in keyof Line & `${number}` as Line[At] & string]: At extends `${infer Place extends number}`
    ? Place
    : never;
};

/** Where each value of a line stands. */
export const ENTRY_AT = listPlaces(ENTRY_LINE);
export const RECOUNT_AT = listPlaces(RECOUNT_LINE);

function listPlaces<const Line extends readonly string[]>(line: Line): Places<Line> {
  return Object.fromEntries(line.map((name, place) => [name, place])) as Places<Line>;
}

/** One that becomes a row. `isPlain`: nothing in it is what a database does not take of a text. */
export type RowLine =
  { type: "entry"; entry: LedgerEntry; isPlain: boolean } | { type: "recount"; recount: Recount; isPlain: boolean };

export type Line =
  RowLine | { type: "intent"; number: number; intent: StoredIntent } | { type: "over"; numbers: number[] };

/** As it comes back from JSON: its time is a number, or a text in files of earlier versions. */
export type StoredIntent = Omit<Intent, "createdAt"> & { createdAt: number | string };

/**
 * By position, not by name: half the length, and a fifth of the time that an object with a date in it takes. Written out in the order of the names,
 * for every request pays for it; a test holds the two together.
 */
export function encodeEntryLine(entry: LedgerEntry): string {
  return JSON.stringify([
    "e",
    entry.createdAt.getTime(),
    entry.id,
    entry.kind,
    entry.corrects,
    entry.reason,
    entry.pricesUnknown,
    entry.requestId,
    entry.userId,
    entry.apiKeyId,
    entry.tags,
    entry.endpoint,
    entry.modelAsked,
    entry.modelServed,
    entry.provider,
    entry.direction,
    entry.freshInputTokens,
    entry.cacheReadTokens,
    entry.cacheWriteTokens,
    entry.longCacheWriteTokens,
    entry.outputTokens,
    entry.reasoningTokens,
    entry.units,
    entry.serviceTier,
    entry.usageSource,
    entry.status,
    entry.errorKind,
    entry.latencyMs,
    entry.ttftMs,
    entry.streamed,
    entry.costNanos,
    entry.priceId,
    entry.priceSource,
    entry.priceDate,
    entry.dropped,
    entry.attempts,
    entry.payloadDigest,
    entry.requestHash,
    entry.responseHash,
    entry.payloadSalt,
  ]);
}

export function encodeRecountLine(recount: Recount): string {
  const values: unknown[] = ["r", recount.createdAt.getTime()];
  for (const name of RECOUNT_NAMES) values.push(recount[name]);
  return JSON.stringify(values);
}

export function encodeIntentLine(number: number, intent: Intent): string {
  return JSON.stringify(["i", number, { ...intent, createdAt: intent.createdAt.getTime() }]);
}

/** Intents that are over; some may never have been written. */
export function encodeOverLine(numbers: readonly number[]): string {
  return JSON.stringify(["o", ...numbers]);
}
