// The rows of the table of settings that say how long a provider may take; each of them can be said of one provider, too. Knows no file and no layer.

import type { Key } from "./key.ts";
import * as syntax from "./syntax.ts";

const ZERO_IS_ENDLESS = { zeroMs: syntax.LONGEST_MS };

export const DEADLINE_KEYS = {
  upstream_connect_timeout: {
    about: "How long to wait until a provider's server takes a connection; 0: without end",
    group: "upstream",
    type: syntax.defineDuration(ZERO_IS_ENDLESS),
    fallback: "10s",
  },
  upstream_first_output_timeout: {
    about:
      "How long to wait, from the call on, until a stream says something of its answer, whatever signs of life it gives before; of sound, and of " +
      "streams that were not asked for in JSON, from the answer's headers on; not within a WebSocket; 0: without end",
    group: "upstream",
    type: syntax.defineDuration(ZERO_IS_ENDLESS),
    fallback: "15m",
  },
  upstream_header_timeout: {
    about: "How long to wait for a provider's answer to begin; 0: without end",
    group: "upstream",
    type: syntax.defineDuration(ZERO_IS_ENDLESS),
    fallback: "10m",
  },
  upstream_idle_timeout: {
    about: "How long a provider may pause within an answer; 0: without end",
    group: "upstream",
    type: syntax.defineDuration(ZERO_IS_ENDLESS),
    fallback: "5m",
  },
  upstream_total_timeout: {
    about: "How long one call to a provider may take, to the end of its answer; 0: without end",
    group: "upstream",
    type: syntax.defineDuration(ZERO_IS_ENDLESS),
    fallback: "1h",
  },
} as const satisfies Record<string, Key>;
