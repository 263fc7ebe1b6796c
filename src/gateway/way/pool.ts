// A target by each of the keys that may be used for it. Knows no health.

import type { Target } from "../plan.ts";
import type { KeyChoice } from "./fleet.ts";

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
