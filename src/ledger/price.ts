// What a call costs: layers of prices asked in order, each answer remembered for as long as it holds, so that a request pays for
// arithmetic only. Unknown is null and never 0. Knows no provider by name; lists and facts do.

import { type Units, type Usage, sumInputTokens } from "../ir/index.ts";
import { createRecent } from "../lib/recent.ts";
import { type PriceBand, type PriceCard, describeBands, makeCard } from "./price-card.ts";
import { type RateCard, costOf, countAlone, sellsUnpriced } from "./price-rate.ts";
import {
  type PriceFact,
  type PriceLayer,
  type PriceQuestion,
  type PriceRequest,
  type Tariff,
  nameTier,
} from "./price-tariff.ts";

export interface Price {
  /** Billionths of a US dollar, rounded to the nearest. */
  costNanos: number;
  /** What was priced, such as `vendor/model` in the list's words. */
  id: string;
  /** Which list or whose word, with its version, and what was done to it: `operator`, `genai-prices@0.1.8 batch`. */
  source: string;
  /** The day from which on that was the price, else the list's own (ISO); null where neither is known. */
  date: string | null;
}

/** As an attempt keeps it. */
export function namePrice({ id, source, date }: Price): Omit<Price, "costNanos"> {
  return { id, source, date };
}

export interface PriceBook {
  /** Null where no layer knows the model, or not what something of it costs. */
  price(request: PriceRequest): Price | null;
  /** Whether there is a price for such a call at all; asked before it is made. */
  knows(question: PriceQuestion): boolean;
  /** For people: which price applies, of which layer; null where none does. */
  explain(question: PriceQuestion): PriceExplanation | null;
  /** Puts other layers and discounts in force; what was remembered is forgotten. */
  adopt(next: PriceRules): void;
}

export interface PriceExplanation {
  layer: string;
  tariff: Tariff;
  source: string;
  /** Pages that say what the list does not. */
  facts: readonly string[];
  /** One for each size of request. */
  bands: readonly PriceBand[];
}

export interface PriceRules {
  /** Asked in this order. */
  layers: readonly PriceLayer[];
  facts: readonly PriceFact[];
  /** Percent off listed prices, as a decimal, by provider name. */
  discounts?: ReadonlyMap<string, string>;
}

interface Known extends PriceCard {
  tariff: Tariff;
  layer: string;
  /** Of `input` and `output`, those of whose tokens something has a price. */
  directions: ReadonlySet<string>;
}

/** What was found, and in which window of time it stays found. */
interface Memory {
  known: Known | null;
  fromMs: number;
  untilMs: number;
}

const MAX_REMEMBERED = 20_000;
/** A model that nobody asks for any more is forgotten. */
const REMEMBERED_MS = 15 * 60_000;
const MAX_REMEMBERED_LENGTH = 400;

export const FREE: Price = Object.freeze({ costNanos: 0, id: "free", source: "free", date: null });

export function createPriceBook(init: PriceRules): PriceBook {
  let rules = init;
  let marks = findMarks(init);
  const remembered = createRecent<Memory>({ most: MAX_REMEMBERED, ageMs: REMEMBERED_MS });

  const find = (question: PriceQuestion): Known | null => {
    const name = nameQuestion(question);
    const at = question.at.getTime();
    const memory = remembered.get(name, at);
    if (memory !== undefined && memory.fromMs <= at && at < memory.untilMs) return memory.known;
    const found = remember(findTariff(question, rules), rules.layers, at);
    if (name.length <= MAX_REMEMBERED_LENGTH) remembered.put(name, found, { atMs: at });
    return found.known;
  };

  const listMarks = (usage: Usage | null, units: Units | null): readonly string[] =>
    units === null && usage?.units === undefined
      ? NO_MARKS
      : marks.filter((mark) => (units?.[mark] ?? usage?.units?.[mark] ?? 0) > 0);

  return {
    price({ provider, pricing, models, at, usage, units = null, isSum = false, sizeTokens }) {
      if (pricing === "free") return FREE;
      const tier = nameTier(usage?.serviceTier);
      const known = find({ provider, pricing, models, at, tier, marks: listMarks(usage, units) });
      return known === null ? null : charge(known, { usage, units, isSum, sizeTokens });
    },
    knows: (question) => question.pricing === "free" || hasPrice(find(question), question),
    explain(question) {
      const known = find(question);
      if (known === null) return null;
      const { layer, tariff, source, facts, card } = known;
      return { layer, tariff, source, facts, bands: describeBands(card) };
    },
    adopt(next) {
      rules = next;
      marks = findMarks(next);
      remembered.clear();
    },
  };
}

function remember(known: Known | null, layers: readonly PriceLayer[], at: number): Memory {
  let { fromMs, untilMs } = known?.tariff ?? { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };
  for (const edge of layers.flatMap((layer) => layer.edgesMs ?? [])) {
    if (edge <= at) fromMs = Math.max(fromMs, edge);
    else untilMs = Math.min(untilMs, edge);
  }
  return { known, fromMs, untilMs };
}

