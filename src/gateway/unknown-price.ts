// What becomes of a call whose price nobody knows, before its provider is called. Knows no list.

import { GatewayError, type JsonObject } from "../ir/index.ts";
import type { Provider } from "../provider/index.ts";
import type { GatewayTools, Scene } from "./call.ts";
import type { Plan } from "./plan.ts";
import type { CallRecord } from "./record.ts";
import { knowsSold } from "./sold-tool.ts";

export type UnknownPrice = "allow" | "refuse" | "warn";

interface Asking {
  provider: Pick<Provider, "name" | "pricing">;
  /** As the route has it that leads there, over what holds for the provider. */
  onUnknownPrice?: UnknownPrice | undefined;
  record: Pick<CallRecord, "warn">;
  scene: Pick<Scene, "unknownPrice">;
  tools: Pick<GatewayTools, "clock" | "prices" | "unpriced">;
}

interface Judged extends Omit<Asking, "onUnknownPrice" | "provider"> {
  plan: Pick<Plan, "model" | "onUnknownPrice" | "provider">;
  body: JsonObject | null;
  /** Whether text is to be written, as in a chat. */
  writes: boolean;
  /** As in Work. */
  sold?: readonly string[];
}

/** Throws a GatewayError (forbidden, `price_unknown`) where the operator wants no call that the books cannot price. */
export function judgePrice({ plan: { model, provider, onUnknownPrice }, body, writes, sold, ...asking }: Judged): void {
  judgeWork(
    { ...asking, provider, onUnknownPrice },
    { what: "the call", models: model === "" ? [] : [model], tier: readTier(body), writes, sold },
  );
}

/** What is asked for: the models that are to do it, as far as they are named, and how it is called where none is. */
export interface Work {
  what: string;
  models: readonly string[];
  tier: string;
  writes?: boolean;
  /** Tools that are sold by the call, by the names that their counts have; missing: none. */
  sold?: readonly string[] | undefined;
}

/** As `judgePrice`, for whatever costs money: without a model there is nothing that a price could be looked up by. */
export function judgeWork(
  { provider, onUnknownPrice, record, scene, tools }: Asking,
  { what, models, tier, writes = false, sold = [] }: Work,
): void {
  const { name, pricing } = provider;
  const rule = onUnknownPrice ?? scene.unknownPrice(name);
  if (rule === "allow" || pricing === "free") return;
  const at = new Date(tools.clock.wallMs());
  const unknown = models.find(
    (model) => !tools.prices.knows({ provider: name, pricing, models: [model], at, tier, writes }),
  );
  const soldAt = models.find(
    (model) => !knowsSold(tools.prices, { provider: name, pricing, models: [model], at }, { sold, tier }),
  );
  if (unknown === undefined && soldAt === undefined && models.length > 0) return;
  if (rule === "warn") {
    record.warn("price_unknown");
    tools.unpriced(name, unknown ?? soldAt ?? "", tier);
    return;
  }
  if (unknown !== undefined) throw refuseModel(name, unknown, tier);
  throw soldAt === undefined ? refuseUnnamed(name, what) : refuseTools(name, soldAt, sold);
}

function refuseModel(provider: string, model: string, tier: string): GatewayError {
  const inTier = tier === "default" ? "" : ` in the tier "${tier}"`;
  return new GatewayError({
    kind: "forbidden",
    code: "price_unknown",
    param: "model",
    message:
      `This gateway refuses calls whose price it does not know, and knows none for "${model}" of provider "${provider}"${inTier}. ` +
      "Choose another model, or ask the operator for a price: a section [price.NAME] with model=, input= and output=, a newer price_file, or on_unknown_price=allow.",
  });
}

function refuseTools(provider: string, model: string, sold: readonly string[]): GatewayError {
  return new GatewayError({
    kind: "forbidden",
    code: "price_unknown",
    param: "tools",
    message:
      `This gateway refuses calls whose price it does not know, and knows none for what "${model}" of provider "${provider}" may use beside its tokens (${sold.join(", ")}). ` +
      "Leave these tools out, or ask the operator for a price of theirs, or for on_unknown_price=allow.",
  });
}

function refuseUnnamed(provider: string, what: string): GatewayError {
  return new GatewayError({
    kind: "forbidden",
    code: "price_unknown",
    message:
      `This gateway refuses what it knows no price for, and ${what} at provider "${provider}" may cost what no price list tells beforehand. ` +
      `Use an address that names a model, or ask the operator for on_unknown_price=allow in [provider.${provider}].`,
  });
}

/** Tiers with prices of their own that a client can ask for; what any other word leads to is not known beforehand. */
const PRICED_TIERS = new Set(["fast", "flex", "priority"]);

export function readTier(body: JsonObject | null): string {
  // One format asks for a faster answer, which has prices of its own, beside the tier.
  const asked = body?.["speed"] === "fast" ? "fast" : (body?.["service_tier"] ?? body?.["serviceTier"]);
  const word = typeof asked === "string" ? asked.toLowerCase() : "";
  return PRICED_TIERS.has(word) ? word : "default";
}
