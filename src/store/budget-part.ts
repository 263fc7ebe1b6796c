// A row of the ledger as budgets count it: its own part, and that of each other provider or model that was asked. Pure; knows no limit.

import type { CallFacts, SumGroup } from "../ledger/index.ts";
import { findAnswering, listShares } from "../lib/share.ts";
import { parseJson, readTexts } from "./row-guard.ts";
import type { Schema } from "./schema.ts";

export type Figures = Pick<SumGroup, "costNanos" | "tokens" | "unpriced">;

/** Of a row, what was spent at one provider and model. */
export interface Part extends Figures {
  provider: string | null;
  modelSent: string | null;
}

/** The row's own part, and that of each other provider or model. */
export function takeApart(entry: Schema["ledgerEntries"]["$inferSelect"]): Part[] {
  const { provider, kind, costNanos, usageSource, pricesUnknown } = entry;
  const shares = listShares(entry).map((share) => ({
    provider: share.provider,
    modelSent: share.model,
    costNanos: share.costNanos,
    tokens: countTokens(share),
    unpriced: 0,
  }));
  const isUnpriced = kind === "call" && costNanos === null && usageSource !== "none";
  const own = {
    provider,
    modelSent: findAnswering(entry)?.model ?? null,
    costNanos: shares.reduce((rest, share) => rest - share.costNanos, costNanos ?? 0),
    tokens: shares.reduce((rest, share) => rest - share.tokens, countTokens(entry)),
    // What was given its price later is unpriced no more, as reports have it.
    unpriced: Number(isUnpriced) - Number(pricesUnknown === true),
  };
  return [own, ...shares];
}

/** Input and output together. */
export function countTokens(
  row: Record<"cacheReadTokens" | "cacheWriteTokens" | "freshInputTokens" | "outputTokens", number | null>,
): number {
  return (
    (row.freshInputTokens ?? 0) + (row.cacheReadTokens ?? 0) + (row.cacheWriteTokens ?? 0) + (row.outputTokens ?? 0)
  );
}

/** @param text tags as JSON, or nothing */
export function readTags(text: string): CallFacts["tags"] {
  return readTexts(parseJson(text)) ?? [];
}
