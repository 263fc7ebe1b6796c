// What was said about answers that are given again, and about what gateways share. Knows no file.

import { listDsnPasswords } from "./dsn.ts";
import type { Values } from "./key.ts";
import { describeBadValue } from "./problem.ts";
import { type Reading, keepSecret } from "./read.ts";
import type { Config } from "./value.ts";

/** What is in it may be deleted at any time, and users and books must not. */
function refuseSharedFile(reading: Reading, values: Values): void {
  const names = ["identity_path", "ledger_path", "ledger_outbox"] as const;
  const shared = names.find((name) => values[name] === values.cache_path);
  const origin = reading.gathered.settings.get("cache_path")?.origin;
  if (values.cache !== "sqlite" || shared === undefined || origin === undefined) return;
  reading.gathered.problems.push(describeBadValue(origin, "cache_path", `${shared} names the same file`));
}

export function readCache(reading: Reading, values: Values): Pick<Config, "cache" | "idempotency" | "redisUrl"> {
  const origin = reading.gathered.settings.get("cache")?.origin;
  if (values.cache === "redis" && values.redis_url === null && origin !== undefined)
    reading.gathered.problems.push(describeBadValue(origin, "cache", "redis needs redis_url to say where it is"));
  refuseSharedFile(reading, values);
  // Redis' URLs hold passwords in the same place.
  for (const password of listDsnPasswords(values.redis_url ?? "")) keepSecret(reading, password);
  return {
    cache: {
      store: values.cache,
      ttlMs: values.cache_ttl,
      scope: values.cache_scope,
      maxBytes: values.cache_max_bytes,
      maxEntryBytes: values.cache_max_entry,
      path: values.cache_path,
    },
    idempotency: {
      isOn: values.idempotency,
      windowMs: values.idempotency_window,
      maxBytes: values.idempotency_max_bytes,
    },
    redisUrl: values.redis_url,
  };
}
