// Where answers are kept that are given again, under which rules, and how many there are. Knows no HTTP.

import type { Config } from "../config/value.ts";
import type { JsonObject } from "../ir/index.ts";

/** `size`: null where there is no telling. */
export function printShelf(
  { cache, idempotency }: Pick<Config, "cache" | "idempotency">,
  size: { entries: number | null; bytes: number | null } | null,
): JsonObject {
  return {
    store: cache.store,
    ...(cache.store === "sqlite" ? { file: cache.path } : {}),
    scope: cache.scope,
    ttl_seconds: cache.ttlMs / 1000,
    entries: size?.entries ?? null,
    bytes: size?.bytes ?? null,
    // Redis has limits of its own.
    max_bytes: cache.store === "redis" ? null : cache.maxBytes,
    max_entry_bytes: cache.maxEntryBytes,
    idempotency: idempotency.isOn ? "on" : "off",
    idempotency_window_seconds: idempotency.windowMs / 1000,
  };
}
