// The report on tokens: groups of calls, and the calls whose figures lie outside of what our own count allows. One pass over the rows, whose
// number it does not depend on. Knows no database.

import type { Json, JsonObject } from "../ir/index.ts";
import { invalidRequest } from "../ir/index.ts";
import { type LedgerEntry, type PriceBook, type PricingOf, type Recount, repriceEntry } from "../ledger/index.ts";
import { findAnswering } from "../lib/share.ts";
import {
  type AuditedCall,
  type SplitCost,
  type TokenSums,
  addCall,
  listSides,
  printFigures,
  startFigures,
} from "./token-figures.ts";

export const DIMENSIONS = ["day", "key", "model", "provider", "user"] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export interface TokenReportInit {
  calls: AsyncIterable<AuditedCall>;
  by: readonly Dimension[];
  splitCost: SplitCost;
  /** Rows of the time that is asked for, from before this moment, may be gone by age; null where none are. */
  removedBefore?: Date | null;
  /** Most flagged calls that are listed; 0 for none. */
  flagged: number;
  /** Called now and then, with the number of rows so far. */
  onProgress?: (rows: number) => void;
}

/** Model names are the clients' to choose; beyond so many groups a report is of no use to anybody. */
const MAX_GROUPS = 50_000;
const PROGRESS_ROWS = 1_000;

/** `provider,model` → the two; throws invalid_request for a word that is none. */
export function readDimensions(text: string): Dimension[] {
  const words = text
    .split(",")
    .map((word) => word.trim().toLowerCase())
    .filter((word) => word !== "");
  const wrong = words.find((word) => !DIMENSIONS.some((dimension) => dimension === word));
  if (wrong !== undefined)
    throw invalidRequest(`by takes ${DIMENSIONS.join(", ")}, not "${wrong.slice(0, 60)}".`, "by");
  return DIMENSIONS.filter((dimension) => words.includes(dimension)).toSorted(
    (left, right) => words.indexOf(left) - words.indexOf(right),
  );
}

export async function reportTokens(init: TokenReportInit): Promise<JsonObject> {
  const groups = new Map<string, { names: JsonObject; figures: TokenSums }>();
  const total = startFigures();
  const flagged: JsonObject[] = [];
  for await (const call of init.calls) {
    addCall(total, call, init.splitCost);
    addCall(findGroup(groups, call.entry, init.by), call, init.splitCost);
    const { recount } = call;
    const isFlagged = recount?.verdict === "over" || recount?.verdict === "under";
    if (isFlagged && flagged.length < init.flagged) flagged.push(printFlagged(call.entry, recount, init.splitCost));
    if (total.rows % PROGRESS_ROWS === 0) init.onProgress?.(total.rows);
  }
  const rows = [...groups].toSorted(([left], [right]) => (left < right ? -1 : 1));
  return {
    by: [...init.by],
    groups: rows.map(([, { names, figures }]) => ({ ...names, ...printFigures(figures) })),
    total: printFigures(total),
    ...(init.removedBefore === null || init.removedBefore === undefined
      ? {}
      : { rows_removed_before: init.removedBefore.toISOString() }),
    ...(init.flagged === 0 ? {} : { flagged, flagged_rows: total.over + total.under }),
  };
}

function findGroup(
  groups: Map<string, { names: JsonObject; figures: TokenSums }>,
  entry: LedgerEntry,
  by: readonly Dimension[],
): TokenSums {
  const names = by.map((dimension) => NAME_GROUP[dimension](entry));
  const key = names.join("\n");
  const known = groups.get(key);
  if (known !== undefined) return known.figures;
  if (groups.size >= MAX_GROUPS) {
    throw invalidRequest(`There are more than ${MAX_GROUPS} groups: ask for a shorter time, or group by less.`, "by");
  }
  const figures = startFigures();
  groups.set(key, { names: Object.fromEntries(by.map((dimension, at) => [dimension, names[at] ?? null])), figures });
  return figures;
}

const NAME_GROUP: Readonly<Record<Dimension, (entry: LedgerEntry) => string | null>> = {
  /** In UTC. */
  day: (entry) => entry.createdAt.toISOString().slice(0, 10),
  key: (entry) => entry.apiKeyId,
  model: (entry) => entry.modelServed ?? entry.modelAsked,
  provider: (entry) => entry.provider,
  user: (entry) => entry.userId,
};

