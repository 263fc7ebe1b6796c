// Prices that somebody said in so many words: the operator's sections, a contract's file, a marketplace's listings. As a layer above
// the lists. Knows no file and no setting.

import { type Fraction, multiply, parseFraction, printFraction } from "../lib/fraction.ts";
import { PRICE_UNITS } from "./price-unit.ts";
import type { Decimal, PriceLayer, PriceQuestion, PriceValue, Tariff } from "./price-tariff.ts";

export interface PriceOverride {
  /** For people, and on the rows: the section's name. */
  name: string;
  /** A model's name, or a pattern with `*`. */
  model: string;
  /** A provider's name, or a pattern; null: any. */
  provider: string | null;
  tier: string;
  /** From when (inclusive) and until when (exclusive) it holds; null: always. */
  from: Date | null;
  to: Date | null;
  /** By price key. */
  prices: Readonly<Record<string, PriceValue>>;
}

interface OverrideLayerInit {
  name: string;
  /** On every row: `operator`, `market`, or a file's name and version. */
  source: string;
  /** The date on rows of prices that say none of their own. */
  date: string | null;
  overrides: readonly PriceOverride[];
}

interface Compiled {
  override: PriceOverride;
  matches(question: PriceQuestion, model: string): boolean;
  fromMs: number;
  untilMs: number;
  literals: number;
}

/** Where several match, the one with the most literal characters wins, then the youngest, then the first. */
export function createOverrideLayer({ name, source, date, overrides }: OverrideLayerInit): PriceLayer {
  const compiled = overrides
    .map(compile)
    .toSorted((left, right) => right.literals - left.literals || right.fromMs - left.fromMs);
  return {
    name,
    edgesMs: compiled.flatMap(({ fromMs, untilMs }) => [fromMs, untilMs]).filter(Number.isFinite),
    find(question, name): Tariff | null {
      const at = question.at.getTime();
      const found = compiled.find(
        ({ fromMs, untilMs, matches }) => fromMs <= at && at < untilMs && matches(question, name),
      );
      if (found === undefined) return null;
      const { override, fromMs, untilMs } = found;
      return {
        id: `${override.name}/${override.model}`,
        vendor: override.name,
        model: override.model,
        source,
        date: override.from?.toISOString().slice(0, 10) ?? date,
        prices: override.prices,
        tier: override.tier,
        isListed: false,
        fromMs,
        untilMs,
      };
    },
  };
}

function compile(override: PriceOverride): Compiled {
  const isModel = compilePattern(override.model);
  const isProvider = override.provider === null ? () => true : compilePattern(override.provider);
  return {
    override,
    matches: ({ provider, tier }, model) => tier === override.tier && isModel(model) && isProvider(provider),
    fromMs: override.from?.getTime() ?? Number.NEGATIVE_INFINITY,
    untilMs: override.to?.getTime() ?? Number.POSITIVE_INFINITY,
    literals: [override.model, override.provider ?? ""].join("").replaceAll("*", "").length,
  };
}

/** `*` stands for any characters; letters match in either case. One look along the name, which a client chooses: an expression may look for hours. */
function compilePattern(pattern: string): (name: string) => boolean {
  const [start = "", ...parts] = pattern.toLowerCase().split("*");
  const end = parts.pop();
  if (end === undefined) return (name) => name.toLowerCase() === start;
  return (given) => {
    const name = given.toLowerCase();
    if (!name.startsWith(start) || !name.endsWith(end)) return false;
    let at = start.length;
    for (const part of parts) {
      const found = name.indexOf(part, at);
      if (found === -1) return false;
      at = found + part.length;
    }
    return at + end.length <= name.length;
  };
}

/** The usual kinds under short names, in USD for a million tokens; any other by the price list's own key. */
const SHORT: ReadonlyMap<string, string> = new Map(
  [
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "input",
    "input_audio",
    "input_image",
    "output",
    "output_audio",
    "output_image",
    "output_reasoning",
  ].map((name) => [name, `${name}_mtok`]),
);

export const SHORT_PRICE_NAMES: readonly string[] = [...SHORT.keys()];

const THOUSAND: Fraction = { top: 1_000n, bottom: 1n };
const TIERED = /^(.+)_above_(\d{1,9})$/u;

export interface NamedPrice {
  key: string;
  /** Input tokens beyond which it holds; null: it is the price from the first one on. */
  above: number | null;
}

/** `output`, `output_above_200000`, `web_searches_kcount`, `request`. Null for what names no price. */
export function readPriceName(name: string): NamedPrice | null {
  const tiered = TIERED.exec(name);
  const base = tiered?.[1] ?? name;
  const key = base === "request" ? "requests_kcount" : (SHORT.get(base) ?? base);
  if (!PRICE_UNITS.has(key)) return null;
  return { key, above: tiered === null ? null : Number(tiered[2]) };
}

/** Prices by what they are called, as a tariff holds them. Throws a RangeError that names what is wrong. */
export function joinPrices(named: readonly (readonly [name: string, price: Decimal])[]): Record<string, PriceValue> {
  const bases = new Map<string, Decimal>();
  const tiers = new Map<string, { start: number; price: Decimal }[]>();
  for (const [name, written] of named) {
    const found = readPriceName(name);
    const price = parseFraction(written);
    if (found === null)
      throw new RangeError(`${name} is no kind of price: there are ${SHORT_PRICE_NAMES.join(", ")}, request`);
    if (price === null || price.top < 0n || String(written).includes("/")) {
      throw new RangeError(`${name} is no price: write US dollars such as 2.50`);
    }
    // A request is priced by the thousand, as the list does.
    const value = /^request(?:_|$)/u.test(name) ? printFraction(multiply(price, THOUSAND)) : written;
    if (found.above === null) bases.set(found.key, value);
    else tiers.set(found.key, [...(tiers.get(found.key) ?? []), { start: found.above, price: value }]);
  }
  const priced = [...bases].map(([key, base]): [string, PriceValue] => {
    const steps = tiers.get(key);
    return [key, steps === undefined ? base : { base, tiers: steps }];
  });
  const lone = [...tiers.keys()].find((key) => !bases.has(key));
  if (lone !== undefined) throw new RangeError(`${lone} has a price above a size, and none below it`);
  const inner = [...bases.keys()].find((key) => key.startsWith("cache_") && !bases.has("input_mtok"));
  if (inner !== undefined) throw new RangeError(`${inner} lies within the input, which has no price: say input, too`);
  return Object.fromEntries(priced);
}
