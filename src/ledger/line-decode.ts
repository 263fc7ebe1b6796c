// Lines of the journal as rows again, on the way into the books. Every request pays for it, so what this version wrote is read by position. Knows no
// file.

import { BLANK_ENTRY, type LedgerEntry } from "./entry.ts";
import { ENTRY_AT, LINE_FIELDS, RECOUNT_AT, type Line, type LineFields, type StoredIntent } from "./line.ts";
import type { Recount } from "./recount.ts";

/** Lines are written by this program alone, and read back by it. Null for a line of a kind that is not known here. */
export function decodeLine(text: string, fields: LineFields): Line | null {
  const values = JSON.parse(text) as unknown[];
  switch (values[0]) {
    case "e":
      return { type: "entry", isPlain: isPlain(text), entry: readEntry(values, fields) };
    case "r":
      return { type: "recount", isPlain: isPlain(text), recount: readRecount(values, fields) };
    case "i":
      return { type: "intent", number: values[1] as number, intent: values[2] as StoredIntent };
    case "o":
      return { type: "over", numbers: values.slice(1) as number[] };
    default:
      return null;
  }
}

/** What no database takes of a text is escaped by number in JSON, like little else. */
export function isPlain(line: string): boolean {
  return !line.includes("\\u");
}

/** The names that another version's journal brings with it, or this one's. */
const own = new WeakMap<LineFields, boolean>();

export function isOwn(fields: LineFields): boolean {
  let found = own.get(fields);
  if (found === undefined) own.set(fields, (found = JSON.stringify(fields) === JSON.stringify(LINE_FIELDS)));
  return found;
}

/** Behind the kind and the time, the values of a line in the order of its names. */
type Values<Row, Names extends readonly (keyof Row)[]> = [
  kind: string,
  createdAt: number,
  ...{ [Place in keyof Names]: Row[Names[Place]] },
];

export type EntryValues = Values<LedgerEntry, typeof LINE_FIELDS.entry>;
export type RecountValues = Values<Recount, typeof LINE_FIELDS.recount>;

function readEntry(all: unknown[], fields: LineFields): LedgerEntry {
  // A field that another version's journal does not have is what it is in a row about which nothing is known.
  if (!isOwn(fields)) return fill({ ...BLANK_ENTRY }, fields.entry, all) as unknown as LedgerEntry;
  const values = all as EntryValues;
  return {
    createdAt: new Date(values[ENTRY_AT.createdAt]),
    id: values[ENTRY_AT.id],
    kind: values[ENTRY_AT.kind],
    corrects: values[ENTRY_AT.corrects],
    reason: values[ENTRY_AT.reason],
    pricesUnknown: values[ENTRY_AT.pricesUnknown],
    requestId: values[ENTRY_AT.requestId],
    userId: values[ENTRY_AT.userId],
    apiKeyId: values[ENTRY_AT.apiKeyId],
    tags: values[ENTRY_AT.tags],
    endpoint: values[ENTRY_AT.endpoint],
    modelAsked: values[ENTRY_AT.modelAsked],
    modelServed: values[ENTRY_AT.modelServed],
    provider: values[ENTRY_AT.provider],
    direction: values[ENTRY_AT.direction],
    freshInputTokens: values[ENTRY_AT.freshInputTokens],
    cacheReadTokens: values[ENTRY_AT.cacheReadTokens],
    cacheWriteTokens: values[ENTRY_AT.cacheWriteTokens],
    longCacheWriteTokens: values[ENTRY_AT.longCacheWriteTokens],
    outputTokens: values[ENTRY_AT.outputTokens],
    reasoningTokens: values[ENTRY_AT.reasoningTokens],
    units: values[ENTRY_AT.units],
    serviceTier: values[ENTRY_AT.serviceTier],
    usageSource: values[ENTRY_AT.usageSource],
    status: values[ENTRY_AT.status],
    errorKind: values[ENTRY_AT.errorKind],
    latencyMs: values[ENTRY_AT.latencyMs],
    ttftMs: values[ENTRY_AT.ttftMs],
    streamed: values[ENTRY_AT.streamed],
    costNanos: values[ENTRY_AT.costNanos],
    priceId: values[ENTRY_AT.priceId],
    priceSource: values[ENTRY_AT.priceSource],
    priceDate: values[ENTRY_AT.priceDate],
    dropped: values[ENTRY_AT.dropped],
    attempts: values[ENTRY_AT.attempts],
    payloadDigest: values[ENTRY_AT.payloadDigest],
    requestHash: values[ENTRY_AT.requestHash],
    responseHash: values[ENTRY_AT.responseHash],
    payloadSalt: values[ENTRY_AT.payloadSalt],
  };
}

function readRecount(all: unknown[], fields: LineFields): Recount {
  if (!isOwn(fields)) return fill({}, fields.recount, all) as unknown as Recount;
  const values = all as RecountValues;
  return {
    createdAt: new Date(values[RECOUNT_AT.createdAt]),
    entryId: values[RECOUNT_AT.entryId],
    state: values[RECOUNT_AT.state],
    reason: values[RECOUNT_AT.reason],
    method: values[RECOUNT_AT.method],
    tokenizer: values[RECOUNT_AT.tokenizer],
    tokenizerVersion: values[RECOUNT_AT.tokenizerVersion],
    inputTokens: values[RECOUNT_AT.inputTokens],
    inputLow: values[RECOUNT_AT.inputLow],
    inputHigh: values[RECOUNT_AT.inputHigh],
    outputTokens: values[RECOUNT_AT.outputTokens],
    outputLow: values[RECOUNT_AT.outputLow],
    outputHigh: values[RECOUNT_AT.outputHigh],
    verdict: values[RECOUNT_AT.verdict],
  };
}

function fill(row: Record<string, unknown>, names: readonly string[], values: readonly unknown[]): typeof row {
  row["createdAt"] = new Date(values[1] as number);
  for (let index = 0; index < names.length; index++) row[names[index] as string] = values[index + 2] ?? null;
  return row;
}