function printFlagged(entry: LedgerEntry, recount: Recount, splitCost: SplitCost): JsonObject {
  const cost = splitCost(entry);
  let nanos = 0;
  let tokens = 0;
  for (const { name, theirs, difference } of listSides(entry, recount)) {
    if (difference === null) continue;
    tokens += difference.difference;
    if (cost !== null && theirs > 0) nanos += (cost[name] / theirs) * difference.difference;
  }
  const { freshInputTokens: fresh, cacheReadTokens: read, cacheWriteTokens: write } = entry;
  return {
    id: entry.id,
    request_id: entry.requestId,
    upstream_request_id: findAnswering(entry)?.upstreamRequestId ?? null,
    created_at: entry.createdAt.toISOString(),
    provider: entry.provider,
    model: entry.modelServed ?? entry.modelAsked,
    key: entry.apiKeyId,
    user: entry.userId,
    verdict: recount.verdict,
    method: recount.method,
    reason: recount.reason,
    tokenizer: recount.tokenizer,
    tokenizer_version: recount.tokenizerVersion,
    input: printSide(fresh === null ? null : fresh + (read ?? 0) + (write ?? 0), [
      recount.inputTokens,
      recount.inputLow,
      recount.inputHigh,
    ]),
    output: printSide(entry.outputTokens, [recount.outputTokens, recount.outputLow, recount.outputHigh]),
    difference_tokens: tokens,
    difference_nanos: cost === null ? null : Math.round(nanos),
  };
}

function printSide(provider: number | null, [ours, low, high]: readonly (number | null)[]): Json {
  return { provider, ours: ours ?? null, low: low ?? null, high: high ?? null };
}

/** Of many rows at once: their prices are known elsewhere. */
export type SplitCosts = (entries: readonly LedgerEntry[]) => Promise<ReturnType<SplitCost>[]>;

const SPLIT_ROWS = 250;

/** The same calls, whose costs have been asked for, some at a time, when they come. */
export function splitAhead(
  calls: AsyncIterable<AuditedCall>,
  ask: SplitCosts,
): Pick<TokenReportInit, "calls" | "splitCost"> {
  const known = new WeakMap<LedgerEntry, ReturnType<SplitCost>>();
  const price = async (some: readonly AuditedCall[]): Promise<void> => {
    const entries = some.flatMap(({ entry, recount }) => (recount?.state === "counted" ? [entry] : []));
    const costs = entries.length === 0 ? [] : await ask(entries.map(slim));
    for (const [at, entry] of entries.entries()) known.set(entry, costs[at] ?? null);
  };
  return { calls: inPieces(calls, price), splitCost: (entry) => known.get(entry) ?? null };
}

/** What no price depends on stays here: on its way to another thread a row is copied. */
function slim(entry: LedgerEntry): LedgerEntry {
  const attempts = entry.attempts.slice(-1).map((attempt) => ({ ...attempt, usageRaw: "" }));
  return { ...entry, tags: null, dropped: [], attempts };
}

async function* inPieces(
  calls: AsyncIterable<AuditedCall>,
  before: (some: readonly AuditedCall[]) => Promise<void>,
): AsyncGenerator<AuditedCall> {
  let some: AuditedCall[] = [];
  for await (const call of calls) {
    some.push(call);
    if (some.length < SPLIT_ROWS) continue;
    await before(some);
    yield* some;
    some = [];
  }
  await before(some);
  yield* some;
}

/**
 * A row does not keep what its parts cost: what is known of the prices today says which share of the whole is the input's. Where that tells
 * nothing, an output token is taken for four of input, which is what most of them cost.
 */
export function createSplitCost(sources: { book: Pick<PriceBook, "price">; pricingOf: PricingOf }): SplitCost {
  const price = (entry: LedgerEntry): number | null => repriceEntry(entry, [], sources)?.after ?? null;
  return (entry) => {
    const { costNanos, freshInputTokens: fresh, outputTokens: output } = entry;
    if (costNanos === null || fresh === null || output === null) return null;
    // What single attempts cost is part of the sum already.
    const whole = { ...entry, attempts: entry.attempts.slice(-1) };
    const all = price(whole);
    const read = price({ ...whole, outputTokens: 0, reasoningTokens: null });
    const input = fresh + (entry.cacheReadTokens ?? 0) + (entry.cacheWriteTokens ?? 0);
    const share =
      all === null || read === null || all <= 0 ? input / Math.max(1, input + 4 * output) : Math.min(1, read / all);
    return { input: costNanos * share, output: costNanos * (1 - share) };
  };
}
