// Chooses who may be asked for a forward-only request: pure. By what it keeps, else by the model, else by name, else the first that offers it.

import { GatewayError, invalidRequest } from "../../ir/index.ts";
import type { Provider } from "../../provider/index.ts";
import type { RestFamily, Wire } from "../../wire/index.ts";
import type { Scene } from "../call.ts";
import { findHold } from "../facts.ts";
import { requireProvider } from "../narrow.ts";
import { type Target, type Targets, unknownModel } from "../target.ts";
import { makeReady } from "../ready.ts";
import type { OfRoute, Way, WayPolicy, WayTarget } from "../route.ts";
import type { RequestFacts } from "../way/condition.ts";
import type { Fleet } from "../way/fleet.ts";
import { findKeeper, readKeeper } from "../way/pool.ts";

export interface Wanted {
  family: RestFamily;
  /** Of the client: where several offer the same in formats of their own, it is meant for one that speaks this one. */
  dialect: Wire;
  model: string | null;
  /** The provider that keeps what is named; null where nothing is. */
  keeper: string | null;
  /** As the client asks for it by name; null where it does not. */
  named: string | null;
  /** What conditions of routes go by. */
  facts: RequestFacts;
}

export interface Chosen extends OfRoute {
  provider: Provider;
  /** The name at the provider; null where none was asked for. */
  model: string | null;
}

function pickOfRoute({ route, deadlines, onUnknownPrice }: OfRoute): OfRoute {
  return {
    ...(route === undefined ? {} : { route }),
    ...(deadlines === undefined ? {} : { deadlines }),
    ...(onUnknownPrice === undefined ? {} : { onUnknownPrice }),
  };
}

/** Of several targets the first in the route's order that can be asked and is not left alone at present. Throws as `listTargets` does. */
export function chooseTarget(scene: Scene, wanted: Wanted, fleet: Pick<Fleet, "order">): Chosen {
  const { route, targets, strategy, policy } = listTargets(scene, wanted);
  const stickTo = strategy === "sticky" ? findHold(policy?.stickBy ?? "key", wanted.facts) : "";
  const [target] =
    // By the tokens of a chat alone could it be told what is cheapest.
    route === "" ? targets : fleet.order({ route, places: targets, strategy, stickTo, costOf: () => null });
  const { provider, model } = target;
  return { provider, model: wanted.model === null ? null : model, ...pickOfRoute(target) };
}

/**
 * Who may be asked: of a route all that can be, and else one, of which the route is "". Where no model was asked for, the family stands for it.
 * Throws not_found, not_configured or invalid_request.
 */
export function listTargets(scene: Scene, wanted: Wanted): Targets {
  const { family, model, keeper, facts } = wanted;
  const { way } = model === null ? { way: null } : scene.router.resolve(model, facts);
  if (keeper !== null) return findKept(scene, wanted, { keeper, way });
  const able = (way?.targets ?? [])
    .flatMap((target) => makeReady(scene, target))
    .filter(({ provider }) => offers(provider, family));
  const [usable, ...others] = able;
  if (usable !== undefined && way !== null) {
    const { name, reason, strategy, policy } = way;
    const found = { route: name ?? reason, targets: [usable, ...others] as const, strategy };
    return policy === undefined ? found : { ...found, policy: fitPolicy(scene, policy, family) };
  }
  const routed = way?.targets[0] ?? null;
  const first = wanted.named === null ? findFirst(scene, wanted) : findNamed(scene, wanted.named.toLowerCase());
  if (routed !== null) {
    const provider = scene.providers.get(routed.provider);
    if (provider !== undefined && offers(provider, family))
      return alone({ ...routed, provider: requireReady(provider) });
    throw unsupported(scene, { family, provider: routed.provider });
  }
  if (first === undefined)
    throw model === null ? unsupported(scene, { family, provider: null }) : unknownModel(scene, model);
  if (!offers(first, family)) throw unsupported(scene, { family, provider: first.name });
  return alone({ provider: requireReady(first), model: model ?? family, weight: 1 });
}

function alone(target: Target): Targets {
  return { route: "", targets: [target], strategy: "priority" };
}

/** Nobody else knows what is named. */
function findKept(
  scene: Scene,
  { family, model }: Wanted,
  { keeper, way }: { keeper: string; way: Way | null },
): Targets {
  const provider = requireReady(findKeeper(scene.providers, keeper) ?? findNamed(scene, readKeeper(keeper)));
  const own = way?.targets.find((target) => target.provider === provider.name);
  const keys = [provider.account ?? ""];
  return alone({ weight: 1, ...own, provider, model: own?.model ?? model ?? family, keys });
}

