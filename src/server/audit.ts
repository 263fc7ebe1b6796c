// The report on tokens over HTTP: administrators see everyone's calls, others their own. Knows no SQL and no tokenizer.

import { createSplitCost, readDimensions } from "../audit/index.ts";
import { type Directory, allows } from "../identity/index.ts";
import { checkAll, invalidRequest } from "../ir/index.ts";
import type { PriceBook, PricingOf, Recounter } from "../ledger/index.ts";
import type { Gauge } from "../telemetry/metric.ts";
import type { LedgerReader } from "./reader/reader.ts";
import type { GuardedRoute } from "./route.ts";
import { readFilter } from "./usage-query.ts";
import { z } from "zod";
import { type About } from "./about.ts";
import { TOKEN_REPORT } from "./shape/usage.ts";
import { FILTER_QUERY } from "./usage-about.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 10_000;

interface AuditParts {
  books: Pick<LedgerReader, "tokens">;
  directory: Directory;
  prices: PriceBook;
  pricingOf: PricingOf;
  /** Epoch milliseconds. */
  now: () => number;
}

const ABOUT: About = {
  tag: "Usage",
  summary: "Compare the tokens that providers reported with those that the gateway counted",
  query: z.object({
    ...FILTER_QUERY,
    by: z.string().optional().describe("Groups, such as provider,model"),
    flagged: z.boolean().optional().describe("Also the calls that are out of tolerance"),
    limit: z.int().min(1).max(MAX_LIMIT).optional(),
  }),
  answer: TOKEN_REPORT,
};

export function makeAuditRoutes({ books, directory, prices: book, pricingOf, now }: AuditParts): GuardedRoute[] {
  return [
    {
      method: "GET",
      path: "/api/v1/audit/tokens",
      authority: { anyOf: ["usage:read", "ledger:read"] },
      about: ABOUT,
      async handle({ caller, query }) {
        const filtered = new URLSearchParams(query);
        // An administrator asks for all unless somebody is named.
        if (!filtered.has("user") && allows(caller, "ledger:read")) filtered.set("user", "all");
        const readOwn = (): { by: ReturnType<typeof readDimensions>; flagged: number } => {
          const { by, isFlagged, limit } = checkAll({
            by: () => readDimensions(query.get("by") ?? "provider,model"),
            isFlagged: () => readFlag(query.get("flagged")),
            limit: () => readLimit(query.get("limit")),
          });
          return { by, flagged: isFlagged ? limit : 0 };
        };
        const filter = await readFilter({ query: filtered, caller, directory, nowMs: now(), also: readOwn });
        const { by, flagged } = readOwn();
        const splitCost = createSplitCost({ book, pricingOf });
        const report = await books.tokens({ filter, by, flagged }, async (entries) => entries.map(splitCost));
        return new Response(report.bytes, { headers: { "content-type": "application/json" } });
      },
    },
  ];
}

/** Recounts that are missing because of us, and not of what the call was. */
const LOST = ["queue_full", "shutdown", "thread_crashed", "timeout", "tokenizer", "too_large"];

/** What the counting of tokens tells of itself. */
export function listRecountGauges({ stats }: Pick<Recounter, "stats">): Gauge[] {
  const sum = (names: readonly string[]): number =>
    names.reduce((total, name) => total + (stats().skipped[name] ?? 0), 0);
  return [
    { name: "tokligence_recount_waiting", about: "Calls that wait to be counted again", read: () => stats().waiting },
    {
      name: "tokligence_recount_waiting_bytes",
      about: "Text that waits to be counted again",
      read: () => stats().waitingBytes,
    },
    { name: "tokligence_recount_counted", about: "Calls counted again", isCounter: true, read: () => stats().counted },
    {
      name: "tokligence_recount_skipped",
      about: "Calls not counted again, for whatever reason",
      isCounter: true,
      read: () => sum(Object.keys(stats().skipped)),
    },
    {
      name: "tokligence_recount_lost",
      about: "Of these, those that could not be counted in time or at all",
      isCounter: true,
      read: () => sum(LOST),
    },
    {
      name: "tokligence_recount_over",
      about: "Calls for which a provider reported more than our count allows",
      isCounter: true,
      read: () => stats().over,
    },
    {
      name: "tokligence_recount_under",
      about: "Calls for which a provider reported less",
      isCounter: true,
      read: () => stats().under,
    },
    {
      name: "tokligence_recount_crashes",
      about: "How often the counting thread died",
      isCounter: true,
      read: () => stats().crashes,
    },
  ];
}

function readFlag(text: string | null): boolean {
  if (text === null || text === "false" || text === "0") return false;
  if (text === "" || text === "true" || text === "1") return true;
  throw invalidRequest("flagged is true or false.", "flagged");
}

function readLimit(text: string | null): number {
  if (text === null) return DEFAULT_LIMIT;
  const limit = /^\d{1,6}$/u.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MAX_LIMIT) throw invalidRequest(`limit is a number from 1 to ${MAX_LIMIT}.`, "limit");
  return limit;
}
