// One row of the books: everything that is attested about one request. Knows no SQL and no HTTP.

import type { ErrorKind, Units, UsageSource } from "../ir/index.ts";

/** Which way tokens flowed: bought from a provider, or sold to the marketplace. */
export type Direction = "consume" | "supply";

/** One call to one provider, made for a request. */
export interface Attempt {
  provider: string;
  model: string;
  /** HTTP status of the upstream; null where there was no answer. */
  status: number | null;
  errorKind: ErrorKind | null;
  /** The upstream's own id of the call, to quote in a dispute. */
  upstreamRequestId: string | null;
  /** Milliseconds from the start of this attempt to its end. */
  latencyMs: number;
}

export interface LedgerEntry {
  /** UUIDv7, ours alone: unique even where a client repeats its request id. */
  id: string;
  /** The id that the client saw in `x-request-id`. */
  requestId: string;
  /** When the request arrived. */
  createdAt: Date;
  userId: string;
  apiKeyId: string;
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
  cacheWriteTokens: number | null;
  outputTokens: number | null;
  reasoningTokens: number | null;
  /** What was counted in other ways, such as images; null where nothing was. */
  units: Units | null;
  usageSource: UsageSource;
  /** HTTP status sent to the client; 499 where it left first. */
  status: number;
  errorKind: ErrorKind | null;
  /** Milliseconds from arrival to the last byte ready for the client. */
  latencyMs: number;
  /** Milliseconds from arrival to the first output token; null where nothing was streamed. */
  ttftMs: number | null;
  streamed: boolean;
  /** Billionths of a US dollar; null where the price or the usage is unknown, 0 only where the model is free. */
  costNanos: number | null;
  /** Where the price came from, such as `genai-prices@0.1.8 vendor/model`; null where unknown. */
  priceSource: string | null;
  /** Request fields that the target format could not say. */
  dropped: string[];
  attempts: Attempt[];
}
