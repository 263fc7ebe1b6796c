// Who is asked for a request, and in which order: the route's strategy, its canary, and who stands in where that is needed. Knows no format.

import type { GatewayError } from "../ir/index.ts";
import { isOverflow, isRefusal } from "../wire/index.ts";
import { expectCost } from "./bound.ts";
import type { Call, GatewayTools, Scene } from "./call.ts";
import { findHold } from "./facts.ts";
import { overrideObject } from "./override.ts";
import type { Target, Targets } from "./target.ts";
import { makeReady } from "./ready.ts";
import type { RequestFacts } from "./way/condition.ts";
import type { Choice } from "./way/fleet.ts";
import { listKeys } from "./way/pool.ts";
import type { TravelRules } from "./way/travel.ts";

interface Asking {
  /** Without a `wire`: no chat, and by its tokens alone could it be told what is cheapest. */
  call: Pick<Call, "startedWallMs"> & { wire?: Pick<Call["wire"], "operation"> };
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
  const others = order.filter((each) => !isSamePlace(each, target));
  const [next = target] = others;
  // One that is left alone at present is not asked for its share either.
  const places = [target, next] as const;
  const drawn = tools.fleet.order({ ...makeChoice(chosen, asking), route: "", places, strategy: "priority" });
  const [first, ...keys] = drawn.filter((each) => isSamePlace(each, target));
  return first !== undefined && first === drawn[0] ? [first, ...keys, ...others] : order;
}

/**
 * Those of the route that were left out, and in how many milliseconds they may be asked: where all others failed as well, a call that may fail
 * is better than none.
 */
export function listSpare(
  chosen: Targets,
  targets: readonly Target[],
  asking: Asking,
): { place: Target; inMs: number }[] {
  const isOut = (each: Target): boolean =>
    !targets.some((target) => isSamePlace(target, each) && target.provider.account === each.provider.account);
  return asking.tools.fleet.listSpare(makeChoice(chosen, asking)).filter(({ place }) => isOut(place));
}

/** Whether they are the same but for the key. */
export function isSamePlace(left: Target, right: Target): boolean {
  return left.provider.name === right.provider.name && left.model === right.model;
}

/** What the strategy goes by. */
export function makeChoice({ route, targets, strategy, policy }: Targets, asking: Asking): Choice<Target> {
  const { facts } = asking;
  const sticks = strategy === "sticky" || targets.some(({ provider }) => provider.keyStrategy === "sticky");
  return {
    route,
    places: targets,
    strategy,
    stickTo: sticks ? findHold(policy?.stickBy ?? "key", facts) : "",
    keysOf: listKeys,
    costOf:
      strategy === "least-cost" && asking.call.wire !== undefined ? (target) => costAt(target, asking) : () => null,
  };
}

/** What the request would probably cost there, in nano-dollars; null where the price is unknown. */
export function costAt({ provider, model, set }: Target, { call, tools, scene, facts }: Asking): number | null {
  return expectCost({
    provider,
    model,
    body: overrideObject(facts.body, set),
    writes: call.wire?.operation === "chat",
    inputTokens: facts.tokens(),
    defaultOutputTokens: scene.defaultOutputTokens,
    prices: tools.prices,
    atMs: call.startedWallMs,
  });
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
  { scene, tools }: { scene: Pick<Scene, "providers">; tools: Pick<GatewayTools, "fleet"> },
  failure: Pick<GatewayError, "code" | "upstream">,
): Target[] {
  if (policy === undefined) return [];
  const { onContextLength, onRefusal } = policy;
  const ready = (targets: typeof onRefusal): Target[] =>
    orderReady(
      tools.fleet,
      targets.flatMap((target) => makeReady(scene, target)),
    );
  if (onContextLength.length > 0 && failure.upstream !== undefined && isOverflow(failure.upstream)) {
    return ready(onContextLength);
  }
  if (onRefusal.length === 0) return [];
  const isRefused =
    failure.code === "content_refused" || (failure.upstream !== undefined && isRefusal(failure.upstream));
  return isRefused ? ready(onRefusal) : [];
}

/** Each by its keys, in their order; nobody where an operator took all of them out of service. */
export function orderReady(fleet: GatewayTools["fleet"], [first, ...others]: Target[]): Target[] {
  if (first === undefined) return [];
  const choice = { route: "", strategy: "priority", stickTo: "", costOf: () => null, keysOf: listKeys } as const;
  try {
    return fleet.order({ ...choice, places: [first, ...others] });
  } catch {
    return [];
  }
}
