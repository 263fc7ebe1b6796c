// Who is asked for a request, and in which order: the route's strategy, its canary, and who stands in where that is needed. Knows no format.

import type { GatewayError } from "../ir/index.ts";
import { isOverflow, isRefusal } from "../wire/index.ts";
import { expectCost } from "./bound.ts";
import type { Call, GatewayTools, Scene } from "./call.ts";
import { findHold } from "./facts.ts";
import { overrideObject } from "./override.ts";
import { type Target, type Targets, makeReady } from "./plan.ts";
import type { RequestFacts } from "./way/condition.ts";
import type { Choice } from "./way/fleet.ts";
import type { TravelRules } from "./way/travel.ts";

interface Asking {
  call: Pick<Call, "startedWallMs"> & { wire: Pick<Call["wire"], "operation"> };
  tools: Pick<GatewayTools, "fleet" | "prices">;
  scene: Pick<Scene, "defaultOutputTokens" | "providers">;
  facts: RequestFacts;
  /** In [0, 1). */
  random?: () => number;
}

/** The first to be asked, and who is asked where that one cannot answer. */
export function chooseOrder(chosen: Targets, asking: Asking): [Target, ...Target[]] {
  const { tools, scene, random = Math.random } = asking;
  const order = tools.fleet.order(makeChoice(chosen, asking));
  const canary = chosen.policy?.canary ?? null;
  if (canary === null || !isDrawn(canary.percent, random)) return order;
  const [target] = makeReady(scene, canary.target);
  if (target === undefined) return order;
  const others = order.filter(({ provider, model }) => provider !== target.provider || model !== target.model);
  const [next = target] = others;
  // One that is left alone at present is not asked for its share either.
  const places = [target, next] as const;
  const [first] = tools.fleet.order({ ...makeChoice(chosen, asking), route: "", places, strategy: "priority" });
  return first === target ? [target, ...others] : order;
}

/** What the strategy goes by. */
export function makeChoice({ route, targets, strategy, policy }: Targets, asking: Asking): Choice<Target> {
  const { call, tools, scene, facts } = asking;
  const writes = call.wire.operation === "chat";
  const costOf = ({ provider, model, set }: Target): number | null =>
    expectCost({
      provider,
      model,
      body: overrideObject(facts.body, set),
      writes,
      inputTokens: facts.tokens(),
      defaultOutputTokens: scene.defaultOutputTokens,
      prices: tools.prices,
      atMs: call.startedWallMs,
    });
  return {
    route,
    places: targets,
    strategy,
    stickTo: strategy === "sticky" ? findHold(policy?.stickBy ?? "key", facts) : "",
    costOf: strategy === "least-cost" ? costOf : () => null,
  };
}

/** Whether a share of so many per cent has its turn. */
export function isDrawn(percent: number, random: () => number): boolean {
  return random() * 100 < percent;
}

/** The rules of the whole gateway, but for what the route says. */
export function chooseRules(rules: TravelRules, policy: Targets["policy"]): TravelRules {
  if (policy === undefined) return rules;
  const { maxAttempts = rules.maxAttempts, retryWindowMs: totalMs = rules.totalMs } = policy;
  return { ...rules, maxAttempts, totalMs };
}

/** Who is asked in place of all others once one has failed in this way; nobody where the route says nothing of it. */
export function findStandIns(
  { policy }: Targets,
  scene: Pick<Scene, "providers">,
  failure: Pick<GatewayError, "code" | "upstream">,
): Target[] {
  if (policy === undefined) return [];
  const { onContextLength, onRefusal } = policy;
  const ready = (targets: typeof onRefusal): Target[] => targets.flatMap((target) => makeReady(scene, target));
  if (onContextLength.length > 0 && failure.upstream !== undefined && isOverflow(failure.upstream)) {
    return ready(onContextLength);
  }
  if (onRefusal.length === 0) return [];
  const isRefused =
    failure.code === "content_refused" || (failure.upstream !== undefined && isRefusal(failure.upstream));
  return isRefused ? ready(onRefusal) : [];
}
