// Lines of the journal as rows that have their place in a chain, ready to be bound: every request pays for it, so what is usual is taken value by value
// in the order of the line, and only the rest as a row by its names. Knows no file and no SQL.

import { linkTo } from "../lib/change.ts";
import { quote } from "../lib/canonical-json.ts";
import { wholeNumber } from "../lib/text.ts";
import { type ChainHead, digestText } from "./chain.ts";
import { cleanCounts, cleanEntry, cleanFigures, cleanRecount } from "./clean.ts";
import type { LedgerEntry, Seal, SealedEntry } from "./entry.ts";
import { decodeLine, type EntryValues, isOwn, isPlain, type RecountValues } from "./line-decode.ts";
import { LINE_FIELDS, type LineFields, type RowLine } from "./line.ts";
import type { Recount, SealedRecount } from "./recount.ts";
import { encodeAttempts, encodeEntry, encodeParts, encodeRecount, type JsonParts } from "./row-text.ts";

export interface SealedLine {
  type: RowLine["type"];
  /** Of its columns, in the order of `SEALED_FIELDS`; times are milliseconds, and JSON is text. */
  values: (boolean | number | string | null)[];
  /** The new end of the chain. */
  head: ChainHead;
}

/** That of a line, with the chain in the place of the kind, and its own place in it at the end. */
export const SEALED_FIELDS = {
  entry: ["chain", "createdAt", ...LINE_FIELDS.entry, "seq", "hash"],
  recount: ["chain", "createdAt", ...LINE_FIELDS.recount, "seq", "hash"],
} as const;

/** Gives the row of a line its place behind `head`, cleaned of what no database takes. Throws where it is no row. */
export function sealLine(head: ChainHead, text: string, fields: LineFields): SealedLine {
  const quick = isOwn(fields) ? sealQuickly(head, text) : null;
  if (quick !== null) return quick;
  const line = decodeLine(text, fields);
  if (line?.type !== "entry" && line?.type !== "recount") throw new TypeError("a line that is no row");
  return listValues(sealRow(head, line));
}

/** A row that has its place, and as the new end of its chain the next one's head. */
type SealedRow = { head: ChainHead } & (
  { type: "entry"; row: SealedEntry; parts: JsonParts } | { type: "recount"; row: SealedRecount }
);

/** By names; the line's own row is no longer to be used. */
export function sealRow(head: ChainHead, line: RowLine): SealedRow {
  if (line.type === "recount") {
    const row = place(line.isPlain ? cleanCounts(line.recount) : cleanRecount(line.recount), head);
    row.hash = hold(head, encodeRecount(row));
    return { type: "recount", row, head: follow(head, row.hash) };
  }
  const row = place(line.isPlain ? cleanFigures(line.entry) : cleanEntry(line.entry), head);
  const parts = encodeParts(row);
  row.hash = hold(head, encodeEntry(row, parts));
  return { type: "entry", row, parts, head: follow(head, row.hash) };
}

function place<Row extends LedgerEntry | Recount>(row: Row, { chain, seq }: ChainHead): Row & Seal {
  const placed = row as Row & Seal;
  placed.chain = chain;
  placed.seq = seq + 1;
  placed.hash = null;
  return placed;
}

/** The hash by which a row of these bytes holds on to the one before. */
function hold({ hash }: ChainHead, text: string): string {
  return linkTo(hash, digestText(text));
}

function follow({ chain, seq }: ChainHead, hash: string): ChainHead {
  return { chain, seq: seq + 1, hash };
}

function listValues({ head, ...sealed }: SealedRow): SealedLine {
  const { type, row } = sealed;
  const given: Record<string, unknown> = {
    ...row,
    ...(type === "entry" ? sealed.parts : {}),
    createdAt: row.createdAt.getTime(),
  };
  return { type, head, values: SEALED_FIELDS[type].map((field) => given[field] ?? null) as SealedLine["values"] };
}

/** Behind the last of what a line names. */
const ENTRY_VALUES = 2 + LINE_FIELDS.entry.length;
const RECOUNT_VALUES = 2 + LINE_FIELDS.recount.length;

