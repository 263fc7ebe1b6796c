// All that a gateway needs of rate limits, as one value: which there are, where they are counted, and how often each has refused.

import type { Counters } from "./counters.ts";
import { type LimitFinder, createFinder } from "./find.ts";
import type { Limit, LimitUnit } from "./model.ts";

export interface RateLimits {
  /** Those that are in force now; a call goes by the same ones from its beginning to its end. */
  finder(): LimitFinder;
  counters: Counters;
  /** Puts others in force, as a whole. */
  replace(limits: readonly Limit[]): void;
  /** One of them refused a call. */
  refused(limit: string, unit: LimitUnit): void;
  /** Since the start, by limit and unit. */
  refusals(): readonly { limit: string; unit: LimitUnit; count: number }[];
}

export function createRateLimits(counters: Counters): RateLimits {
  let finder = createFinder([]);
  const refusals = new Map<string, { limit: string; unit: LimitUnit; count: number }>();
  return {
    finder: () => finder,
    counters,
    replace(limits) {
      finder = createFinder(limits);
      const names = new Set(limits.map(({ name }) => name));
      counters.keep(names);
      // What is lifted is shown no more.
      for (const [id, { limit }] of refusals) if (!names.has(limit)) refusals.delete(id);
    },
    refused(limit, unit) {
      const id = `${unit} ${limit}`;
      const known = refusals.get(id);
      if (known === undefined) refusals.set(id, { limit, unit, count: 1 });
      else known.count++;
    },
    refusals: () => [...refusals.values()],
  };
}
