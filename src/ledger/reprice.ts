// What rows cost by what is known of the prices today, each as of its own day; and the corrections that make up the difference. A row is
// never changed, and no price is ever taken away. Knows no list, no provider and no SQL.

import { type Units, type Usage, joinUnits } from "../ir/index.ts";
import { findAnswering } from "../lib/share.ts";
import { makeStableId } from "../lib/stable-id.ts";
import { type Attempt, BLANK_ENTRY, type LedgerEntry } from "./entry.ts";
import { namePrice, type Price, type PriceBook } from "./price.ts";
import type { PriceKey } from "./price-tariff.ts";

/** How a provider of the configuration in force is priced; undefined where it is gone. */
export type PricingOf = (provider: string) => (PriceKey & { by?: "asked" }) | undefined;

export interface Repriced {
  /** What is booked, corrections included; null where nothing is. */
  before: number | null;
  /** What it costs by today's knowledge; null where that tells nothing. */
  after: number | null;
  price: Price | null;
  /** What is to be written; null where nothing is. */
  correction: LedgerEntry | null;
}

/** Null for rows that no price concerns: calls that reached nobody, free ones, and sums that no list prices. */
export function repriceEntry(
  entry: LedgerEntry,
  corrections: readonly LedgerEntry[],
  { book, pricingOf }: { book: Pick<PriceBook, "price">; pricingOf: PricingOf },
): Repriced | null {
  if (entry.kind !== "call" || entry.provider === null || entry.usageSource === "none") return null;
  if (entry.priceSource === "free") return null;
  // Work of many calls in one row, of a kind that the list did not price when it was booked.
  const isSum = entry.endpoint.endsWith(".usage");
  if (isSum && entry.serviceTier === null) return null;
  const before = addCosts(entry, corrections);
  const found = findPrice(entry, corrections, { book, pricingOf, isSum });
  const price = found?.price ?? null;
  const after = price?.costNanos ?? null;
  const difference = after === null || after === before ? null : after - (before ?? 0);
  const isChange = price !== null && difference !== null && (difference !== 0 || before === null);
  return {
    before,
    after,
    price,
    correction: isChange
      ? {
          ...correct(entry, { price, difference, isFirst: before === null, round: corrections.length }),
          attempts: found === null ? [] : correctParts(entry, corrections, found.parts),
        }
      : null,
  };
}

function addCosts(entry: LedgerEntry, corrections: readonly LedgerEntry[]): number | null {
  const known = [entry, ...corrections].flatMap(({ costNanos }) => (costNanos === null ? [] : [costNanos]));
  return known.length === 0 ? null : known.reduce((sum, cost) => sum + cost, 0);
}

interface Sources {
  book: Pick<PriceBook, "price">;
  pricingOf: PricingOf;
  isSum: boolean;
}

/** Where others than who answered have figures of their own, the sum of all; one that nobody can price makes the sum unknown. */
function findPrice(entry: LedgerEntry, corrections: readonly LedgerEntry[], sources: Sources): Found | null {
  const parts = entry.attempts.filter(({ usage }) => usage !== undefined);
  const answering = findAnswering(entry);
  if (parts.some((part) => part !== answering)) {
    // To which of the calls a correction of the tokens belongs, it does not say.
    if (corrections.some(({ reason }) => reason !== "reprice")) return null;
    const prices = parts.map((part) => {
      const served = part === answering ? entry.modelServed : readPriced(part);
      const { provider, model, usage = null } = part;
      return ask(entry, { provider, names: served ? [served, model] : [model], usage, units: null }, sources);
    });
    const known = prices.filter((price) => price !== null);
    const own = known[parts.findIndex((part) => part === answering)] ?? known.at(-1);
    if (own === undefined || known.length < prices.length) return null;
    return { price: { ...own, costNanos: known.reduce((sum, { costNanos }) => sum + costNanos, 0) }, parts: known };
  }
  const asked = answering?.model ?? entry.modelAsked;
  const names = [entry.modelServed, asked].flatMap((name) => (name ? [name] : []));
  const rows = [entry, ...corrections];
  const units = rows.reduce<Units | null>((sum, row) => joinUnits(sum, row.units), null);
  const price = ask(entry, { provider: entry.provider ?? "", names, usage: readUsage(rows), units }, sources);
  return price === null ? null : { price, parts: [] };
}

/** The row keeps no name of what served an attempt that others stood in for; what priced it was found by that. */
function readPriced({ price }: Attempt): string | null {
  const slash = price?.id.indexOf("/") ?? -1;
  return slash === -1 ? null : (price?.id.slice(slash + 1) ?? null);
}

interface Found {
  price: Price;
  /** Of each attempt with figures of its own, where others than who answered have some. */
  parts: readonly Price[];
}

