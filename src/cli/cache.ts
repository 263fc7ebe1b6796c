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
export async function openShelf({ cache }: Pick<Config, "cache">, { clock }: Parts): Promise<AnswerShelf | null> {
  switch (cache.store) {
    case "memory":
      return createMemoryShelf({ maxBytes: cache.maxBytes, nowMs: clock.wallMs });
    case "off":
    case "redis":
    case "sqlite":
      return null;
    default:
      return cache.store satisfies never;
  }
}