interface Charged extends Required<Pick<PriceRequest, "isSum" | "units" | "usage">> {
  sizeTokens: number | undefined;
}

function charge(known: Known, { usage, units, isSum, sizeTokens }: Charged): Price | null {
  // Units that nobody has a price for are no calls for nothing, unless it is by the call that they are sold.
  if (usage === null && !isByCall(known.tariff) && !known.card.units.some(({ name }) => countAlone(name, units) > 0))
    return null;
  if (holdsOthers(usage?.units) || holdsOthers(units)) return null;
  const hasTokens = usage !== null && !isByCall(known.tariff);
  if (sellsUnpriced(known.card, usage?.units, hasTokens) || sellsUnpriced(known.card, units, hasTokens)) return null;
  if (isSum && !isPricedBySum(known.card, usage, sizeTokens)) return null;
  const costNanos = costOf(known.card, { usage, units, sizeTokens });
  if (costNanos === null) return null;
  if (isUnpriced(known, usage, costNanos)) return null;
  const { id, date } = known.tariff;
  return { costNanos, id, source: known.source, date };
}

function isByCall({ prices }: Tariff): boolean {
  return Object.keys(prices).join() === "requests_kcount";
}

/** Tokens of another model that was asked on the way: what that one costs, the row's own model does not tell. */
function holdsOthers(units: Units | null | undefined): boolean {
  if (units === null || units === undefined) return false;
  for (const name in units) if (name.startsWith("advisor_") && (units[name] ?? 0) > 0) return true;
  return false;
}

/** The sum of many calls has a price where none of them can have been large, and none pays for itself. */
function isPricedBySum({ bands, units }: RateCard, usage: Usage | null, sizeTokens: number | undefined): boolean {
  const firstSize = bands[1]?.above ?? Number.POSITIVE_INFINITY;
  const isSmall = usage === null || (sizeTokens ?? sumInputTokens(usage)) <= firstSize;
  return isSmall && !units.some(({ name }) => name === "requests");
}

/**
 * Tokens that cost nothing because the list prices other things alone, such as seconds, are no free tokens; and where either the input or the
 * output has a price, the other one is not free for having none.
 */
function isUnpriced({ tariff, directions }: Known, usage: Usage | null, costNanos: number): boolean {
  if (usage === null || Object.keys(tariff.prices).length === 0) return false;
  const [hasInput, hasOutput] = [sumInputTokens(usage) > 0, usage.outputTokens > 0];
  if (directions.size === 0) return costNanos === 0 && (hasInput || hasOutput);
  return (hasInput && !directions.has("input")) || (hasOutput && !directions.has("output"));
}

function findDirections({ prices }: Tariff, { units }: RateCard): Set<string> {
  const priced = units.filter(({ dimensions, priceKey }) => dimensions["family"] === "tokens" && priceKey in prices);
  return new Set(priced.flatMap(({ dimensions }) => dimensions["direction"] ?? []));
}

const NO_MARKS: readonly string[] = [];

function findMarks({ facts }: PriceRules): string[] {
  return [...new Set(facts.flatMap(({ mark }) => (mark === undefined ? [] : [mark.unit])))];
}

function nameQuestion({ provider, pricing, models, tier, marks = NO_MARKS }: PriceQuestion): string {
  const list = pricing === "free" ? "" : "vendor" in pricing ? pricing.vendor : pricing.apiUrl;
  return `${provider}\n${list}\n${tier}\n${marks.join()}\n${models.join("\n")}`;
}

/** Something of it, at least, has a known price; or nothing of it costs anything, which a list says with an empty entry. */
function hasPrice(known: Known | null, { writes = false }: Pick<PriceQuestion, "writes">): boolean {
  if (known === null || (writes && known.directions.size === 1)) return false;
  const isFree = Object.keys(known.tariff.prices).length === 0 && known.card.units.length === 0;
  return isFree || known.card.bands.some(({ rates }) => rates.some((rate) => rate !== null));
}

function findTariff(question: PriceQuestion, { layers, facts, discounts }: PriceRules): Known | null {
  for (const layer of layers) {
    for (const model of question.models) {
      const tariff = layer.find(question, model) ?? findAlso(layer, question, { model, facts });
      if (tariff === null) continue;
      const discount = tariff.isListed ? discounts?.get(question.provider) : undefined;
      const made = makeCard(tariff, question, { model, facts, discount });
      return { tariff, layer: layer.name, directions: findDirections(tariff, made.card), ...made };
    }
  }
  return null;
}

/** By the name that the list has, where a page says that it is the same model. */
function findAlso(
  layer: PriceLayer,
  question: PriceQuestion,
  { model, facts }: { model: string; facts: readonly PriceFact[] },
): Tariff | null {
  const name = model.toLowerCase().trim();
  for (const { vendor, also } of facts) {
    if (also === undefined || !also.names.test(name)) continue;
    const tariff = layer.find(question, also.model);
    if (tariff !== null && tariff.isListed && tariff.vendor === vendor) return tariff;
  }
  return null;
}