/** What each of several attempts costs more or less than is booked: its provider's part of the correction. Whose the rest is, they tell as the call's do. */
function correctParts(entry: LedgerEntry, corrections: readonly LedgerEntry[], parts: readonly Price[]): Attempt[] {
  if (parts.length === 0) return [];
  const measured = entry.attempts.filter(({ usage }) => usage !== undefined);
  const answering = findAnswering(entry);
  // Where the cost of the whole was unknown, nothing is booked of its parts.
  const isBooked = entry.costNanos !== null;
  const told = measured.map((attempt, index) => {
    const earlier = corrections.map(({ attempts }) => attempts[index]?.costNanos ?? 0);
    const before = earlier.reduce((sum, cost) => sum + cost, isBooked ? (attempt.costNanos ?? 0) : 0);
    const price = parts[index];
    if (price === undefined) return { ...blank(attempt), costNanos: -before };
    return { ...blank(attempt), costNanos: price.costNanos - before, price: namePrice(price) };
  });
  return answering === undefined || measured.includes(answering) ? told : [...told, blank(answering)];
}

function blank({ provider, model, account, errorKind }: Attempt): Attempt {
  // Bills of a provider may be by its keys.
  const key = account === undefined ? {} : { account };
  return { provider, model, ...key, status: null, errorKind, upstreamRequestId: null, latencyMs: 0 };
}

interface Asked {
  provider: string;
  names: readonly string[];
  usage: Usage | null;
  units: Units | null;
}

/** By the name that was served, else by the one that was asked for; or the other way round, where the provider's prices go by that. */
function ask(
  entry: LedgerEntry,
  { provider, names, usage, units }: Asked,
  { book, pricingOf, isSum }: Sources,
): Price | null {
  const pricing = pricingOf(provider);
  if (pricing === undefined || (usage === null && units === null)) return null;
  const isByAsked = typeof pricing === "object" && pricing.by === "asked";
  const models = isByAsked ? names.toReversed() : names;
  return book.price({ provider, pricing, models, at: entry.createdAt, usage, units, isSum });
}

const COUNTS = [
  "cacheReadTokens",
  "cacheWriteTokens",
  "freshInputTokens",
  "longCacheWriteTokens",
  "outputTokens",
] as const;

/** As a row and its corrections have it together; null where no tokens were counted. */
function readUsage(rows: readonly LedgerEntry[]): Usage | null {
  const sumOf = (field: (typeof COUNTS)[number] | "reasoningTokens"): number | null => {
    const known = rows.flatMap((row) => row[field] ?? []);
    return known.length === 0 ? null : known.reduce((sum, count) => sum + count, 0);
  };
  const serviceTier = rows.findLast((row) => row.serviceTier !== null)?.serviceTier ?? null;
  if (COUNTS.every((field) => sumOf(field) === null)) return null;
  return {
    freshInputTokens: sumOf("freshInputTokens") ?? 0,
    cacheReadTokens: sumOf("cacheReadTokens") ?? 0,
    cacheWriteTokens: sumOf("cacheWriteTokens") ?? 0,
    longCacheWriteTokens: sumOf("longCacheWriteTokens") ?? 0,
    outputTokens: sumOf("outputTokens") ?? 0,
    reasoningTokens: sumOf("reasoningTokens"),
    ...(serviceTier === null ? {} : { serviceTier }),
  };
}

interface Difference {
  price: Price;
  difference: number;
  isFirst: boolean;
  /** How often the row was corrected before. */
  round: number;
}

/** Found wherever the row is found, so that sums over both are the truth. Written twice, it is the same row. */
function correct(entry: LedgerEntry, { price, difference, isFirst, round }: Difference): LedgerEntry {
  return {
    ...BLANK_ENTRY,
    id: makeStableId(entry.createdAt.getTime(), `reprice/${entry.id}/${round}`),
    kind: "correction",
    corrects: entry.id,
    reason: "reprice",
    pricesUnknown: isFirst ? true : null,
    requestId: entry.requestId,
    createdAt: entry.createdAt,
    userId: entry.userId,
    apiKeyId: entry.apiKeyId,
    tags: entry.tags,
    endpoint: entry.endpoint,
    modelAsked: entry.modelAsked,
    modelServed: entry.modelServed,
    provider: entry.provider,
    direction: entry.direction,
    serviceTier: entry.serviceTier,
    usageSource: entry.usageSource,
    status: entry.status,
    errorKind: entry.errorKind,
    streamed: entry.streamed,
    costNanos: difference,
    priceId: price.id,
    priceSource: price.source,
    priceDate: price.date,
    dropped: [],
    attempts: [],
  };
}
