// What a forward-only request may cost, as far as that is known before anybody is asked: whether it has a price, and what budgets reserve for it.
// Knows no price.

import type { Place, RestFamily } from "../../wire/index.ts";
import { UNKNOWN, findBound, findWanted } from "../bound.ts";
import type { Scene } from "../call.ts";
import { NO_TOKENS, type Wanted } from "../limit/index.ts";
import { type UnknownPrice, type Work, judgeWork, readTier } from "../unknown-price.ts";
import type { Asking } from "./ask.ts";
import type { RestCall } from "./call.ts";
import type { Intake } from "./sending.ts";

/** Throws a GatewayError where the operator wants no call that the books cannot price. */
export function judgeCost(
  { call, plan, record, scene, tools, intake }: Asking,
  onUnknownPrice: UnknownPrice | undefined,
): void {
  const work = describeWork(call, { intake, plan });
  if (work !== null) judgeWork({ provider: plan.provider, onUnknownPrice, record, scene, tools }, work);
}

/** What of a request may cost money; null where nothing does. */
function describeWork(
  { place, method }: RestCall,
  { intake, plan }: { intake: Intake; plan: Asking["plan"] },
): Work | null {
  const { family, act, collection, endpoint } = place;
  if (plan.provider.rest?.free?.includes(family) === true) return null;
  if (act === "call") {
    const models = plan.model === "" ? [] : [plan.model];
    return { what: endpoint, models, tier: readTier(intake.json), writes: family === "completions" };
  }
  if (!mayCost(place, method)) return null;
  const models = act === "create" && intake.json !== null ? (collection?.workers?.(intake.json) ?? []) : [];
  return { what: endpoint, models, tier: "batch" };
}

/** Whether what is posted to what a provider keeps may cost money: to stop it does not. */
export function mayCost({ collection, endpoint }: Place, method: string): boolean {
  const free = collection?.free ?? [];
  const word = endpoint.slice(endpoint.lastIndexOf(".") + 1);
  return method === "POST" && free !== "all" && !free.includes(word);
}

/** What is made to work on behind everybody's back costs nobody knows what; to read and delete costs nothing. */
export function reserve({
  call,
  plan,
  scene,
  tools,
  record,
  intake,
}: Omit<Asking, "deadlines" | "line" | "stream">): Promise<void> | undefined {
  const { place, method, startedWallMs } = call;
  const { family, act, collection } = place;
  if (plan.provider.rest?.free?.includes(family) === true) return record.reserve(plan, null);
  if (act === "call") {
    const writes = !SILENT.includes(family);
    const { defaultOutputTokens } = scene;
    return record.reserve(plan, () =>
      findBound({ ...plan, body: intake.json, writes, defaultOutputTokens, prices: tools.prices, atMs: startedWallMs }),
    );
  }
  const isWork = collection?.finished !== undefined && mayCost(place, method);
  return record.reserve(plan, isWork ? () => UNKNOWN : null);
}

/** What is made to work on behind everybody's back uses its tokens when it is done, in no minute of this request's. */
export function wantedOf(
  { place: { act, family } }: RestCall,
  { defaultOutputTokens }: Scene,
  { json }: Pick<Intake, "json">,
): Wanted {
  if (act !== "call" || json === null) return NO_TOKENS;
  return findWanted({ body: json, writes: !SILENT.includes(family), defaultOutputTokens });
}

/** Families whose answers are judgements, and no text. */
const SILENT: readonly RestFamily[] = ["moderations", "rerank"];
