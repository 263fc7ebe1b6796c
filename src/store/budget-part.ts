// A row of the ledger as budgets count it: its own part, and that of each other provider or model that was asked. Pure; knows no limit.

import type { CallFacts } from "../ledger/index.ts";
import { findAnswering, listShares } from "../lib/share.ts";
import type { Schema } from "./schema.ts";

type Table = Schema["ledgerEntries"];

/** Who spent what in a row, as far as a budget's scope can tell. */
export interface Row {
  chain: string;
  userId: string | null;
  apiKeyId: string | null;
  provider: string | null;
  modelAsked: string | null;
  modelSent: string | null;
  tags: string | null;
  spent: number;
  unpriced: number;
}

/** The row's own part, and that of each other provider or model. */
export function takeApart(entry: Table["$inferSelect"], unit: "tokens" | "usd"): Row[] {
  const { userId, apiKeyId, provider, modelAsked, kind, costNanos, usageSource } = entry;
  const chain = entry.chain ?? "";
  const tags = entry.tags === null ? null : JSON.stringify(entry.tags);
  const named = { chain, userId, apiKeyId, modelAsked, tags };
  const shares = listShares(entry);
  const parts = shares.map((share) => (unit === "usd" ? share.costNanos : countTokens(share)));
  const whole = unit === "usd" ? (costNanos ?? 0) : countTokens(entry);
  const isUnpriced = unit === "usd" && kind === "call" && costNanos === null && usageSource !== "none";
  const spent = parts.reduce((rest, part) => rest - part, whole);
  const own = { ...named, provider, modelSent: findAnswering(entry)?.model ?? null, spent };
  return [
    { ...own, unpriced: Number(isUnpriced) },
    ...shares.map((share, index) => ({
      ...named,
      provider: share.provider,
      modelSent: share.model,
      spent: parts[index] ?? 0,
      unpriced: 0,
    })),
  ];
}

function countTokens(
  row: Record<"cacheReadTokens" | "cacheWriteTokens" | "freshInputTokens" | "outputTokens", number | null>,
): number {
  return (
    (row.freshInputTokens ?? 0) + (row.cacheReadTokens ?? 0) + (row.cacheWriteTokens ?? 0) + (row.outputTokens ?? 0)
  );
}

export function toFacts(group: Row): Omit<CallFacts, "atMs"> {
  const tags: unknown = group.tags === null ? null : JSON.parse(group.tags);
  return {
    userId: group.userId ?? "",
    apiKeyId: group.apiKeyId ?? "",
    provider: group.provider ?? "",
    modelAsked: group.modelAsked ?? "",
    modelSent: group.modelSent ?? "",
    tags: Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === "string") : [],
  };
}
