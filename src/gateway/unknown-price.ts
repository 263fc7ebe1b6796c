// What becomes of a call whose price nobody knows, before its provider is called. Knows no list.

import { GatewayError, type JsonObject } from "../ir/index.ts";
import type { GatewayTools, Scene } from "./call.ts";
import type { Plan } from "./plan.ts";
import type { CallRecord } from "./record.ts";

export type UnknownPrice = "allow" | "refuse" | "warn";

interface Judged {
  plan: Pick<Plan, "model" | "provider">;
  record: Pick<CallRecord, "warn">;
  scene: Pick<Scene, "unknownPrice">;
  tools: Pick<GatewayTools, "clock" | "prices" | "unpriced">;
  body: JsonObject | null;
}

/** Throws a GatewayError (forbidden, `price_unknown`) where the operator wants no call that the books cannot price. */
export function judgePrice({ plan, record, scene, tools, body }: Judged): void {
  const { name: provider, pricing } = plan.provider;
  const rule = scene.unknownPrice(provider);
  const { model } = plan;
  // Where no model is named yet, there is nothing to look up.
  if (rule === "allow" || model === "") return;
  const at = new Date(tools.clock.wallMs());
  const tier = readTier(body);
  if (tools.prices.knows({ provider, pricing, models: [model], at, tier })) return;
  if (rule === "warn") {
    record.warn("price_unknown");
    tools.unpriced(provider, model, tier);
    return;
  }
  const what = tier === "default" ? "" : ` in the tier "${tier}"`;
  throw new GatewayError({
    kind: "forbidden",
    code: "price_unknown",
    param: "model",
    message:
      `This gateway refuses calls whose price it does not know, and knows none for "${model}" of provider "${provider}"${what}. ` +
      "Choose another model, or ask the operator for a price: a section [price.NAME] with model=, input= and output=, a newer price_file, or on_unknown_price=allow.",
  });
}

/** Tiers with prices of their own that a client can ask for; what any other word leads to is not known beforehand. */
const PRICED_TIERS = new Set(["flex", "priority"]);

export function readTier(body: JsonObject | null): string {
  const asked = body?.["service_tier"] ?? body?.["serviceTier"];
  const word = typeof asked === "string" ? asked.toLowerCase() : "";
  return PRICED_TIERS.has(word) ? word : "default";
}
