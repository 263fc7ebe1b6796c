// What the operator said about health, as the rules of those who keep it. Pure.

import type { HealthSettings } from "../../provider/index.ts";
import type { BreakerRules } from "./breaker.ts";
import type { ParkRules } from "./park.ts";

export interface PlaceRules {
  breaker: BreakerRules;
  park: ParkRules;
  whenAlone: HealthSettings["whenAlone"];
}

export function makeRules(said: HealthSettings): PlaceRules {
  return {
    breaker: {
      windowMs: said.windowMs,
      consecutive: said.failures === 0 ? Number.POSITIVE_INFINITY : said.failures,
      failureShare: said.errorPercent === 0 ? NEVER : said.errorPercent / 100,
      slowShare: said.slowPercent / 100,
      slowMs: said.slowMs,
      minimumCalls: said.minCalls,
      openMs: said.openMs,
      longestMs: Math.max(said.openMs, said.openMaxMs),
      trials: said.trials,
    },
    park: {
      revokedMs: said.parkRevokedMs,
      quotaMs: said.parkQuotaMs,
      longestMs: Math.max(said.parkRevokedMs, said.parkQuotaMs, said.parkMaxMs),
    },
    whenAlone: said.whenAlone,
  };
}

/** More than all of the calls. */
const NEVER = 2;
