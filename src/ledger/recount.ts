// Our own count of a call's tokens, which stands beside the provider's and never replaces it. Knows no tokenizer.

import type { Seal } from "./entry.ts";

export type RecountState = "counted" | "skipped";

/** `exact` only where the tokenizer and everything around the text are known; else an estimate with its bounds. */
export type RecountMethod = "estimate" | "exact";

/** What the provider's figure is beside ours: beyond the tolerance above it, below it, or neither. */
export type RecountVerdict = "over" | "under" | "within";

export interface Recount {
  /** The row that was counted again. */
  entryId: string;
  createdAt: Date;
  state: RecountState;
  /** Why it was skipped, or why it is no more than an estimate. */
  reason: string | null;
  method: RecountMethod | null;
  tokenizer: string | null;
  tokenizerVersion: string | null;
  inputTokens: number | null;
  inputLow: number | null;
  inputHigh: number | null;
  outputTokens: number | null;
  outputLow: number | null;
  outputHigh: number | null;
  verdict: RecountVerdict | null;
}

export type SealedRecount = Recount & Seal;
