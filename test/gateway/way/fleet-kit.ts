// A fleet by itself, by a clock in the test's hand. Knows no gateway.

import { createControls } from "../../../src/gateway/way/control.ts";
import { type Fleet, createFleet } from "../../../src/gateway/way/fleet.ts";
import { HEALTH } from "../../rig-health.ts";

export function makeFleet(monotonicMs: () => number, random: () => number = () => 0.5): Fleet {
  return createFleet({
    clock: { monotonicMs },
    random,
    healthOf: () => HEALTH,
    controls: createControls(),
    note: () => undefined,
  });
}
