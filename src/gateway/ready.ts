// Who of those that a route names can be asked at present. Knows no request and no format.

import type { Provider } from "../provider/index.ts";
import type { PlanScene, Target, Targets } from "./target.ts";
import type { Way, WayTarget } from "./route.ts";

/** Providers put the model's name into an address, where this would lead to something else than a model. */
export const LEADS_UP = /(?:^|\/)\.{1,2}(?:\/|$)/u;

/** The router gives the same way again and again, as long as nothing changes. */
const readied = new WeakMap<PlanScene["providers"], WeakMap<Way, Targets>>();

/** Null where nobody can. */
export function readyTargets(scene: PlanScene, way: Way): Targets | null {
  // What a key is limited to makes a way of its own each time.
  if (scene.limits !== undefined) return findReady(scene, way);
  const known = readied.get(scene.providers) ?? new WeakMap<Way, Targets>();
  const before = known.get(way);
  if (before !== undefined) return before;
  const found = findReady(scene, way);
  if (found !== null) {
    known.set(way, found);
    readied.set(scene.providers, known);
  }
  return found;
}

function findReady(scene: PlanScene, way: Way): Targets | null {
  const [first, ...others] = way.targets.flatMap((target) => makeReady(scene, target));
  if (first === undefined) return null;
  const { name, reason, strategy, policy } = way;
  const found = { route: name ?? reason, targets: [first, ...others] as const, strategy };
  return policy === undefined ? found : { ...found, policy };
}

/** Nothing where it cannot be asked at present. */
export function makeReady(scene: Pick<PlanScene, "providers">, { provider: name, ...target }: WayTarget): Target[] {
  const provider = scene.providers.get(name);
  if (provider === undefined || findLack(provider, target.keys) !== null || LEADS_UP.test(target.model)) return [];
  return [{ ...target, provider }];
}

/** Why it cannot be asked at present, null where it can. Where keys are named none of which is there, no other stands in for them. */
export function findLack({ name, missing, pool, account }: Provider, keys: Target["keys"]): string | null {
  if (missing !== null || keys === undefined) return missing;
  const known = pool === undefined ? [account] : pool.map((each) => each.provider.account);
  if (known.some((label = "") => keys.includes(label))) return null;
  return `Provider "${name}" has no key that is called ${keys.join(" or ")}, and no other may be used here.`;
}
