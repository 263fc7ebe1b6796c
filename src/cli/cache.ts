// Opens the place that the configuration names for answers which are given again. It may be lost at any time: whatever is wrong with it, the
// gateway serves without.

import type { Config } from "../config/index.ts";
import { type AnswerShelf, createMemoryShelf } from "../gateway/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../telemetry/log.ts";

interface Parts {
  clock: Clock;
  log: Pick<Log, "info" | "warn">;
}

/** Null where nothing is kept. */
export async function openShelf(
  { cache, redisUrl }: Pick<Config, "cache" | "redisUrl">,
  { clock, log }: Parts,
): Promise<AnswerShelf | null> {
  switch (cache.store) {
    case "memory":
      return createMemoryShelf({ maxBytes: cache.maxBytes, nowMs: clock.wallMs });
    case "off":
      return null;
    case "redis": {
      const { openRedisShelf } = await import("../store/redis/shelf.ts");
      return openRedisShelf({
        url: redisUrl ?? "",
        clock,
        onFault: (error) => log.warn("The cache in Redis cannot be used; requests are answered without it", { error }),
        onRecovery: () => log.info("The cache in Redis can be used again"),
      });
    }
    case "sqlite": {
      const { openSqliteShelf } = await import("../store/sqlite/shelf.ts");
      const onFault = (error: unknown): void =>
        log.warn("The cache's file cannot be used; requests are answered without it", { error, file: cache.path });
      try {
        return openSqliteShelf({ path: cache.path, maxBytes: cache.maxBytes, clock, onFault });
      } catch (error) {
        onFault(error);
        return null;
      }
    }
    default:
      return cache.store satisfies never;
  }
}
