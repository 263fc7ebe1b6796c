// The rows of the table of settings that are about answers which are given again. Knows no file and no layer.

import type { Key } from "./key.ts";
import * as syntax from "./syntax.ts";

/** Who takes it for a mere switch. */
const SWITCHES = {
  "0": "off",
  "1": "memory",
  false: "off",
  no: "off",
  on: "memory",
  true: "memory",
  yes: "memory",
} as const;

export const CACHE_KEYS = {
  cache: {
    about:
      "Where answers are kept to be given again to the same request: off, memory (of this process), sqlite (a file of its own) or redis (shared by gateways)",
    group: "cache",
    type: syntax.defineChoice(["off", "memory", "sqlite", "redis"], {}, SWITCHES),
    fallback: "off",
    restart: true,
  },
  cache_max_bytes: {
    about:
      "Most bytes of kept answers in memory or in the file; the longest unused go first. Redis has limits of its own",
    group: "cache",
    type: syntax.size,
    fallback: "256MiB",
    restart: true,
  },
  cache_max_entry: {
    about: "Longest answer that is kept",
    group: "cache",
    type: syntax.size,
    fallback: "1MiB",
  },
  cache_path: {
    about: "The file of cache = sqlite; it may be deleted at any time",
    group: "cache",
    type: syntax.plain,
    fallback: "~/.tokligence/cache.db",
    path: "file",
    restart: true,
  },
  cache_scope: {
    about: "Whose answers a caller may be given: those of the same key, of the same user, or of everyone (global)",
    group: "cache",
    type: syntax.defineChoice(["key", "user", "global"]),
    fallback: "key",
  },
  cache_ttl: {
    about: "How long an answer is given again; 0: only where a [route.NAME] says cache=10m or the like",
    group: "cache",
    type: syntax.defineDuration(),
    fallback: "1h",
  },
  idempotency: {
    about: "Whether calls of one API key with the same Idempotency-Key and body are made once: on or off",
    group: "cache",
    type: syntax.boolean,
    fallback: "on",
  },
  idempotency_max_bytes: {
    about: "Most bytes of finished answers that are kept for that, in memory; the longest unused go first",
    group: "cache",
    type: syntax.size,
    fallback: "64MiB",
    restart: true,
  },
  idempotency_window: {
    about: "How long a finished answer is given again for its Idempotency-Key; 0: only to those who wait for it",
    group: "cache",
    type: syntax.defineDuration(),
    fallback: "24h",
  },
  redis_url: {
    about: "Redis for what gateways share: redis://user:password@host:6379/0, or rediss:// over TLS",
    group: "cache",
    type: syntax.redis,
    usual: ["REDIS_URL"],
    secret: true,
    restart: true,
  },
} as const satisfies Record<string, Key>;
