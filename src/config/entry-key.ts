// The rows of the table of settings that are about the door: who is believed, and how often somebody may fail. Knows no file and no layer.

import type { Key } from "./key.ts";
import * as syntax from "./syntax.ts";

export const ENTRY_KEYS = {
  bad_key_limit: {
    about:
      "API keys that open nothing, a minute from one address, until it is told to wait; keys that are good pass; 0: no limit",
    group: "identity",
    type: syntax.defineInteger(0, 1_000_000),
    fallback: "30",
  },
  trusted_proxies: {
    about:
      "Addresses of proxies that are believed when they say from where a request comes (X-Forwarded-For, Forwarded); nobody else is",
    group: "http",
    type: syntax.ranges,
    example: "10.0.0.0/8, 127.0.0.1",
  },
} as const satisfies Record<string, Key>;
