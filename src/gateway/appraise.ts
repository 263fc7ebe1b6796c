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
  const at = new Date(startedWallMs);
  const findPrice: Appraiser["findPrice"] = (of, counted) => priceCall(prices, of, { ...counted, at });
  return {
    findPrice,
    evaluate({ plan, tally }) {
      const { price, ...weighed } = tally.weigh();
      if (price === "free") return { ...weighed, price: FREE };
      const hasFigures = weighed.usage !== null || weighed.units !== null;
      if (price === "unknown" || !hasFigures || plan === null) return { ...weighed, price: null };
      return { ...weighed, price: findPrice(plan, { ...weighed, served: tally.served(), isSum: price === "sum" }) };
    },
  };
}
