// Rows and intents as lines of the journal: JSON that costs the request next to nothing, and says itself what its values are called. Knows no file.

import { BLANK_ENTRY, type Intent, type LedgerEntry } from "./entry.ts";
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

export const LINE_FIELDS: LineFields = LEFT && { entry: ENTRY_NAMES, recount: RECOUNT_NAMES };

export type Line =
  | { type: "entry"; entry: LedgerEntry }
  | { type: "intent"; number: number; intent: StoredIntent }
  | { type: "over"; numbers: number[] }
  | { type: "recount"; recount: Recount };

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

/** Lines are written by this program alone, and read back by it. Null for a line of a kind that is not known here. */
export function decodeLine(text: string, fields: LineFields): Line | null {
  const values = JSON.parse(text) as unknown[];
  switch (values[0]) {
    case "e":
      // A field that another version's journal does not have is what it is in a row about which nothing is known.
      return { type: "entry", entry: fill({ ...BLANK_ENTRY }, fields.entry, values) as unknown as LedgerEntry };
    case "r":
      return { type: "recount", recount: fill({}, fields.recount, values) as unknown as Recount };
    case "i":
      return { type: "intent", number: values[1] as number, intent: values[2] as StoredIntent };
    case "o":
      return { type: "over", numbers: values.slice(1) as number[] };
    default:
      return null;
  }
}

/** By position, behind the kind and the time. */
function fill(row: Record<string, unknown>, names: readonly string[], values: readonly unknown[]): typeof row {
  row["createdAt"] = new Date(values[1] as number);
  for (let index = 0; index < names.length; index++) row[names[index] as string] = values[index + 2] ?? null;
  return row;
}