/** Of a line that this version wrote; null where it has to be looked at: a database may not take it as it is, or it counts what few do. */
function sealQuickly(head: ChainHead, text: string): SealedLine | null {
  if (!isPlain(text)) return null;
  const values: unknown[] = JSON.parse(text);
  if (values[0] === "e") return values.length === ENTRY_VALUES ? sealEntry(head, values as EntryValues) : null;
  return values.length === RECOUNT_VALUES ? sealRecount(head, values as RecountValues) : null;
}

function sealEntry(head: ChainHead, values: EntryValues): SealedLine | null {
  if (values[22] !== null) return null;
  cleanNumbers(values);
  const attempts = encodeAttempts(values[35]);
  const hash = hold(head, printEntry(values, attempts, head));
  const [tags, dropped] = [values[10], values[34]];
  const row = values as unknown as SealedLine["values"];
  row[10] = tags === null ? null : JSON.stringify(tags);
  row[34] = JSON.stringify(dropped);
  row[35] = attempts;
  return finish("entry", row, head, hash);
}

function sealRecount(head: ChainHead, values: RecountValues): SealedLine {
  for (let at = 8; at < 14; at++) values[at] = wholeNumber(values[at] as number | null);
  const hash = hold(head, printRecount(values, head));
  return finish("recount", values as unknown as SealedLine["values"], head, hash);
}

function finish(type: SealedLine["type"], values: SealedLine["values"], head: ChainHead, hash: string): SealedLine {
  const end = follow(head, hash);
  values[0] = end.chain;
  values.push(end.seq, hash);
  return { type, values, head: end };
}

/** As `cleanFigures` does. */
function cleanNumbers(values: EntryValues): void {
  for (let at = 16; at < 22; at++) values[at] = wholeNumber(values[at] as number | null);
  values[25] = wholeNumber(values[25]) ?? 0;
  // What is no number is null in JSON.
  values[27] = (values[27] as number | null) ?? 0;
  values[30] = wholeNumber(values[30]);
}

/**
 * As `encodeEntry`, by the engine's own encoder: what it makes of texts and numbers is what RFC 8785 took over, the order of names is this one, and
 * what is undefined is left out. A test holds the two together.
 */
function printEntry(values: EntryValues, attempts: string, { chain, seq }: ChainHead): string {
  const rest = JSON.stringify({
    cacheReadTokens: values[17] ?? undefined,
    cacheWriteTokens: values[18] ?? undefined,
    chain,
    corrects: values[4] ?? undefined,
    costNanos: values[30] ?? undefined,
    createdAt: values[1],
    direction: values[15],
    dropped: values[34],
    endpoint: values[11],
    errorKind: values[26] ?? undefined,
    freshInputTokens: values[16] ?? undefined,
    id: values[2],
    kind: values[3],
    latencyMs: values[27],
    longCacheWriteTokens: values[19] ?? undefined,
    modelAsked: values[12],
    modelServed: values[13] ?? undefined,
    outputTokens: values[20] ?? undefined,
    payloadDigest: values[36] ?? undefined,
    priceDate: values[33] ?? undefined,
    priceId: values[31] ?? undefined,
    priceSource: values[32] ?? undefined,
    pricesUnknown: values[6] ?? undefined,
    provider: values[14] ?? undefined,
    reason: values[5] ?? undefined,
    reasoningTokens: values[21] ?? undefined,
    requestId: values[7],
    seq: seq + 1,
    serviceTier: values[23] ?? undefined,
    status: values[25],
    streamed: values[29],
    tags: values[10] ?? undefined,
    ttftMs: values[28] ?? undefined,
    usageSource: values[24],
    userId: values[8],
  });
  return `{"apiKeyId":${quote(values[9])},"attempts":${attempts},${rest.slice(1)}`;
}

/** As `encodeRecount`. */
function printRecount(values: RecountValues, { chain, seq }: ChainHead): string {
  return JSON.stringify({
    chain,
    createdAt: values[1],
    entryId: values[2],
    inputHigh: values[10] ?? undefined,
    inputLow: values[9] ?? undefined,
    inputTokens: values[8] ?? undefined,
    method: values[5] ?? undefined,
    outputHigh: values[13] ?? undefined,
    outputLow: values[12] ?? undefined,
    outputTokens: values[11] ?? undefined,
    reason: values[4] ?? undefined,
    seq: seq + 1,
    state: values[3],
    tokenizer: values[6] ?? undefined,
    tokenizerVersion: values[7] ?? undefined,
    verdict: values[14] ?? undefined,
  });
}
