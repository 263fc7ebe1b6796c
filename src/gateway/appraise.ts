// What calls to providers cost, by what is known of them now. Knows no list of prices and no format.

import { type Price, FREE } from "../ledger/index.ts";
import type { GatewayTools } from "./call.ts";
import type { Figures } from "./figures.ts";
import { type Counted, priceCall } from "./price-call.ts";
import type { RecordedCall, RecordedPlan } from "./recording.ts";
import type { Try } from "./try.ts";

export interface Appraiser {
  findPrice(of: RecordedPlan, counted: Counted): Price | null;
  evaluate(call: Pick<Try, "plan" | "tally">): Figures;
}

export function createAppraiser(
  { startedWallMs }: Pick<RecordedCall, "startedWallMs">,
  prices: GatewayTools["prices"],
): Appraiser {
  return new OpenAppraiser(new Date(startedWallMs), prices);
}

class OpenAppraiser implements Appraiser {
  readonly #at: Date;
  readonly #prices: GatewayTools["prices"];

  constructor(at: Date, prices: GatewayTools["prices"]) {
    this.#at = at;
    this.#prices = prices;
  }

  findPrice(of: RecordedPlan, counted: Counted): Price | null {
    return priceCall(this.#prices, of, { ...counted, at: this.#at });
  }

  evaluate({ plan, tally }: Pick<Try, "plan" | "tally">): Figures {
    const { price, usage, units, source, sizeTokens } = tally.weigh();
    if (price === "free") return { usage, units, source, price: FREE };
    const hasFigures = usage !== null || units !== null;
    if (price === "unknown" || !hasFigures || plan === null) return { usage, units, source, price: null };
    const counted = { served: tally.served(), usage, units, isSum: price === "sum", sizeTokens };
    return { usage, units, source, price: this.findPrice(plan, counted) };
  }
}
