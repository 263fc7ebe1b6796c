// Decides who may be asked for a request: pure. Knows no body and no format's words.

import { GatewayError, type JsonObject, invalidRequest } from "../ir/index.ts";
import { findNearest } from "../lib/nearest.ts";
import type { Provider } from "../provider/index.ts";
import type { Peek, Wire } from "../wire/index.ts";
import type { Scene } from "./call.ts";
import { requireProvider } from "./narrow.ts";
import { LEADS_UP, findLack, readyTargets } from "./ready.ts";
import type { OfRoute, Way, WayPolicy } from "./route.ts";
import type { Overrides } from "./rule.ts";
import type { Strategy } from "./way/choose.ts";
import type { RequestFacts } from "./way/condition.ts";
import { findKeeper, readKeeper } from "./way/pool.ts";

/** What a client asks, read once. */
export interface Asked {
  /** The provider that keeps the objects which the request names; null where it names none. */
  keeper: string | null;
  wire: Wire;
  raw: string;
  body: JsonObject;
  peek: Peek;
  /** Refuse instead of leaving anything out. */
  isStrict: boolean;
  headers: Headers;
  /** See Address. */
  query?: string | undefined;
}

/** What of a scene decides. */
export type PlanScene = Pick<Scene, "limits" | "providers" | "router" | "workMode"> & {
  catalog: Pick<Scene["catalog"], "list">;
};

/** Who may be asked. */
export interface Target extends OfRoute {
  provider: Provider;
  model: string;
  /** Its share where lots are drawn. */
  weight: number;
  set?: Overrides;
  /** Labels of the provider's keys that may be used; missing: all of them. */
  keys?: readonly string[];
}

/** Those that may be asked for a request, as they were declared, and how one of them is chosen. */
export interface Targets {
  /** What led there, in words. */
  route: string;
  targets: readonly [Target, ...Target[]];
  strategy: Strategy;
  policy?: WayPolicy;
}

/**
 * Who may be asked. Where the request names what a provider keeps, nobody else can be. Throws not_found, not_configured or
 * invalid_request.
 */
export function listTargets(scene: PlanScene, asked: Asked, facts?: RequestFacts): Targets {
  const name = asked.peek.model;
  const { way } = scene.router.resolve(name, facts);
  if (asked.keeper !== null) return alone(findKeeping(scene, aimAt(scene, name, way), asked));
  // Where none can be asked, the error says what is missing.
  return (way === null ? null : readyTargets(scene, way)) ?? alone(aimAt(scene, name, way));
}

function alone(target: Target): Targets {
  return { route: "", targets: [target], strategy: "priority" };
}

/** Throws not_found or not_configured. */
export function findTarget(scene: PlanScene, name: string, facts?: RequestFacts): Target {
  return aimAt(scene, name, scene.router.resolve(name, facts).way);
}

function aimAt(scene: PlanScene, name: string, way: Way | null): Target {
  const target = way?.targets[0];
  const provider = target === undefined ? undefined : scene.providers.get(target.provider);
  const missing = provider === undefined ? way?.missing : findLack(provider, target?.keys);
  if (typeof missing === "string") throw new GatewayError({ kind: "not_configured", message: missing });
  if (target === undefined || provider === undefined || LEADS_UP.test(target.model)) throw unknownModel(scene, name);
  return { ...target, provider };
}

/** Who keeps what the request names is asked, where it serves such models at all: nobody else knows those ids. Throws invalid_request. */
export function findKeeping(
  scene: Pick<Scene, "limits" | "providers">,
  target: Target,
  { keeper, wire }: Asked,
): Target {
  if (keeper === null) return target;
  requireProvider(scene, readKeeper(keeper));
  const provider = findKeeper(scene.providers, keeper);
  if (provider?.name === target.provider.name) return { ...target, provider, keys: [provider.account ?? ""] };
  const isAlike = [provider, target.provider].every((each) => each?.speaks(target.model).includes(wire.id) === true);
  if (provider?.missing === null && isAlike) return { provider, model: target.model, weight: 1 };
  throw objectsApart(readKeeper(keeper), target.provider.name);
}

export function objectsApart(keeper: string, served: string): GatewayError {
  return invalidRequest(
    `The request names an object that provider "${keeper}" keeps, and its model is served by "${served}". ` +
      "Choose a model of the provider that keeps it.",
    "model",
    "objects_apart",
  );
}

/** Of more rules nobody is told which one was meant: a name that nobody knows may not cost more, the more there are. */
const MOST_COMPARED = 1_000;

/** A 404 that names what comes near: models that are listed, aliases and routes. */
export function unknownModel(scene: PlanScene, model: string): GatewayError {
  const lists = "GET /v1/models lists what there is; a route for it can be declared in [routes].";
  return modelNotFound(model, `does not exist here or no route leads to it. ${suggestNear(scene, model) ?? lists}`);
}

/** A 404 of a name that leads to a provider, but not to a model in its list. */
export function unlistedModel(
  scene: PlanScene,
  model: string,
  { provider, isRead }: { provider: string; isRead: boolean },
): GatewayError {
  const leads = `leads to provider "${provider}"`;
  if (!isRead)
    return modelNotFound(model, `${leads}, whose list of models could not be read. A call may find it all the same.`);
  return modelNotFound(model, `${leads}, which does not list it. ${suggestNear(scene, model) ?? ""}`.trimEnd());
}

function suggestNear({ router, catalog }: PlanScene, model: string): string | null {
  const named = router.size > MOST_COMPARED ? [] : router.named();
  const known = [...catalog.list().map((entry) => entry.model.id), ...named.map((entry) => entry.model)];
  const near = findNearest(model, known);
  return near.length === 0 ? null : `Did you mean ${near.map((name) => `"${name}"`).join(", ")}?`;
}

function modelNotFound(model: string, what: string): GatewayError {
  return new GatewayError({
    kind: "not_found",
    code: "model_not_found",
    param: "model",
    message: `The model "${model.slice(0, 200)}" ${what}`,
  });
}
