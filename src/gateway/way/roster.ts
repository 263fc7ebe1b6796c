// All places that are known, each found by its name: made where it is asked for the first time, forgotten where there are too many, and kept by the
// rules that hold now. Knows no choice.

import type { Clock } from "../../lib/clock.ts";
import type { HealthSettings } from "../../provider/index.ts";
import { createMakeRoom } from "./forget.ts";
import { type Park, createPark } from "./park.ts";
import { type Known, type PlaceName, createKnown } from "./place.ts";
import { type PlaceRules, makeRules } from "./rules.ts";

interface Roster {
  rulesOf(provider: string): PlaceRules;
  find(name: PlaceName): Known;
  /** Of the key with all models. */
  findKey(name: PlaceName): Park;
  places(): Known[];
  /** All keys that were ever used, or looked at. */
  keys(): { name: PlaceName; park: Park }[];
}

interface RosterInit {
  clock: Pick<Clock, "monotonicMs">;
  /** The same object from call to call, until it is another. */
  healthOf: (provider: string) => HealthSettings;
}

export function createRoster({ clock, healthOf }: RosterInit): Roster {
  const known = new Map<string, Known>();
  const keyParks = new Map<string, { name: PlaceName; park: Park }>();
  const rules = new Map<string, { said: HealthSettings; rules: PlaceRules }>();
  const makeRoom = createMakeRoom(clock.monotonicMs());

  const rulesOf = (provider: string): PlaceRules => {
    const said = healthOf(provider);
    const found = rules.get(provider);
    if (found?.said === said) return found.rules;
    const made = makeRules(said);
    rules.set(provider, { said, rules: made });
    return made;
  };

  const findKey = (name: PlaceName): Park => {
    const key = nameKey(name);
    const found = keyParks.get(key);
    if (found !== undefined) return found.park;
    const park = createPark(rulesOf(name.provider).park);
    keyParks.set(key, { name: { ...name, model: null }, park });
    return park;
  };

  const find = (name: PlaceName): Known => {
    const key = `${nameKey(name)}/${name.model}`;
    const { breaker, park } = rulesOf(name.provider);
    const found = known.get(key);
    if (found !== undefined) {
      found.breaker.adopt(breaker);
      found.park.adopt(park);
      found.keyPark.adopt(park);
      return found;
    }
    makeRoom(known, clock.monotonicMs());
    const made = createKnown(name, rulesOf(name.provider), findKey(name));
    known.set(key, made);
    return made;
  };

  return { rulesOf, find, findKey, places: () => [...known.values()], keys: () => [...keyParks.values()] };
}

export function nameKey({ provider, account }: Omit<PlaceName, "model">): string {
  return account === null ? provider : `${provider}#${account}`;
}
