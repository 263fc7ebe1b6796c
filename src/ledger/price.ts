// What tokens cost: prices from the bundled price list, remembered per model so that a request pays for arithmetic only.
// Unknown is null and never 0. Knows no provider by name; the list does.

import type { PriceCalculation } from "@pydantic/genai-prices";
import { type Units, type Usage, sumInputTokens } from "../ir/index.ts";

/** How to look a price up: in the list of a vendor, by the address that served it, or not at all because it is free. */
export type PriceKey = { vendor: string } | { apiUrl: string } | "free";

export interface Price {
  /** Billionths of a US dollar, rounded to the nearest. */
  costNanos: number;
  /** What was priced, as `vendor/model`. */
  id: string;
  /** The list, and its version. */
  source: string;
  /** The day from which on that was the price, or of the list that says so; null where nobody says. */
  date: string | null;
}

export interface PriceBook {
  /** Null where the list does not know the model. */
  price(key: PriceKey, model: string, usage: Usage, at: Date, units?: Units | null): Price | null;
}

type Calculate = typeof import("@pydantic/genai-prices").calcPrice;

/** Nano-dollars a token. */
interface Rates {
  fresh: number;
  cacheRead: number;
  cacheWrite: number;
  output: number;
  id: string;
  source: string;
  /** Beyond so many input tokens a dearer tier begins, and the list is asked each time. */
  maxInputTokens: number;
  /** Prices may change by date and by hour: looked up again then. */
  validUntilMs: number;
}

const NANOS = 1e9;
const PROBE_TOKENS = 1_000;
const VALID_MS = 60_000;
const MAX_REMEMBERED = 2_000;
const MAX_REMEMBERED_LENGTH = 400;
export const FREE: Price = Object.freeze({ costNanos: 0, id: "free", source: "free", date: null });

/** `listVersion` names the price list on every row. */
export function createPriceBook(calculate: Calculate, listVersion: string): PriceBook {
  const remembered = new Map<string, Rates | "unknown">();

  return {
    price(key, model, usage, at, units = null) {
      if (key === "free") return FREE;
      const kinds = pickKinds(units);
      if (kinds !== null) return priceDirectly(calculate, key, model, usage, at, listVersion, kinds);
      const name = "vendor" in key ? `${key.vendor}\n${model}` : `${key.apiUrl}\n${model}`;
      let rates = remembered.get(name);
      if (rates === undefined || (typeof rates === "object" && rates.validUntilMs < at.getTime())) {
        rates = findRates(calculate, key, model, at, listVersion);
        if (remembered.size >= MAX_REMEMBERED) remembered.clear();
        if (name.length <= MAX_REMEMBERED_LENGTH) remembered.set(name, rates);
      }
      if (rates === "unknown") return null;
      if (sumInputTokens(usage) > rates.maxInputTokens)
        return priceDirectly(calculate, key, model, usage, at, listVersion);
      const nanos =
        usage.freshInputTokens * rates.fresh +
        usage.cacheReadTokens * rates.cacheRead +
        usage.cacheWriteTokens * rates.cacheWrite +
        usage.outputTokens * rates.output;
      return { costNanos: Math.round(nanos), id: rates.id, source: rates.source, date: null };
    },
  };
}

/** A model's price per token below its first tier, found by asking for a round number of each kind. */
function findRates(
  calculate: Calculate,
  key: Exclude<PriceKey, "free">,
  model: string,
  at: Date,
  listVersion: string,
): Rates | "unknown" {
  const ask = (usage: Partial<Usage>): PriceCalculation | null =>
    lookUp(calculate, key, model, { ...EMPTY, ...usage }, at);
  const base = ask({ freshInputTokens: PROBE_TOKENS });
  if (base === null) return "unknown";
  // A fee for the request itself is not linear in tokens: such a model is priced by the list every time.
  const hasFee = (ask({})?.total_price ?? 0) > 0;
  const rate = (usage: Partial<Usage>): number => ((ask(usage)?.total_price ?? 0) / PROBE_TOKENS) * NANOS;
  return {
    fresh: rate({ freshInputTokens: PROBE_TOKENS }),
    cacheRead: rate({ cacheReadTokens: PROBE_TOKENS }),
    cacheWrite: rate({ cacheWriteTokens: PROBE_TOKENS }),
    output: rate({ outputTokens: PROBE_TOKENS }),
    id: nameModel(base),
    source: listVersion,
    maxInputTokens: hasFee ? -1 : findFirstTier(base),
    validUntilMs: at.getTime() + VALID_MS,
  };
}

function findFirstTier(found: PriceCalculation): number {
  const starts = Object.values(found.model_price).flatMap((price) =>
    typeof price === "object" ? price.tiers.map((tier) => tier.start) : [],
  );
  return Math.min(Number.POSITIVE_INFINITY, ...starts);
}

function priceDirectly(
  calculate: Calculate,
  key: Exclude<PriceKey, "free">,
  model: string,
  usage: Usage,
  at: Date,
  listVersion: string,
  kinds: Units = {},
): Price | null {
  const found = lookUp(calculate, key, model, usage, at, kinds);
  if (found === null) return null;
  return { costNanos: Math.round(found.total_price * NANOS), id: nameModel(found), source: listVersion, date: null };
}

const EMPTY: Usage = {
  freshInputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: null,
};

/** The list counts cached tokens among the input; we keep them apart. */
function lookUp(
  calculate: Calculate,
  key: Exclude<PriceKey, "free">,
  model: string,
  usage: Usage,
  at: Date,
  kinds: Units = {},
): PriceCalculation | null {
  const counts = {
    ...kinds,
    input_tokens: sumInputTokens(usage),
    cache_read_tokens: usage.cacheReadTokens,
    cache_write_tokens: usage.cacheWriteTokens,
    output_tokens: usage.outputTokens,
  };
  const where = "vendor" in key ? { providerId: key.vendor } : { providerApiUrl: key.apiUrl };
  try {
    return calculate(counts, model, { ...where, timestamp: at });
  } catch {
    // The list throws for usage that it has no price for; that is "unknown", not a failure of the request.
    return null;
  }
}

/** Names that the list knows; of any other it would complain on the console. */
const KIND = /^(?:input|output|cache)_(?:audio|image|video)_(?:read_)?tokens$/u;

/** Of what kind tokens were, for they have prices of their own; null where that makes no difference. */
function pickKinds(units: Units | null): Units | null {
  const kinds = Object.entries(units ?? {}).filter(([name]) => KIND.test(name));
  return kinds.length === 0
    ? null
    : { cache_audio_read_tokens: 0, cache_image_read_tokens: 0, ...Object.fromEntries(kinds) };
}

function nameModel(found: PriceCalculation): string {
  return `${found.provider.id}/${found.model.id}`;
}
