// By which keys of a provider an owner's objects were made: none of them knows what another one keeps. Knows no family.

import type { ObjectBinding } from "../../identity/index.ts";
import type { Provider } from "../../provider/index.ts";
import { findKeeper, nameKeeper, readKeeper } from "../way/pool.ts";

export interface Holder {
  provider: Provider;
  /** As bindings name it. */
  name: string;
  /** Ids of the owner's objects there. */
  own: ReadonlySet<string>;
}

/** In the order of its keys; where one is gone, by the one that is asked in its place. */
export function listHolders(
  providers: ReadonlyMap<string, Provider>,
  provider: Pick<Provider, "name">,
  bound: readonly ObjectBinding[],
): Holder[] {
  const holders = new Map<string, { provider: Provider; own: Set<string> }>();
  for (const { objectId, provider: keeper } of bound) {
    const found = readKeeper(keeper) === provider.name ? findKeeper(providers, keeper) : undefined;
    if (found === undefined) continue;
    const name = nameKeeper(found);
    const holder = holders.get(name) ?? { provider: found, own: new Set() };
    holder.own.add(objectId);
    holders.set(name, holder);
  }
  const pool = (providers.get(provider.name)?.pool ?? []).map((each) => nameKeeper(each.provider));
  return [...holders]
    .map(([name, holder]) => ({ name, ...holder }))
    .toSorted((left, right) => pool.indexOf(left.name) - pool.indexOf(right.name));
}

/** From `start` on, in the direction in which they are listed. */
export function beginAt(
  holders: readonly Holder[],
  { start, isBackward }: { start: string | null; isBackward: boolean },
): Holder[] {
  const ordered = isBackward ? holders.toReversed() : [...holders];
  return ordered.slice(
    Math.max(
      0,
      ordered.findIndex(({ name }) => name === start),
    ),
  );
}
