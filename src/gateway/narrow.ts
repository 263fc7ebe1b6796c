// A scene as one key may see it: without the models and the providers that it is not allowed. All that is asked in its name is asked of this one, so
// that no way leads around it. Knows no format.

import type { KeyLimits } from "../identity/index.ts";
import { GatewayError } from "../ir/index.ts";
import type { Scene } from "./call.ts";
import type { Router, Way, WayPolicy, WayTarget } from "./route.ts";

type Limits = Pick<KeyLimits, "models" | "providers">;

/** Each is made once: a key asks often, and a scene lives long. */
const narrowed = new WeakMap<Scene, WeakMap<KeyLimits, Scene>>();

/** The scene itself where nothing is limited. */
export function narrowScene(scene: Scene, limits: KeyLimits | null): Scene {
  if (limits === null || (limits.models === null && limits.providers === null)) return scene;
  const known = narrowed.get(scene) ?? new WeakMap<KeyLimits, Scene>();
  narrowed.set(scene, known);
  const found = known.get(limits) ?? narrow(scene, limits);
  known.set(limits, found);
  return found;
}

function narrow(scene: Scene, limits: KeyLimits): Scene {
  const isKnown = (provider: string): boolean => scene.providers.has(provider);
  const isShown = (target: Place): boolean =>
    allowsProvider(limits, target.provider) && allowsModel(limits, [], target);
  return {
    ...scene,
    limits,
    providers: new Map([...scene.providers].filter(([name]) => allowsProvider(limits, name))),
    router: narrowRouter(scene.router, limits, isKnown),
    catalog: {
      ...scene.catalog,
      list: () => scene.catalog.list().filter(({ provider, model }) => isShown({ provider, model: model.id })),
      unread: () => scene.catalog.unread().filter((name) => allowsProvider(limits, name)),
    },
  };
}

function narrowRouter(router: Router, limits: Limits, isKnown: (provider: string) => boolean): Router {
  const narrowWay = (asked: string, way: Way | null): { way: Way | null; barred: Barred[] } => {
    const names = listNames(asked, isKnown);
    if (way === null) {
      if (allowsModel(limits, names)) return { way, barred: [] };
      throw refuseModel(asked);
    }
    return limitWay(way, { asked, names, limits });
  };
  return {
    ...router,
    resolve: (model, facts) => ({ way: narrowWay(model, router.resolve(model, facts).way).way }),
    explain(model, facts) {
      const decision = router.explain(model, facts);
      const { way, barred } = narrowWay(model, decision.way);
      const steps = barred.map(({ target, why }) => ({
        rule: `${target.provider}/${target.model}`,
        origin: "API key",
        outcome: `passed over: ${why}`,
      }));
      return { ...decision, way, barred, steps: [...decision.steps, ...steps] };
    },
    named: () =>
      router.named().flatMap(({ model }) => {
        try {
          const provider = narrowWay(model, router.resolve(model).way).way?.targets[0].provider;
          return provider === undefined ? [] : [{ model, provider }];
        } catch {
          return [];
        }
      }),
  };
}

/** Who may not be asked, and why. */
interface Barred {
  target: WayTarget;
  why: string;
}

/** Throws forbidden where nobody is left. */
function limitWay(
  way: Way,
  { asked, names, limits }: { asked: string; names: readonly string[]; limits: Limits },
): { way: Way; barred: Barred[] } {
  const barred: Barred[] = [];
  const isOpen = (target: WayTarget): boolean => {
    const isModel = allowsModel(limits, names, target);
    if (isModel && allowsProvider(limits, target.provider)) return true;
    barred.push({ target, why: `the API key may not use this ${isModel ? "provider" : "model"}` });
    return false;
  };
  const [first, ...others] = way.targets.filter(isOpen);
  if (first === undefined) {
    const isModel = way.targets.some((target) => allowsModel(limits, names, target));
    throw isModel ? refuseProvider(way.targets.map(({ provider }) => provider)) : refuseModel(asked);
  }
  const { policy, ...rest } = way;
  const kept = { ...rest, targets: [first, ...others] as const };
  return { way: policy === undefined ? kept : { ...kept, policy: limitPolicy(policy, isOpen) }, barred };
}

function limitPolicy(policy: WayPolicy, isOpen: (target: WayTarget) => boolean): WayPolicy {
  const { canary, shadow, onContextLength, onRefusal } = policy;
  return {
    ...policy,
    canary: canary !== null && isOpen(canary.target) ? canary : null,
    shadow: shadow.filter(({ target }) => isOpen(target)),
    onContextLength: onContextLength.filter(isOpen),
    onRefusal: onRefusal.filter(isOpen),
  };
}

/** As it was asked for, and without the provider that is named before it. */
function listNames(asked: string, isKnown: (provider: string) => boolean): string[] {
  const slash = asked.indexOf("/");
  const isNamed = slash > 0 && isKnown(asked.slice(0, slash).toLowerCase());
  return isNamed ? [asked, asked.slice(slash + 1)] : [asked];
}

type Place = Pick<WayTarget, "model" | "provider">;

/** A model is allowed under the name that it is asked for, or under that which its provider gives it; not allowed, under none of them. */
function allowsModel({ models }: Limits, names: readonly string[], target?: Place): boolean {
  if (models === null) return true;
  const all = target === undefined ? names : [...names, target.model, `${target.provider}/${target.model}`];
  // Some providers cut off what is blank around a name.
  return all.some(models.isWanted) && ![...all, ...all.map((name) => name.trim())].some(models.isUnwanted);
}

function allowsProvider({ providers }: Limits, name: string): boolean {
  return providers === null || (providers.isWanted(name) && !providers.isUnwanted(name));
}

/** Throws forbidden where what is sent as it is names another model. */
export function requireModels(limits: KeyLimits | null | undefined, names: readonly string[]): void {
  if (limits === null || limits === undefined) return;
  const wrong = names.find((name) => !allowsModel(limits, [name]));
  if (wrong !== undefined) throw refuseModel(wrong);
}

/** Throws forbidden for a provider that the key may not use; whether there is such a one is another question. */
export function requireProvider({ limits }: Pick<Scene, "limits">, name: string): void {
  if (limits !== undefined && !allowsProvider(limits, name)) throw refuseProvider([name]);
}

function refuseModel(model: string): GatewayError {
  return new GatewayError({
    kind: "forbidden",
    code: "model_not_allowed",
    param: "model",
    message: `This API key may not use the model "${model.slice(0, 200)}". GET /v1/models lists those that it may use.`,
  });
}

/** What is asked does not say which model it is for, and somebody else would choose. */
export function refuseNameless(): GatewayError {
  return new GatewayError({
    kind: "forbidden",
    code: "model_not_allowed",
    param: "model",
    message:
      "This API key may use some models only, so a request must say in a field that can be read which one it is for.",
  });
}

function refuseProvider(names: readonly string[]): GatewayError {
  return new GatewayError({
    kind: "forbidden",
    code: "provider_not_allowed",
    message: `This API key may not use the provider ${[...new Set(names)].map((name) => `"${name.slice(0, 100)}"`).join(", ")}.`,
  });
}
