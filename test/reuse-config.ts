// What a rig's configuration says of answers that are given again, and of what gateways share: nothing is kept or limited unless a test says so.

import { join } from "node:path";
import type { Config } from "../src/config/value.ts";

export { openShelf } from "../src/cli/cache.ts";

export function makeReuseConfig(folder: string): Pick<Config, "cache" | "idempotency" | "limits" | "redisUrl"> {
  const path = join(folder, "cache.db");
  return {
    cache: { store: "off", ttlMs: 3_600_000, scope: "key", maxBytes: 2 ** 24, maxEntryBytes: 2 ** 16, path },
    idempotency: { isOn: true, windowMs: 86_400_000, maxBytes: 2 ** 24 },
    limits: [],
    redisUrl: null,
  };
}
