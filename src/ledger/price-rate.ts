// A tariff made ready for arithmetic: whole numbers over one common denominator, so that a cost is exact to the nano-dollar. Knows no list.

import { type Fraction, findLeastMultiple, multiply, parseFraction, roundQuotient } from "../lib/fraction.ts";
import { type Units, type Usage, sumInputTokens } from "../ir/index.ts";
import { type PriceUnit, PRICE_UNITS, liesWithin } from "./price-unit.ts";
import type { Decimal, PriceValue } from "./price-tariff.ts";

/** Multiplies a unit's price; null where the product is unknown. `isLong`: beyond the first step of long context. */
export type Adjust = (unit: PriceUnit, isLong: boolean) => Fraction | null;

export interface RateCard {
  /** The innermost first, so that what lies within is counted before what is around it. */
  units: readonly PriceUnit[];
  /** For each unit, the places of those within it. */
  inner: readonly (readonly number[])[];
  /** Counts that lie within two of the units, and have no price of their own: what they cost, the card does not tell. */
  overlaps: readonly string[];
  /** By size of the request, ascending; the last one whose `above` is exceeded applies. */
  bands: readonly Band[];
  /** At least so much is charged of a unit, where any is. */
  least: Readonly<Record<string, number>>;
}

interface Band {
  above: number;
  /** Nano-dollars a unit, as fractions for people; null where unknown. */
  rates: readonly (Fraction | null)[];
  /** Nano-dollars a unit, times `bottom`; -1 where unknown. */
  tops: readonly bigint[];
  bottom: bigint;
  /** The same as plain numbers, where they are small enough to be exact. */
  small: { tops: readonly number[]; bottom: number } | null;
}

const NANOS: Fraction = { top: 1_000_000_000n, bottom: 1n };

/** Throws a RangeError for a price that is no decimal of at least 0. Keys that no unit has are left out. */
export function makeRateCard(
  prices: Readonly<Record<string, PriceValue>>,
  { adjust, least = {}, unknown = [] }: { adjust: Adjust; least?: RateCard["least"]; unknown?: readonly string[] },
): RateCard {
  const keys = [...Object.keys(prices), ...unknown];
  const units = [...PRICE_UNITS.values()]
    .filter(({ priceKey }) => keys.includes(priceKey))
    .toSorted((left, right) => Object.keys(right.dimensions).length - Object.keys(left.dimensions).length);
  const starts = Object.values(prices).flatMap((price) =>
    typeof price === "object" ? price.tiers.map(({ start }) => start) : [],
  );
  const bands = [-1, ...[...new Set(starts)].toSorted((left, right) => left - right)];
  return {
    units,
    inner: units.map((outer) => units.flatMap((unit, place) => (liesWithin(unit, outer) ? [place] : []))),
    overlaps: findOverlaps(units),
    bands: bands.map((above, index) => {
      const rates = units.map((unit) => {
        const price = prices[unit.priceKey];
        const factor = adjust(unit, index > 0);
        return price === undefined || factor === null ? null : multiply(readRate(unit, price, above), factor);
      });
      return makeBand(above, rates);
    }),
    least,
  };
}

/** Cached sound, where the cache has a price and sound has one, but cached sound has none. */
function findOverlaps(units: readonly PriceUnit[]): string[] {
  return [...PRICE_UNITS.values()].flatMap((unit) => {
    if (units.includes(unit)) return [];
    const around = units.filter((outer) => liesWithin(unit, outer));
    const isTorn = around.some((one) => around.some((other) => one !== other && isApart(one, other)));
    return isTorn ? [unit.name] : [];
  });
}

function isApart(one: PriceUnit, other: PriceUnit): boolean {
  return !liesWithin(one, other) && !liesWithin(other, one);
}

/** Nano-dollars a unit. */
function readRate(unit: PriceUnit, price: PriceValue, above: number): Fraction {
  const found = parseFraction(typeof price === "object" ? pickTier(price, above) : price);
  if (found === null || found.top < 0n) throw new RangeError(`${unit.priceKey} is no price`);
  return multiply(found, { ...NANOS, bottom: BigInt(unit.per) });
}

