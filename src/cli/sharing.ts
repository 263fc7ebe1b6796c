// What gateways share, in a Redis, where the configuration names one: how the providers are doing, how far rate limits are used up, and who tries to get in.
// It may be away at any time.

import type { Config } from "../config/index.ts";
import { type Counters, type OpenSharing, createMemoryCounters, readNews } from "../gateway/index.ts";
import { type Tries, createMemoryTries } from "../identity/index.ts";
import { systemClock } from "../lib/clock.ts";
import { createRedisCounters } from "../store/redis/limit.ts";
import { shareByRedis } from "../store/redis/sharing.ts";
import { createRedisTries } from "../store/redis/tries.ts";
import type { Log } from "../telemetry/log.ts";

export function openSharing(
  { redisUrl: url }: Config,
  log: Pick<Log, "info" | "warn">,
): { share?: OpenSharing; counters?: Counters; tries?: Tries } {
  if (url === null) return {};
  return {
    share: shareByRedis({
      url,
      clock: systemClock,
      read: readNews,
      onFault: (error) => log.warn("Redis cannot be reached: this gateway goes by what it finds out itself", { error }),
      onRecovery: () => log.info("Redis is there again: gateways tell each other how the providers are doing"),
    }),
    counters: createRedisCounters({
      url,
      clock: systemClock,
      memory: createMemoryCounters(),
      onFault: (error) =>
        log.warn("Redis is away or too slow: this gateway counts rate limits by itself meanwhile", { error }),
      onRecovery: () => log.info("Redis is there again: gateways share rate limits"),
    }),
    tries: createRedisTries({
      url,
      clock: systemClock,
      memory: createMemoryTries(),
      onFault: (error) =>
        log.warn("Redis cannot be reached: this gateway counts bad keys and sign-ins by itself meanwhile", { error }),
      onRecovery: () => log.info("Redis is there again: gateways count bad keys and sign-ins together"),
    }),
  };
}
