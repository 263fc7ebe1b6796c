// Lines of the journal as rows that have their place in a chain, ready to be bound: every request pays for it, so what is usual is taken value by value
// in the order of the line, and only the rest as a row by its names. Knows no file and no SQL.

import { linkTo } from "../lib/change.ts";
import { quote } from "../lib/canonical-json.ts";
import { wholeNumber } from "../lib/text.ts";
import { type ChainHead, digestText } from "./chain.ts";
import { cleanCounts, cleanEntry, cleanFigures, cleanRecount } from "./clean.ts";
import type { LedgerEntry, Seal, SealedEntry } from "./entry.ts";
import { decodeLine, type EntryValues, isOwn, isPlain, type RecountValues } from "./line-decode.ts";
import { ENTRY_AT, LINE_FIELDS, RECOUNT_AT, type LineFields, type RowLine } from "./line.ts";
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
  if (values[ENTRY_AT.units] !== null) return null;
  cleanNumbers(values);
  const attempts = encodeAttempts(values[ENTRY_AT.attempts]);
  const hash = hold(head, printEntry(values, attempts, head));
  const [tags, dropped] = [values[ENTRY_AT.tags], values[ENTRY_AT.dropped]];
  const row = values as unknown as SealedLine["values"];
  row[ENTRY_AT.tags] = tags === null ? null : JSON.stringify(tags);
  row[ENTRY_AT.dropped] = JSON.stringify(dropped);
  row[ENTRY_AT.attempts] = attempts;
  return finish("entry", row, head, hash);
}

function sealRecount(head: ChainHead, values: RecountValues): SealedLine {
  for (let at: number = RECOUNT_AT.inputTokens; at <= RECOUNT_AT.outputHigh; at++)
    values[at] = wholeNumber(values[at] as number | null);
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
  for (let at: number = ENTRY_AT.freshInputTokens; at <= ENTRY_AT.reasoningTokens; at++)
    values[at] = wholeNumber(values[at] as number | null);
  values[ENTRY_AT.status] = wholeNumber(values[ENTRY_AT.status]) ?? 0;
  // What is no number is null in JSON.
  values[ENTRY_AT.latencyMs] = (values[ENTRY_AT.latencyMs] as number | null) ?? 0;
  values[ENTRY_AT.costNanos] = wholeNumber(values[ENTRY_AT.costNanos]);
}

/**
 * As `encodeEntry`, by the engine's own encoder: what it makes of texts and numbers is what RFC 8785 took over, the order of names is this one, and
 * what is undefined is left out. A test holds the two together.
 */
function printEntry(values: EntryValues, attempts: string, { chain, seq }: ChainHead): string {
  const rest = JSON.stringify({
    cacheReadTokens: values[ENTRY_AT.cacheReadTokens] ?? undefined,
    cacheWriteTokens: values[ENTRY_AT.cacheWriteTokens] ?? undefined,
    chain,
    corrects: values[ENTRY_AT.corrects] ?? undefined,
    costNanos: values[ENTRY_AT.costNanos] ?? undefined,
    createdAt: values[ENTRY_AT.createdAt],
    direction: values[ENTRY_AT.direction],
    dropped: values[ENTRY_AT.dropped],
    endpoint: values[ENTRY_AT.endpoint],
    errorKind: values[ENTRY_AT.errorKind] ?? undefined,
    freshInputTokens: values[ENTRY_AT.freshInputTokens] ?? undefined,
    id: values[ENTRY_AT.id],
    kind: values[ENTRY_AT.kind],
    latencyMs: values[ENTRY_AT.latencyMs],
    longCacheWriteTokens: values[ENTRY_AT.longCacheWriteTokens] ?? undefined,
    modelAsked: values[ENTRY_AT.modelAsked],
    modelServed: values[ENTRY_AT.modelServed] ?? undefined,
    outputTokens: values[ENTRY_AT.outputTokens] ?? undefined,
    payloadDigest: values[ENTRY_AT.payloadDigest] ?? undefined,
    priceDate: values[ENTRY_AT.priceDate] ?? undefined,
    priceId: values[ENTRY_AT.priceId] ?? undefined,
    priceSource: values[ENTRY_AT.priceSource] ?? undefined,
    pricesUnknown: values[ENTRY_AT.pricesUnknown] ?? undefined,
    provider: values[ENTRY_AT.provider] ?? undefined,
    reason: values[ENTRY_AT.reason] ?? undefined,
    reasoningTokens: values[ENTRY_AT.reasoningTokens] ?? undefined,
    requestId: values[ENTRY_AT.requestId],
    seq: seq + 1,
    serviceTier: values[ENTRY_AT.serviceTier] ?? undefined,
    status: values[ENTRY_AT.status],
    streamed: values[ENTRY_AT.streamed],
    tags: values[ENTRY_AT.tags] ?? undefined,
    ttftMs: values[ENTRY_AT.ttftMs] ?? undefined,
    usageSource: values[ENTRY_AT.usageSource],
    userId: values[ENTRY_AT.userId],
  });
  return `{"apiKeyId":${quote(values[ENTRY_AT.apiKeyId])},"attempts":${attempts},${rest.slice(1)}`;
}

/** As `encodeRecount`. */
function printRecount(values: RecountValues, { chain, seq }: ChainHead): string {
  return JSON.stringify({
    chain,
    createdAt: values[RECOUNT_AT.createdAt],
    entryId: values[RECOUNT_AT.entryId],
    inputHigh: values[RECOUNT_AT.inputHigh] ?? undefined,
    inputLow: values[RECOUNT_AT.inputLow] ?? undefined,
    inputTokens: values[RECOUNT_AT.inputTokens] ?? undefined,
    method: values[RECOUNT_AT.method] ?? undefined,
    outputHigh: values[RECOUNT_AT.outputHigh] ?? undefined,
    outputLow: values[RECOUNT_AT.outputLow] ?? undefined,
    outputTokens: values[RECOUNT_AT.outputTokens] ?? undefined,
    reason: values[RECOUNT_AT.reason] ?? undefined,
    seq: seq + 1,
    state: values[RECOUNT_AT.state],
    tokenizer: values[RECOUNT_AT.tokenizer] ?? undefined,
    tokenizerVersion: values[RECOUNT_AT.tokenizerVersion] ?? undefined,
    verdict: values[RECOUNT_AT.verdict] ?? undefined,
  });
}
