// How many processes serve the address. Knows none of them.

import { availableParallelism } from "node:os";
import type { Config } from "../../config/index.ts";
import type { Log } from "../../telemetry/log.ts";

/** One where the system does not share a port between processes. */
export function countWorkers({ workers }: Pick<Config, "workers">, log: Pick<Log, "warn">): number {
  if (workers === 1) return 1;
  if (process.platform !== "linux") {
    log.warn("workers is for Linux: one process serves", { workers });
    return 1;
  }
  return workers === "auto" ? Math.min(MOST, availableParallelism()) : workers;
}

const MOST = 48;