/** What stands in for others, or has a share, must offer the same. */
function fitPolicy(scene: Scene, policy: WayPolicy, family: RestFamily): WayPolicy {
  const isAble = ({ provider }: WayTarget): boolean => {
    const found = scene.providers.get(provider);
    return found !== undefined && offers(found, family);
  };
  const { canary, onContextLength, onRefusal } = policy;
  return {
    ...policy,
    canary: canary !== null && isAble(canary.target) ? canary : null,
    onContextLength: onContextLength.filter(isAble),
    onRefusal: onRefusal.filter(isAble),
  };
}

/** The provider of that name. Throws invalid_request where there is none. */
export function findNamed(scene: Scene, name: string): Provider {
  requireProvider(scene, name);
  const provider = scene.providers.get(name);
  if (provider !== undefined) return provider;
  throw invalidRequest(
    `There is no provider "${name.slice(0, 100)}" here: ${[...scene.providers.keys()].join(", ")}.`,
    "provider",
    "unknown_provider",
  );
}

/**
 * One that speaks the client's format comes first; then one that can be called before one that lacks a setting. Never one that answers by
 * itself: nobody takes its echo for a model's answer but who asked for it.
 */
function findFirst(scene: Scene, { family, dialect }: Wanted): Provider | undefined {
  const able = [...scene.providers.values()].filter(
    (provider) => offers(provider, family) && provider.rest?.answer === undefined,
  );
  const alike = able.filter((provider) => provider.speaks("").includes(dialect.id));
  const choice = alike.length > 0 ? alike : able;
  return choice.find((provider) => provider.missing === null) ?? choice[0];
}

export function requireReady(provider: Provider): Provider {
  if (provider.missing === null) return provider;
  throw new GatewayError({ kind: "not_configured", message: provider.missing });
}

export function offers(provider: Provider, family: RestFamily): boolean {
  return provider.rest?.offers.includes(family) === true;
}

function unsupported(
  scene: Scene,
  { family, provider }: { family: RestFamily; provider: string | null },
): GatewayError {
  const able = [...scene.providers.values()].filter((other) => offers(other, family)).map((other) => other.name);
  const names = able.join(", ");
  if (provider === null && able.length > 0) {
    return invalidRequest(
      `The request names no model, and what offers ${family} here answers only to its own: ${names}.`,
      "model",
      "missing_required_parameter",
    );
  }
  const who = provider === null ? "No provider here offers" : `Provider "${provider}" offers no`;
  const other = able.length === 0 ? "" : ` These do: ${names}.`;
  const chat = family === "completions" ? " Every model answers at /v1/chat/completions." : "";
  return invalidRequest(`${who} ${family}.${other}${chat}`, "model", "unsupported_operation");
}

/** The address of a path behind the version. */
export function addressOf(provider: Provider, path: string, search: string): string {
  const { baseUrl = "", version = "", query } = provider.rest ?? {};
  const address = `${baseUrl}${version}${path}${search}`;
  return query === undefined ? address : `${address}${search === "" ? "?" : "&"}${query}`;
}

/** What the provider calls a model, in what is only forwarded to it. */
export function nameAt({ rest }: Provider, model: string): string {
  return rest?.nameOf?.(model) ?? model;
}

/** Ids and names that a provider could take for a way up or elsewhere. Throws not_found. */
export function requirePlainPath(path: string): void {
  for (const segment of path.split("/").slice(1)) {
    if (isPlain(segment)) continue;
    throw new GatewayError({
      kind: "not_found",
      code: "unknown_url",
      message: "The address holds a name that nothing can have.",
    });
  }
}

function isPlain(segment: string): boolean {
  try {
    const name = decodeURIComponent(segment);
    return name !== "" && name !== "." && name !== ".." && !/[/\\?#%\p{Cc}]/u.test(name);
  } catch {
    return false;
  }
}

/** What of the client's query is for the provider: all but what is meant for us. */
export function forwardQuery(query: URLSearchParams): string {
  const kept = new URLSearchParams(query);
  kept.delete("key");
  kept.delete("provider");
  const text = kept.toString();
  return text === "" ? "" : `?${text}`;
}
