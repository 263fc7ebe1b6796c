// Which calls are not counted again, and why. Pure.

import { type LedgerEntry, REUSE, type Recount, type RecountOffer } from "../../ledger/index.ts";

/** Null where the call is to be counted. */
export function findSkip({ entry, format }: RecountOffer): string | null {
  if (entry.errorKind !== null || entry.status >= 400) return "failed";
  // Nobody was asked, so nobody counted.
  if (entry.provider === REUSE) return "given_again";
  if (format === null) return "not_text";
  // Of several answers only the last was kept, and the row's figures are those of all.
  if (entry.attempts.length > 1 && entry.attempts.filter(({ usage }) => usage !== undefined).length > 1)
    return "several_answers";
  // There is nothing to hold our count against.
  if (entry.usageSource !== "provider" || entry.freshInputTokens === null) return "no_provider_usage";
  return null;
}

/** A recount but for its time. */
export type Examined = Omit<Recount, "createdAt">;

const BLANK = {
  reason: null,
  method: null,
  tokenizer: null,
  tokenizerVersion: null,
  inputTokens: null,
  inputLow: null,
  inputHigh: null,
  outputTokens: null,
  outputLow: null,
  outputHigh: null,
  verdict: null,
} as const;

export function skipped({ id }: Pick<LedgerEntry, "id">, reason: string): Examined {
  return { ...BLANK, entryId: id, state: "skipped", reason };
}