function pickTier({ base, tiers }: Extract<PriceValue, object>, above: number): Decimal {
  const reached = tiers.filter(({ start }) => start <= above).toSorted((left, right) => right.start - left.start);
  return reached[0]?.price ?? base;
}

function makeBand(above: number, rates: readonly (Fraction | null)[]): Band {
  const bottom = findLeastMultiple(rates.flatMap((rate) => (rate === null ? [] : [rate.bottom])));
  const tops = rates.map((rate) => (rate === null ? -1n : (rate.top * bottom) / rate.bottom));
  const isSmall = [bottom, ...tops].every((number) => number <= BigInt(Number.MAX_SAFE_INTEGER));
  return { above, rates, tops, bottom, small: isSmall ? { tops: tops.map(Number), bottom: Number(bottom) } : null };
}

/** Nano-dollars, rounded to the nearest; null where a unit that was counted has no known price, or the counts contradict each other. */
export function costOf(
  card: RateCard,
  { usage, units, sizeTokens }: { usage: Usage | null; units: Units | null; sizeTokens?: number | undefined },
): number | null {
  const counts = countUnits(card, usage, units);
  if (counts === null) return null;
  const input = sizeTokens ?? (usage === null ? 0 : sumInputTokens(usage));
  const band = card.bands.findLast(({ above }) => input > above) ?? card.bands[0];
  if (band === undefined) return null;
  const nanos = addSmall(band, counts) ?? addExactly(band, counts);
  // Beyond what the books hold exactly, nobody knows it.
  return Number.isSafeInteger(nanos) ? nanos : null;
}

/** What is counted as each unit and as nothing within it. */
function countUnits(
  { units, inner, least, overlaps }: RateCard,
  usage: Usage | null,
  other: Units | null,
): number[] | null {
  for (const name of overlaps) if (countKind(name, usage, other) > 0) return null;
  const counts: number[] = [];
  for (let place = 0; place < units.length; place++) {
    const unit = units[place];
    if (unit === undefined) return null;
    let count = countOf(unit.name, usage, other);
    if (count === null) return null;
    if (count > 0) count = Math.max(count, least[unit.name] ?? 0);
    if (unit.name === "output_tokens") count += countCited(units, usage, other);
    for (const within of inner[place] ?? []) count -= counts[within] ?? 0;
    if (count < 0 && count > -INSIGNIFICANT) count = 0;
    if (count < 0) return null;
    counts.push(count);
  }
  return counts;
}

const CITED = "output_citation_tokens";

/** What was cited is told beside the output, and priced as a part of it. */
function countCited(units: readonly PriceUnit[], usage: Usage | null, other: Units | null): number {
  const cited = countKind("citation_tokens", usage, other);
  return cited > 0 && units.some(({ name }) => name === CITED) ? cited : 0;
}

/** Seconds are fractions, and their differences not exact. */
const INSIGNIFICANT = 1e-9;

/** Searches that a fee for the request pays for, where they have no price of their own. */
const INCLUDED = "search_queries";

/** Units under the names that answers have for them. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  code_executions: ["code_interpreter_calls"],
  input_characters: ["characters"],
  input_document_pages: ["pages"],
  input_tool_tokens: ["tool_prompt_tokens"],
  [CITED]: ["citation_tokens"],
  rerank_searches: ["search_units"],
  social_searches: ["x_search_calls"],
  storage_searches: ["file_search_calls"],
  web_searches: ["web_search_requests", "web_search_calls", "web_search_queries", "search_web_calls", INCLUDED],
};

/** What tools of a provider's own are sold by, beside the tokens; the one that the card prices, if it does. */
const SOLD: ReadonlyMap<string, string | null> = new Map([
  ["attachment_search_calls", null],
  ["collections_search_calls", null],
  ["document_search_calls", null],
  ["fetch_url_calls", null],
  ["image_generation_calls", null],
  ["search_sources", null],
  ...["code_executions", "social_searches", "storage_searches", "web_searches"].flatMap((unit) =>
    [unit, ...(ALIASES[unit] ?? [])].filter((name) => name !== INCLUDED).map((name) => [name, unit] as const),
  ),
]);

