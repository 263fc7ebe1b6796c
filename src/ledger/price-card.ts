// Makes of a tariff what is reckoned by: with what its vendor documents beside the list, in a tier and for marks that it bears, and with the operator's
// discount. Asks no list.

import { type Fraction, ONE, divide, multiply, parseFraction, printFraction, subtract } from "../lib/fraction.ts";
import { type RateCard, makeRateCard } from "./price-rate.ts";
import type { PriceFact, PriceQuestion, PriceValue, Tariff } from "./price-tariff.ts";
import type { PriceUnit } from "./price-unit.ts";

export interface PriceCard {
  card: RateCard;
  /** By whose word, and what was done to it. */
  source: string;
  /** Pages that say what the list does not. */
  facts: readonly string[];
}

/** USD for `per` of each unit, as exact decimals; null where unknown. */
export interface PriceBand {
  aboveInputTokens: number;
  prices: readonly { key: string; usd: string | null }[];
}

const TIER_DIMENSIONS = ["input", "cacheRead", "cacheWrite", "output", "tool"] as const;
type TierDimension = (typeof TIER_DIMENSIONS)[number];

/** The tariff with what its vendor documents beside the list, and with the operator's discount. */
export function makeCard(
  tariff: Tariff,
  { tier, marks: borne = [] }: PriceQuestion,
  { model, facts, discount }: { model: string; facts: readonly PriceFact[]; discount: string | undefined },
): PriceCard {
  const own = tariff.isListed ? facts.filter((fact) => isAbout(fact, tariff, model)) : [];
  const fact = tier === tariff.tier ? null : own.find((known) => known.tier === tier && known.factors !== undefined);
  const hour = own.find(({ longCacheWrite }) => longCacheWrite !== undefined);
  const marked = own.filter(({ mark }) => mark !== undefined && borne.includes(mark.unit));
  const share = discount === undefined ? ONE : takePercent(discount);
  const marks = marked.reduce((product, { mark }) => multiply(product, parseFraction(mark?.factor ?? "") ?? ONE), ONE);
  const factors = fact === null ? null : readFactors(fact);
  const { prices, used } = addLongWrites(tariff.prices, hour);
  const card = makeRateCard(prices, {
    adjust(unit, isLong) {
      // Marks are about tokens; a search costs what it does wherever it is made.
      const base = unit.dimensions["family"] === "tokens" ? multiply(share, marks) : share;
      if (factors === null) return base;
      if (isLong && fact?.servesLongContext === false) return null;
      const dimension = dimensionOf(unit);
      const factor = dimension === null ? undefined : factors.get(dimension);
      return factor === undefined ? null : multiply(factor, base);
    },
    least: Object.assign({}, ...own.map(({ least }) => least ?? {})) as Record<string, number>,
    // Writes for an hour are never taken for the cheaper ones; of what costs nothing, they do not either.
    unknown: [
      ...(Object.keys(prices).length === 0 ? [] : ["cache_write_1h_mtok"]),
      ...own.flatMap(({ apart }) => apart ?? []),
    ],
  });
  const pages = [fact, used ? hour : null, ...marked].flatMap((known) => (known ? [citePage(known)] : []));
  const words = [tariff.source, ...(fact ? [tier] : []), ...marked.flatMap(({ mark }) => mark?.unit ?? [])];
  const source = words.join(" ");
  return { card, facts: pages, source: discount === undefined ? source : `operator -${discount}% ${source}` };
}

function isAbout({ vendor, models, not }: PriceFact, tariff: Tariff, name: string): boolean {
  if (vendor !== tariff.vendor || not?.test(name.toLowerCase()) === true) return false;
  return models === undefined || models.test(tariff.model);
}

function citePage({ source, checked }: PriceFact): string {
  return checked === undefined ? source : `${source} (read ${checked})`;
}

function readFactors(fact: PriceFact | undefined): Map<TierDimension, Fraction> {
  const read = TIER_DIMENSIONS.flatMap((name) => {
    const factor = parseFraction(fact?.factors?.[name] ?? "");
    return factor === null ? [] : [[name, factor] as const];
  });
  return new Map(read);
}

/** Null for what no tier has a factor for, such as pages. */
function dimensionOf({ dimensions: { family, direction, type } }: PriceUnit): TierDimension | null {
  if (family === "tool_calls") return "tool";
  if (family !== "tokens") return null;
  if (direction === "output") return "output";
  if (type === "cache_read") return "cacheRead";
  return type === "cache_write" ? "cacheWrite" : "input";
}

/** Where the list prices writes for five minutes alone, and the vendor says how those for an hour relate to the plain input. */
function addLongWrites(
  prices: Tariff["prices"],
  fact: PriceFact | undefined,
): { prices: Tariff["prices"]; used: boolean } {
  const factor = parseFraction(fact?.longCacheWrite ?? "");
  const { input_mtok: input, cache_write_mtok: write, cache_write_1h_mtok: own } = prices;
  if (factor === null || input === undefined || write === undefined || own !== undefined)
    return { prices, used: false };
  return { prices: { ...prices, cache_write_1h_mtok: scale(input, factor) }, used: true };
}

function scale(price: PriceValue, factor: Fraction): PriceValue {
  const times = (value: number | string): string => printFraction(multiply(parseFraction(value) ?? ONE, factor));
  if (typeof price !== "object") return times(price);
  return {
    base: times(price.base),
    tiers: price.tiers.map((tier) => ({ start: tier.start, price: times(tier.price) })),
  };
}

function takePercent(percent: string): Fraction {
  return subtract(ONE, divide(parseFraction(percent) ?? { top: 0n, bottom: 1n }, { top: 100n, bottom: 1n }));
}

const NANOS_PER_USD: Fraction = { top: 1_000_000_000n, bottom: 1n };

/** For people; null where a price is unknown. */
export function describeBands({ units, bands }: RateCard): PriceBand[] {
  return bands.map(({ above, rates }) => ({
    aboveInputTokens: Math.max(0, above),
    prices: units.flatMap(({ priceKey: key, per }, place) => {
      const rate = rates[place] ?? null;
      const usd =
        rate === null ? null : printFraction(divide(multiply(rate, { top: BigInt(per), bottom: 1n }), NANOS_PER_USD));
      return [{ key, usd }];
    }),
  }));
}
