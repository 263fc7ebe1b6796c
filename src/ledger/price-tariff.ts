// What one layer of prices says about one model at one moment, and who is asked for it. Knows no list and no arithmetic.

import type { Usage, Units } from "../ir/index.ts";

/** How to look a price up: in the list of a vendor, by the address that served it, or not at all because it is free. */
export type PriceKey = { vendor: string } | { apiUrl: string } | "free";

/** US dollars, as they are written: a number of the list, or the operator's own words. */
export type Decimal = number | string;

/** One price, or one for each size of a request: beyond `start` input tokens, all of them cost `price`. */
export type PriceValue = Decimal | { base: Decimal; tiers: readonly { start: number; price: Decimal }[] };

export interface PriceQuestion {
  /** The configured provider's name. */
  provider: string;
  pricing: PriceKey;
  /** Names of the model, the best first: of each layer, the first one that it knows counts. */
  models: readonly string[];
  at: Date;
  /** As it was served; `default` is the usual tier. */
  tier: string;
  /** Of the facts' `mark`s, those that the call bears. */
  marks?: readonly string[];
  /** Whether the model is to write something, so that its output needs a price as its input does. */
  writes?: boolean;
}

/** A question with what was counted. */
export interface PriceRequest extends Omit<PriceQuestion, "marks" | "tier"> {
  /** Null where nothing but units was counted. */
  usage: Usage | null;
  units?: Units | null;
  /** Input tokens of the call that the figures are a part of, or of the largest that they are a sum of, by which its size goes; missing where they are the whole. */
  sizeTokens?: number;
  /** The figures are those of many calls together: of which size each one was, `sizeTokens` alone tells. */
  isSum?: boolean;
}

export interface Tariff {
  /** `vendor/model` in the layer's own words. */
  id: string;
  vendor: string;
  model: string;
  /** Which list or whose word, with its version: `genai-prices@0.1.8`, `operator`, `market`. */
  source: string;
  /** From when this price held (ISO date), else the list's own date; null where neither is known. */
  date: string | null;
  /** By the unit's price key. */
  prices: Readonly<Record<string, PriceValue>>;
  /** The tier that these prices are for. */
  tier: string;
  /** False for what was agreed for this very provider: no discount and no vendor's factor applies to it. */
  isListed: boolean;
  /** It holds in this window of time, `untilMs` not included. */
  fromMs: number;
  untilMs: number;
}

/** A source of prices. Layers are asked in order, and the first that knows the model is believed. */
export interface PriceLayer {
  /** For people: what this layer is. */
  name: string;
  /** Moments from which on it may answer otherwise, beyond the windows of its tariffs. */
  edgesMs?: readonly number[];
  find(question: PriceQuestion, model: string): Tariff | null;
  /** The models that it lists for such a provider; missing where its patterns say nothing of models. */
  list?(pricing: PriceKey, provider?: string): readonly string[];
  /** For people: the model whose pattern matches a name that is not known to be that model's; null where none does. */
  findNear?(pricing: PriceKey, model: string): string | null;
}

/** A vendor's documented rule that the list does not hold, with the page that says so. Fractions are text: `0.5`, `20/11`. */
export interface PriceFact {
  vendor: string;
  /** Which of the list's models; all where it is missing. */
  models?: RegExp;
  /** Of names that the list has under one model, those of which it does not hold. */
  not?: RegExp;
  /** Names that the page says are this model's, where the list knows it by others. */
  also?: { names: RegExp; model: string };
  /** Of this service tier; missing where it is of all. */
  tier?: string;
  /** Times the usual price; what is missing is unknown. */
  factors?: { input?: string; cacheRead?: string; cacheWrite?: string; output?: string; tool?: string };
  /** Of calls among whose units this one is, whatever their tier: every price times so much. */
  mark?: { unit: string; factor: string };
  /** False where requests beyond the first long-context step are not served so. */
  servesLongContext?: false;
  /** A cache write for an hour costs so many times the plain input. */
  longCacheWrite?: string;
  /** Prices that are never those of what lies around them: where the list has none, they are unknown. */
  apart?: readonly string[];
  /** At least so much is charged of a unit, where any is: `{audio_seconds: 10}`. */
  least?: Readonly<Record<string, number>>;
  source: string;
  /** The day on which the page was last read (ISO). */
  checked?: string;
}

const USUAL_TIERS = new Set(["", "auto", "default", "on_demand", "standard", "unspecified"]);

/** The names that vendors have for the tier that nobody asked for are one. */
export function nameTier(word: string | undefined): string {
  if (word === undefined || word === "default") return "default";
  const lower = word.toLowerCase();
  return USUAL_TIERS.has(lower) ? "default" : lower;
}
