// Lines of the journal as rows again, on the way into the books. Every request pays for it, so what this version wrote is read by position. Knows no
// file.

import { BLANK_ENTRY, type LedgerEntry } from "./entry.ts";
import { LINE_FIELDS, type Line, type LineFields, type StoredIntent } from "./line.ts";
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
    createdAt: new Date(values[1]),
    id: values[2],
    kind: values[3],
    corrects: values[4],
    reason: values[5],
    pricesUnknown: values[6],
    requestId: values[7],
    userId: values[8],
    apiKeyId: values[9],
    tags: values[10],
    endpoint: values[11],
    modelAsked: values[12],
    modelServed: values[13],
    provider: values[14],
    direction: values[15],
    freshInputTokens: values[16],
    cacheReadTokens: values[17],
    cacheWriteTokens: values[18],
    longCacheWriteTokens: values[19],
    outputTokens: values[20],
    reasoningTokens: values[21],
    units: values[22],
    serviceTier: values[23],
    usageSource: values[24],
    status: values[25],
    errorKind: values[26],
    latencyMs: values[27],
    ttftMs: values[28],
    streamed: values[29],
    costNanos: values[30],
    priceId: values[31],
    priceSource: values[32],
    priceDate: values[33],
    dropped: values[34],
    attempts: values[35],
    payloadDigest: values[36],
    requestHash: values[37],
    responseHash: values[38],
    payloadSalt: values[39],
  };
}

function readRecount(all: unknown[], fields: LineFields): Recount {
  if (!isOwn(fields)) return fill({}, fields.recount, all) as unknown as Recount;
  const values = all as RecountValues;
  return {
    createdAt: new Date(values[1]),
    entryId: values[2],
    state: values[3],
    reason: values[4],
    method: values[5],
    tokenizer: values[6],
    tokenizerVersion: values[7],
    inputTokens: values[8],
    inputLow: values[9],
    inputHigh: values[10],
    outputTokens: values[11],
    outputLow: values[12],
    outputHigh: values[13],
    verdict: values[14],
  };
}

function fill(row: Record<string, unknown>, names: readonly string[], values: readonly unknown[]): typeof row {
  row["createdAt"] = new Date(values[1] as number);
  for (let index = 0; index < names.length; index++) row[names[index] as string] = values[index + 2] ?? null;
  return row;
}
