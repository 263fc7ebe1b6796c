// The chain that makes the books tamper-evident: what of a row is attested, in which bytes, and how each row holds on to the one before.
// One source for those who seal and those who verify. Knows no SQL and no keys.

import { hash } from "node:crypto";
import { linkTo } from "../lib/change.ts";
import type { LedgerEntry, Seal, SealedEntry } from "./entry.ts";
import type { Recount, SealedRecount } from "./recount.ts";
import { encodeEntry, encodeParts, encodeRecount } from "./row-text.ts";

export { linkTo };

/** The last link of a chain. */
export interface ChainHead {
  chain: string;
  /** 0 where there is no row yet. */
  seq: number;
  /** Empty where there is no row yet. */
  hash: string;
}

/** Attested fields of a row in the order of RFC 8785. A field of later date is null in older rows, and what is null is left out. */
export const ENTRY_FIELDS = [
  "apiKeyId",
  "attempts",
  "cacheReadTokens",
  "cacheWriteTokens",
  "chain",
  "corrects",
  "costNanos",
  "createdAt",
  "direction",
  "dropped",
  "endpoint",
  "errorKind",
  "freshInputTokens",
  "id",
  "kind",
  "latencyMs",
  "longCacheWriteTokens",
  "modelAsked",
  "modelServed",
  "outputTokens",
  "payloadDigest",
  "priceDate",
  "priceId",
  "priceSource",
  "pricesUnknown",
  "provider",
  "reason",
  "reasoningTokens",
  "requestId",
  "seq",
  "serviceTier",
  "status",
  "streamed",
  "tags",
  "ttftMs",
  "units",
  "usageSource",
  "userId",
] as const satisfies readonly (keyof SealedEntry)[];

/** Likewise, of a recount. */
export const RECOUNT_FIELDS = [
  "chain",
  "createdAt",
  "entryId",
  "inputHigh",
  "inputLow",
  "inputTokens",
  "method",
  "outputHigh",
  "outputLow",
  "outputTokens",
  "reason",
  "seq",
  "state",
  "tokenizer",
  "tokenizerVersion",
  "verdict",
] as const satisfies readonly (keyof SealedRecount)[];

/** A row that is about to get its place. */
export type Unsealed = LedgerEntry | Recount;

/** Gives each row its place behind `head`, in their order; answers the new head. */
export function sealAll<Row extends Unsealed>(
  head: ChainHead,
  rows: readonly Row[],
): { head: ChainHead; sealed: (Row & Seal)[] } {
  let { seq, hash: last } = head;
  const { chain } = head;
  const sealed = rows.map((row) => {
    seq++;
    // Sealed in place, for rows are many and nobody else's by now; a row that could not be written is sealed again.
    const next: Row & Seal = Object.assign(row, { chain, seq, hash: null });
    last = linkTo(last, digestRow(next));
    return Object.assign(next, { hash: last });
  });
  return { head: { chain, seq, hash: last }, sealed };
}

/** SHA-256 of the attested bytes, as base64url. */
export function digestRow(row: SealedEntry | SealedRecount): string {
  return digestText(encodeRow(row));
}

/** Likewise, of bytes as `encodeRow` makes them. */
export function digestText(text: Uint8Array | string): string {
  return hash("sha256", text, "base64url");
}

/** The attested bytes of a row: canonical JSON (RFC 8785) with its place in the chain; times are milliseconds. */
export function encodeRow(row: SealedEntry | SealedRecount): string {
  return "entryId" in row ? encodeRecount(row) : encodeEntry(row, encodeParts(row));
}

/** The digest that stands for both payloads in a row. */
export function digestPayloads(salt: string, requestHash: string | null, responseHash: string | null): string {
  return hash("sha256", `${salt}.${requestHash ?? ""}.${responseHash ?? ""}`, "base64url");
}

/** What of the hashes of a row's payloads is there: all that its digest stands for, nothing any more, or something else. */
export type PayloadState = "altered" | "deleted" | "kept" | "none";

export interface PayloadColumns {
  digest: string | null;
  salt: string | null;
  request: string | null;
  response: string | null;
}

export function judgePayload({ digest, salt, request, response }: PayloadColumns): PayloadState {
  if (salt === null && request === null && response === null) return digest === null ? "none" : "deleted";
  // A hash that is not there is null, and never an empty text.
  if (digest === null || salt === null || request === "" || response === "") return "altered";
  return digestPayloads(salt, request, response) === digest ? "kept" : "altered";
}
