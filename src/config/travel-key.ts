// The rows of the table of settings that are about trying again and elsewhere. Knows no file and no layer.

import type { Key } from "./key.ts";
import * as syntax from "./syntax.ts";

export const TRAVEL_KEYS = {
  hedge_after: {
    about:
      "How long a target of a route with hedge=yes may be silent until a second one is asked beside it, as long as little is known of how long it takes",
    group: "upstream",
    type: syntax.defineDuration(),
    fallback: "10s",
  },
  keep_alive: {
    about:
      "How often a client whose stream has not begun is sent a comment, so that nothing takes the silence for the end; 0: never",
    group: "upstream",
    type: syntax.defineDuration(),
    fallback: "15s",
  },
  max_attempts: {
    about: "Calls to providers for one request at most, all targets together; 1: nothing is tried again",
    group: "upstream",
    type: syntax.defineInteger(1, 20),
    fallback: "3",
  },
  retry_backoff: {
    about:
      "Upper bound of the first wait before a provider is tried again; doubled each time, and drawn at random below it",
    group: "upstream",
    type: syntax.defineDuration(),
    fallback: "250ms",
  },
  retry_backoff_max: {
    about: "What that bound grows to; a provider that asks for more is given more",
    group: "upstream",
    type: syntax.defineDuration(),
    fallback: "8s",
  },
  retry_window: {
    about: "No new try begins so long after a request came",
    group: "upstream",
    type: syntax.defineDuration(),
    fallback: "2m",
  },
} as const satisfies Record<string, Key>;
