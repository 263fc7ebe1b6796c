// The settings of counting tokens again; a part of the one table in key.ts. Knows no file and no layer.

import type { Key } from "./key.ts";
import * as syntax from "./syntax.ts";

export const RECOUNT_KEYS = {
  recount: {
    about: "Whether every call's tokens are counted here too, in the background",
    group: "recount",
    type: syntax.boolean,
    fallback: "on",
    restart: true,
  },
  recount_count_endpoint: {
    about:
      "Whether providers that count on request are asked where only they can: one more call, free of charge, for each",
    group: "recount",
    type: syntax.boolean,
    fallback: "off",
    restart: true,
  },
  recount_queue_bytes: {
    about: "Most bytes of text that wait to be counted; calls beyond them are put down as skipped",
    group: "recount",
    type: syntax.size,
    fallback: "32MiB",
    restart: true,
  },
  recount_queue_rows: {
    about: "Likewise most calls",
    group: "recount",
    type: syntax.defineInteger(1, 1_000_000),
    fallback: "2000",
    restart: true,
  },
  recount_tolerance_percent: {
    about: "By how much a provider's count may lie outside of what ours allows before the row is flagged",
    group: "recount",
    type: syntax.defineInteger(0, 100),
    fallback: "3",
    restart: true,
  },
} as const satisfies Record<string, Key>;
