// A fleet by itself, by a clock in the test's hand. Knows no gateway.

import { type Fleet, createFleet } from "../../../src/gateway/way/fleet.ts";
import { HEALTH } from "../../rig-health.ts";

export function makeFleet(monotonicMs: () => number, random: () => number = () => 0.5): Fleet {
  return createFleet({
    clock: { monotonicMs },
    random,
    healthOf: () => HEALTH,
    controls: { isEmpty: () => true, find: () => null },
    note: () => undefined,
  });
}
