// Where gateways tell each other how the providers are doing: a Redis, where the configuration names one. It may be away at any time.

import type { Config } from "../config/index.ts";
import { type OpenSharing, readNews } from "../gateway/index.ts";
import { systemClock } from "../lib/clock.ts";
import { shareByRedis } from "../store/redis/sharing.ts";
import type { Log } from "../telemetry/log.ts";

export function openSharing({ redisUrl: url }: Config, log: Pick<Log, "info" | "warn">): { share?: OpenSharing } {
  if (url === null) return {};
  return {
    share: shareByRedis({
      url,
      clock: systemClock,
      read: readNews,
      onFault: (error) => log.warn("Redis cannot be reached: this gateway goes by what it finds out itself", { error }),
      onRecovery: () => log.info("Redis is there again: gateways tell each other how the providers are doing"),
    }),
  };
}
