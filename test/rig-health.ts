// When what fails is left alone, unless a test says otherwise. Knows no gateway.

import type { Config } from "../src/config/value.ts";

/** As it is where nobody says otherwise. */
export const HEALTH: Config["health"] = {
  whenAlone: "try",
  failures: 5,
  errorPercent: 50,
  minCalls: 20,
  windowMs: 30_000,
  openMs: 15_000,
  openMaxMs: 120_000,
  slowMs: 2 ** 31 - 1,
  slowPercent: 80,
  trials: 2,
  parkRevokedMs: 1_800_000,
  parkQuotaMs: 60_000,
  parkMaxMs: 21_600_000,
  probe: "off",
  probeIntervalMs: 60_000,
  probeCallsPerDay: 100,
};
