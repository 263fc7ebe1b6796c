// The rows of the table of settings that bound what is under way at once and how much of it is held. Knows no file and no layer.

import type { Key } from "./key.ts";
import * as syntax from "./syntax.ts";

const MOST = 1_000_000;

export const CAP_KEYS = {
  max_body_bytes: {
    about: "Longest request body taken",
    group: "http",
    type: syntax.size,
    fallback: "50MB",
  },
  max_concurrent: {
    about: "Requests under way at once, all together; those beyond it wait. 0: no limit",
    group: "cap",
    type: syntax.defineInteger(0, MOST),
    fallback: "10000",
  },
  max_concurrent_per_key: {
    about: "Likewise of one API key",
    group: "cap",
    type: syntax.defineInteger(0, MOST),
    fallback: "0",
  },
  max_concurrent_per_provider: {
    about: "Calls under way at once to one provider; where there is another one for the request, that is asked instead",
    group: "cap",
    type: syntax.defineInteger(0, MOST),
    fallback: "0",
  },
  max_concurrent_per_user: {
    about: "Requests under way at once of one user",
    group: "cap",
    type: syntax.defineInteger(0, MOST),
    fallback: "0",
  },
  max_response_bytes: {
    about: "Longest answer taken, whole or as a stream of events; files and sound that only pass by may be longer",
    group: "http",
    type: syntax.size,
    fallback: "128MiB",
  },
  queue_length: {
    about: "Requests that wait at one of these limits; those beyond are refused with Retry-After",
    group: "cap",
    type: syntax.defineInteger(0, MOST),
    fallback: "1000",
  },
  queue_timeout: {
    about: "How long a request waits there before it is refused",
    group: "cap",
    type: syntax.defineDuration(),
    fallback: "30s",
  },
} as const satisfies Record<string, Key>;
