// What one call to a provider costs by the price book. Knows no row.

import type { Units, Usage } from "../ir/index.ts";
import type { Price, PriceBook } from "../ledger/index.ts";
import type { Plan } from "./plan.ts";

/** What is to be priced. `isSum`: the figures are those of many calls together. */
export interface Counted {
  served: string | null;
  usage: Usage | null;
  units: Units | null;
  isSum?: boolean;
  /** Of several, the input tokens of the largest call; missing where nobody knows. */
  sizeTokens?: number | undefined;
}

/** By the model that was served; where the list does not know its name, by the one that was asked for. */
export function priceCall(
  prices: PriceBook,
  of: Pick<Plan, "model" | "provider">,
  { served, usage, units, isSum = false, sizeTokens, at }: Counted & { at: Date },
): Price | null {
  const { pricing, name: provider } = of.provider;
  const asked = of.model;
  const isByAsked = typeof pricing === "object" && "by" in pricing;
  const models = served === null || served === asked ? [asked] : isByAsked ? [asked, served] : [served, asked];
  const size = sizeTokens === undefined ? {} : { sizeTokens };
  return prices.price({ provider, pricing, models, at, usage, units, isSum, ...size });
}
