// What calls came to beyond what was reserved for them, by provider and model: learned as they are settled, so that those after them have it reserved
// beforehand. Kept in memory alone; knows no budget and no account.

import { type Amount, type BudgetUnit, type CallFacts, measure } from "./model.ts";

type Place = Pick<CallFacts, "modelSent" | "provider">;

export interface Lessons {
  /** What is to be reserved for a call that by itself may be expected to cost `bound`. */
  raise(place: Place, bound: Amount): Amount;
  /** A call for which `bound` was to be expected came to `amount`. */
  learn(place: Place, bound: Amount, amount: Amount): void;
}

/** The most by which a call exceeded what was to be expected. */
interface Excess {
  by: number;
  times: number;
}

/** The names of models come from outside. Of those that exceeded nothing, nothing is kept. */
const MOST_PLACES = 1_000;
/** Of what was seen, with each call that needs less: after about a dozen of them, half. */
const KEPT_A_CALL = 0.95;

export function createLessons(): Lessons {
  const tokens = createUnit("tokens");
  const usd = createUnit("usd");
  return {
    raise: (place, bound) => ({ costNanos: usd.raise(place, bound), tokens: tokens.raise(place, bound) }),
    learn(place, bound, amount) {
      usd.learn(place, bound, amount);
      tokens.learn(place, bound, amount);
    },
  };
}

function createUnit(unit: BudgetUnit) {
  const places = new Map<string, Excess>();
  return {
    /** What was seen is covered as it was; others are raised in proportion, and by no more than any one needed. */
    raise(place: Place, amount: Amount): number | null {
      const bound = measure(unit, amount);
      if (bound === null || places.size === 0) return bound;
      const { by, times } = places.get(nameOf(place)) ?? NOTHING;
      return Math.ceil(Math.min(bound + by, bound * times));
    },
    learn(place: Place, expected: Amount, amount: Amount): void {
      const bound = measure(unit, expected) ?? 0;
      const cost = measure(unit, amount);
      // What was to cost nothing is not reserved for.
      if (bound === 0 || cost === null || (cost <= bound && places.size === 0)) return;
      const name = nameOf(place);
      const seen = places.get(name) ?? NOTHING;
      const by = Math.max(seen.by * KEPT_A_CALL, cost - bound);
      const times = Math.max(1 + (seen.times - 1) * KEPT_A_CALL, cost / bound);
      // Those that were needed last stay longest.
      places.delete(name);
      if (by < 1) return;
      places.set(name, { by, times });
      const [first] = places.keys();
      if (places.size > MOST_PLACES && first !== undefined) places.delete(first);
    },
  };
}

const NOTHING: Excess = Object.freeze({ by: 0, times: 1 });

function nameOf({ provider, modelSent }: Place): string {
  return `${provider}\u0000${modelSent}`;
}
