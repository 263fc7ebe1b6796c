// What the routes under /api/v1/usage say of themselves. Knows no handler.

import { z } from "zod";
import { DIMENSIONS, EXPORT_FORMATS, EXPORT_TYPES } from "../ledger/index.ts";
import { BUCKETS } from "../lib/zone.ts";
import { type About, PAGE_QUERY } from "./about.ts";
import { BREAKDOWN, LOGS, PAYLOAD, SUMMARY, TIMELINE } from "./shape/usage.ts";

const tag = "Usage";

export const FILTER_QUERY = {
  direction: z.enum(["consume", "supply"]).optional(),
  endpoint: z.string().optional(),
  from: z.string().optional().describe("A moment, a day, or how long ago: 24h, 7d"),
  key: z.string().optional().describe("An API key's id"),
  model: z.string().optional(),
  provider: z.string().optional(),
  status: z.string().optional().describe("An HTTP status such as 429, or a class such as 5xx"),
  tag: z.array(z.string()).optional().describe("May stand several times: rows with all of them"),
  to: z.string().optional(),
  tz: z.string().optional().describe("Of days, by its name in the IANA database"),
  user: z
    .string()
    .optional()
    .describe("An id, also of who is gone, an e-mail address or `all`; others than oneself take the scope ledger:read"),
};

export const USAGE_ABOUT = {
  breakdown: {
    tag,
    summary: "Sum up by groups",
    query: z.object({
      ...FILTER_QUERY,
      by: z.array(z.string()).describe(`One or several of ${DIMENSIONS.join(", ")}`),
    }),
    answer: BREAKDOWN,
  },
  export: {
    tag,
    summary: "Export rows, oldest first",
    query: z.object({ ...FILTER_QUERY, format: z.enum(EXPORT_FORMATS) }),
    answer: { media: Object.values(EXPORT_TYPES) },
    headers: {
      "X-Tokligence-Rows": "How many rows are on the books before it begins, those that are kept as sums alone too",
      "X-Tokligence-Rows-Removed-Before":
        "Rows before this moment are kept no longer: where the time that is asked for reaches behind it",
    },
  },
  logs: {
    tag,
    summary: "List rows, newest first",
    query: z.object({
      ...FILTER_QUERY,
      ...PAGE_QUERY,
      limit: z.int().min(1).max(1_000).optional().describe("Rows at most, 20 unless it is said"),
    }),
    answer: LOGS,
  },
  payload: { tag, summary: "Show the text of a call, where it is kept", answer: PAYLOAD, errors: [404] },
  summary: { tag, summary: "Sum up", query: z.object(FILTER_QUERY), answer: SUMMARY },
  timeseries: {
    tag,
    summary: "Sum up by stretches of time",
    query: z.object({ ...FILTER_QUERY, bucket: z.enum(BUCKETS).optional() }),
    answer: TIMELINE,
  },
} as const satisfies Record<string, About>;
