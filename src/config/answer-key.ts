// The rows of the table of settings that are about answers which clients refer to later. Knows no file and no layer.

import type { Key } from "./key.ts";
import * as syntax from "./syntax.ts";

export const ANSWER_KEYS = {
  responses_keep_days: {
    about: "How many days answers of /v1/responses are kept, for clients that refer to them later; 0: none is kept",
    group: "database",
    type: syntax.defineInteger(0, 3_650),
    fallback: "30",
    restart: true,
  },
  responses_max_bytes: {
    about: "Most bytes of kept answers of all users together; the oldest go first",
    group: "database",
    type: syntax.size,
    fallback: "4GiB",
    restart: true,
  },
  responses_max_bytes_per_user: {
    about: "Likewise of one user",
    group: "database",
    type: syntax.size,
    fallback: "256MiB",
    restart: true,
  },
  responses_max_per_user: {
    about: "Most kept answers of one user; the oldest go first",
    group: "database",
    type: syntax.defineInteger(1, 10_000_000),
    fallback: "10000",
    restart: true,
  },
} as const satisfies Record<string, Key>;
