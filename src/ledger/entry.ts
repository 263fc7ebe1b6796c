// One row of the books: everything that is attested about one request. Knows no SQL and no HTTP.

import type { ErrorKind, Units, Usage, UsageSource } from "../ir/index.ts";

/** Which way tokens flowed: bought from a provider, or sold to the marketplace. */
export type Direction = "consume" | "supply";

/** A row tells of one request, or corrects the figures of one that does: rows are never changed. */
export type EntryKind = "call" | "correction";

/** Besides the ways in which a request fails: the gateway died over it. */
export type EntryErrorKind = ErrorKind | "interrupted";

/** Where a row stands in its gateway's chain; null in rows from before there was one. */
export interface Seal {
  chain: string | null;
  /** Without gaps from 1. */
  seq: number | null;
  /** Over the row before and all that is attested of this one. */
  hash: string | null;
}

/** One call to one provider, made for a request. */
export interface Attempt {
  provider: string;
  model: string;
  /** The label of the key that was used, where the provider has several. */
  account?: string;
  /** The name of the route that led there, where it has one. */
  route?: string;
  /** HTTP status of the upstream; null where there was no answer. */
  status: number | null;
  errorKind: EntryErrorKind | null;
  /** The upstream's own id of the call, to quote in a dispute. */
  upstreamRequestId: string | null;
  /** Milliseconds from the start of this attempt to its end. */
  latencyMs: number;
  /** The provider's own id of its answer, by which it is asked later what the call used; missing where nobody asks. */
  answerId?: string;
  /** The provider's own report of the usage, as it sent it: JSON text of bounded length. Missing where there was none. */
  usageRaw?: string;
  /** Its own part of the row's figures; missing where it is the only attempt, and they are the row's. */
  usage?: Usage;
  costNanos?: number | null;
  /** What priced it there, as the row says it of the attempt that it tells of; missing where nothing did. */
  price?: { id: string; source: string; date: string | null };
}

export interface LedgerEntry {
  /** UUIDv7, ours alone: unique even where a client repeats its request id. */
  id: string;
  kind: EntryKind;
  /** Of a correction: the id of the row to whose figures its own are to be added. */
  corrects: string | null;
  /** Of a correction: what made it necessary, such as `reprice` or `usage`. */
  reason: string | null;
  /** Of a correction: true where it gives a cost to a row that had none. Else null. */
  pricesUnknown: boolean | null;
  /** The id that the client saw in `x-request-id`. */
  requestId: string;
  /** When the request arrived. */
  createdAt: Date;
  userId: string;
  apiKeyId: string;
  /** What the caller files it under; null where nothing was said. */
  tags: string[] | null;
  /** `chat.completions`, `embeddings`, `messages`. */
  endpoint: string;
  /** As the client wrote it; empty where the body could not be read. */
  modelAsked: string;
  /** As the provider reported it, else as it was asked for; null where no provider was called. */
  modelServed: string | null;
  provider: string | null;
  direction: Direction;
  /** Token counts are null where nobody knows them, never a made-up 0. */
  freshInputTokens: number | null;
  cacheReadTokens: number | null;
  /** For however long they are kept. */
  cacheWriteTokens: number | null;
  /** Of `cacheWriteTokens`, those that are kept for an hour. */
  longCacheWriteTokens: number | null;
  outputTokens: number | null;
  reasoningTokens: number | null;
  /** What was counted in other ways, such as images; null where nothing was. */
  units: Units | null;
  /** As it was served; null where nobody said. */
  serviceTier: string | null;
  usageSource: UsageSource;
  /** HTTP status sent to the client; 499 where it left first. */
  status: number;
  errorKind: EntryErrorKind | null;
  /** Milliseconds from arrival to the last byte ready for the client. */
  latencyMs: number;
  /** Milliseconds from arrival to the first output token; null where nothing was streamed. */
  ttftMs: number | null;
  streamed: boolean;
  /** Billionths of a US dollar; null where the price or the usage is unknown, 0 only where the model is free. */
  costNanos: number | null;
  /** What was priced, as `vendor/model`; null where the price is unknown. */
  priceId: string | null;
  /** Where the price came from, such as `genai-prices@0.1.8`; null where unknown. */
  priceSource: string | null;
  /** The day from which on that was the price, or of the list that says so: `2026-01-31`; null where unknown. */
  priceDate: string | null;
  /** Request fields that the target format could not say. */
  dropped: string[];
  attempts: Attempt[];
  /** Over salt, request hash and response hash: stays when these are deleted, and tells nothing of them. */
  payloadDigest: string | null;
  /** Of the body that the last provider was sent, and of the one that it answered. */
  requestHash: string | null;
  responseHash: string | null;
  payloadSalt: string | null;
}

export type SealedEntry = LedgerEntry & Seal;

/** What is known of a row before its provider is called; the rest is as in `BLANK_ENTRY`. */
export type Intent = Pick<LedgerEntry, "apiKeyId" | "createdAt" | "endpoint" | "id" | "requestId" | "userId"> &
  Partial<LedgerEntry>;

/** A row about which nothing is known. */
export const BLANK_ENTRY = Object.freeze({
  kind: "call",
  corrects: null,
  reason: null,
  pricesUnknown: null,
  tags: null,
  modelAsked: "",
  modelServed: null,
  provider: null,
  direction: "consume",
  freshInputTokens: null,
  cacheReadTokens: null,
  cacheWriteTokens: null,
  longCacheWriteTokens: null,
  outputTokens: null,
  reasoningTokens: null,
  units: null,
  serviceTier: null,
  usageSource: "none",
  status: 500,
  errorKind: null,
  latencyMs: 0,
  ttftMs: null,
  streamed: false,
  costNanos: null,
  priceId: null,
  priceSource: null,
  priceDate: null,
  dropped: [],
  attempts: [],
  payloadDigest: null,
  requestHash: null,
  responseHash: null,
  payloadSalt: null,
}) satisfies Omit<LedgerEntry, "apiKeyId" | "createdAt" | "endpoint" | "id" | "requestId" | "userId">;