/** Of what was counted, that which is sold by the call; null where there is nothing of it. */
export function pickSold(counted: Units | null): Units | null {
  const sold = Object.entries(counted ?? {}).filter(([name, count]) => SOLD.has(name) && count > 0);
  return sold.length === 0 ? null : Object.fromEntries(sold);
}

/** What is sold by the second or by the piece where it stands beside tokens, which are then not those of it. */
const BESIDE: ReadonlyMap<string, string | null> = new Map([
  ["audio_seconds", "audio_seconds"],
  ["images", null],
]);

/** Whether something was sold by the call, or beside tokens, for which the card has no price. */
export function sellsUnpriced({ units }: RateCard, counted: Units | null | undefined, hasTokens: boolean): boolean {
  if (counted === null || counted === undefined) return false;
  for (const name in counted) {
    if (!((counted[name] ?? 0) > 0)) continue;
    const sold = hasTokens && BESIDE.has(name) ? BESIDE.get(name) : SOLD.get(name);
    if (sold !== undefined && !units.some((unit) => unit.name === sold)) return true;
  }
  return false;
}

/** What is counted as a unit where there are no tokens. */
export function countAlone(name: string, units: Units | null): number {
  return name === "requests" ? 0 : (countOf(name, null, units) ?? 0);
}

function countOf(name: string, usage: Usage | null, units: Units | null): number | null {
  switch (name) {
    case "input_tokens":
      return usage === null ? 0 : sumInputTokens(usage);
    case "cache_read_tokens":
      return usage?.cacheReadTokens ?? 0;
    case "cache_write_tokens":
      return usage?.cacheWriteTokens ?? 0;
    case "cache_write_1h_tokens":
      return usage?.longCacheWriteTokens ?? 0;
    case "cache_write_5m_tokens":
      return usage === null ? 0 : usage.cacheWriteTokens - (usage.longCacheWriteTokens ?? 0);
    case "output_tokens":
      return usage?.outputTokens ?? 0;
    case "output_reasoning_tokens":
      // Where it has a price of its own and nobody says how much there was, the cost is not known.
      return usage === null || usage.outputTokens === 0 ? 0 : usage.reasoningTokens;
    case "requests":
      return 1;
    default:
      return countKind(name, usage, units);
  }
}

/** Pages of a document are read as pictures are. */
const PAGES: Readonly<Record<string, string>> = {
  cache_image_read_tokens: "cache_document_read_tokens",
  input_image_tokens: "input_document_tokens",
};

function countKind(name: string, usage: Usage | null, units: Units | null): number {
  const count = countUnit(name, units) ?? countUnit(name, usage?.units) ?? 0;
  const pages = PAGES[name];
  return pages === undefined ? count : count + countKind(pages, usage, units);
}

function countUnit(name: string, units: Units | null | undefined): number | undefined {
  if (units === null || units === undefined) return undefined;
  const alias = ALIASES[name]?.find((known) => units[known] !== undefined);
  return units[name] ?? (alias === undefined ? undefined : units[alias]);
}

/** With plain numbers; null where they would not be exact. */
function addSmall({ small }: Band, counts: readonly number[]): number | null {
  if (small === null) return null;
  let total = 0;
  for (let place = 0; place < counts.length; place++) {
    const count = counts[place] ?? 0;
    if (count === 0) continue;
    const top = small.tops[place] ?? -1;
    if (top < 0 || !Number.isSafeInteger(count)) return null;
    total += count * top;
  }
  if (!Number.isSafeInteger(total)) return null;
  const rest = total % small.bottom;
  return (total - rest) / small.bottom + (rest * 2 >= small.bottom ? 1 : 0);
}

function addExactly({ tops, bottom }: Band, counts: readonly number[]): number | null {
  let total: Fraction = { top: 0n, bottom: 1n };
  for (let place = 0; place < counts.length; place++) {
    const count = parseFraction(counts[place] ?? 0);
    const top = tops[place] ?? -1n;
    if (count === null) return null;
    if (count.top === 0n) continue;
    if (top < 0n) return null;
    total = { top: total.top * count.bottom + count.top * top * total.bottom, bottom: total.bottom * count.bottom };
  }
  return Number(roundQuotient(total.top, total.bottom * bottom));
}
