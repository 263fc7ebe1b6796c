// How often, how long and how much at once: the settings of a request's way to its provider, as the rest of the program sees them. Knows no file.

import type { Values } from "./key.ts";
import type { Config } from "./value.ts";

export function readTravel(values: Values): Config["travel"] {
  return {
    maxAttempts: values.max_attempts,
    backoff: { baseMs: values.retry_backoff, capMs: values.retry_backoff_max },
    totalMs: values.retry_window,
    hedgeAfterMs: values.hedge_after,
  };
}

export function readTimeouts(values: Values): Config["timeouts"] {
  return {
    keepAliveMs: values.keep_alive,
    upstream: {
      connect: values.upstream_connect_timeout,
      firstOutput: values.upstream_first_output_timeout,
      header: values.upstream_header_timeout,
      idle: values.upstream_idle_timeout,
      total: values.upstream_total_timeout,
    },
    shutdownMs: values.shutdown_timeout,
  };
}

export function readCaps(values: Values): Config["caps"] {
  return {
    total: values.max_concurrent,
    perKey: values.max_concurrent_per_key,
    perUser: values.max_concurrent_per_user,
    perProvider: values.max_concurrent_per_provider,
    queueLength: values.queue_length,
    queueMs: values.queue_timeout,
    responseBytes: values.max_response_bytes,
  };
}
