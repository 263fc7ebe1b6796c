// What of a row's cost was for which kind of its tokens, by the price that it was booked at. Knows no list.

import { NO_USAGE, type Usage } from "../../ir/index.ts";
import { type LedgerEntry, type PriceBook, type PricingOf, pickSold } from "../../ledger/index.ts";
import { findAnswering } from "../../lib/share.ts";
import type { MoneyPart } from "./line.ts";

/** Null where the price of today is not the one that the row was booked at, or cannot be taken apart. */
export type SplitCost = (call: LedgerEntry) => Partial<Record<MoneyPart, bigint>> | null;

export function createSplit({ book, pricingOf }: { book: Pick<PriceBook, "price">; pricingOf: PricingOf }): SplitCost {
  return (call) => {
    const pricing = call.provider === null ? undefined : pricingOf(call.provider);
    if (call.costNanos === null || call.provider === null || pricing === undefined) return null;
    const names = [call.modelServed, findAnswering(call)?.model, call.modelAsked].flatMap((name) =>
      name ? [name] : [],
    );
    const models = typeof pricing === "object" && pricing.by === "asked" ? names.toReversed() : names;
    const tier = call.serviceTier === null ? {} : { serviceTier: call.serviceTier };
    const split: Partial<Record<MoneyPart, bigint>> = {};
    const sizeTokens = (call.freshInputTokens ?? 0) + (call.cacheReadTokens ?? 0) + (call.cacheWriteTokens ?? 0);
    let rest = BigInt(call.costNanos);
    for (const [part, usage] of listParts(call)) {
      const at = call.createdAt;
      const price = book.price({
        provider: call.provider,
        pricing,
        models,
        at,
        usage: { ...NO_USAGE, ...tier, ...usage },
        sizeTokens,
      });
      if (price === null || price.id !== call.priceId || price.source !== call.priceSource) return null;
      split[part] = BigInt(price.costNanos);
      rest -= split[part];
    }
    const isRounding = rest >= -MOST_ROUNDING && rest <= MOST_ROUNDING;
    if (isRounding || call.units === null) return isRounding ? split : null;
    // What was counted in other ways.
    return rest < 0n ? null : { ...split, other: rest };
  };
}

/** Half a nano-dollar for each part, and for the whole. */
const MOST_ROUNDING = 3n;

function listParts(call: LedgerEntry): [MoneyPart, Partial<Usage>][] {
  const long = call.longCacheWriteTokens ?? 0;
  const short = (call.cacheWriteTokens ?? 0) - long;
  const parts: [MoneyPart, number, Partial<Usage>][] = [
    ["fresh", call.freshInputTokens ?? 0, { freshInputTokens: call.freshInputTokens ?? 0 }],
    ["cacheRead", call.cacheReadTokens ?? 0, { cacheReadTokens: call.cacheReadTokens ?? 0 }],
    ["cacheWrite", short, { cacheWriteTokens: short }],
    ["longCacheWrite", long, { cacheWriteTokens: long, longCacheWriteTokens: long }],
    ["output", call.outputTokens ?? 0, { outputTokens: call.outputTokens ?? 0 }],
  ];
  const sold = pickSold(call.units);
  if (sold !== null) parts.push(["tools", 1, { units: sold }]);
  return parts.flatMap(([part, count, usage]) => (count === 0 ? [] : [[part, usage] as [MoneyPart, Partial<Usage>]]));
}
