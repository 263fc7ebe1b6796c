// A provider by each of the keys that may be used, and who of them keeps what was made there. Knows no health.

import type { Provider } from "../../provider/index.ts";
import type { Target } from "../target.ts";
import type { Fleet, KeyChoice } from "./fleet.ts";

/** The label of the key that has no name of its own. */
const BARE = "default";

/** Null where the provider has one key at most. */
export function listKeys(target: Target): KeyChoice<Target> | null {
  const { pool, keyStrategy } = target.provider;
  if (pool === undefined) return null;
  const { keys } = target;
  const [first, ...others] = pool
    .filter(({ provider }) => keys === undefined || keys.includes(provider.account ?? ""))
    .map(({ provider, weight }) => ({ ...target, provider, weight }));
  if (first === undefined) return null;
  return { places: [first, ...others], ...(keyStrategy === undefined ? {} : { strategy: keyStrategy }) };
}

/**
 * The provider with the key that it is asked with, where there is one try alone. `isSteady`: the first that may be used, as what is made with
 * one may not be found with another. Throws `overloaded` where an operator took all of it out of service.
 */
export function chooseKey(
  fleet: Pick<Fleet, "order">,
  { provider, model }: { provider: Provider; model: string },
  { isSteady, stickTo }: { isSteady: boolean; stickTo: string },
): Provider {
  // One that keeps what is asked for is asked, and no other.
  const target: Target = { provider, model, weight: 1 };
  const keysOf = (each: Target): KeyChoice<Target> | null => {
    const keys = listKeys(each);
    return keys === null || !isSteady ? keys : { ...keys, strategy: "priority" };
  };
  const [first] = fleet.order({
    route: `${provider.name}/`,
    places: [target],
    strategy: "priority",
    stickTo,
    costOf: () => null,
    keysOf,
  });
  return first.provider;
}

/** What it is called where it is remembered who keeps something: objects are a key's own. */
export function nameKeeper({ name, account }: Pick<Provider, "account" | "name">): string {
  return account === undefined || account === BARE ? name : `${name}#${account}`;
}

/** The provider's own name in that. */
export function readKeeper(keeper: string): string {
  return keeper.split("#", 1)[0] ?? keeper;
}

/** The provider with the key by which the keeper was asked; by its first where that key is gone. Undefined where it is not there at all. */
export function findKeeper(providers: ReadonlyMap<string, Provider>, keeper: string): Provider | undefined {
  const [name = "", label = BARE] = keeper.split("#");
  const provider = providers.get(name);
  const account = provider?.pool?.find((each) => each.provider.account === label);
  return account?.provider ?? provider;
}
