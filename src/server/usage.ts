// A caller's own books: sums and rows. Administrators may look at anyone's. Knows no SQL.

import { type Caller, type Directory, allows } from "../identity/index.ts";
import { GatewayError, invalidRequest } from "../ir/index.ts";
import { type LedgerFilter, type LedgerStore, printEntry, printSummary } from "../ledger/index.ts";
import type { GuardedRoute } from "./route.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 1_000;
const FILTERS = ["cursor", "endpoint", "from", "key", "limit", "model", "provider", "status", "to", "user"];
/** What both engines can hold, and what a row can be. */
const FIRST_YEAR = 1970;
const LAST_YEAR = 9999;

export function makeUsageRoutes(ledger: LedgerStore, directory: Directory): GuardedRoute[] {
  const authority = { anyOf: ["usage:read"] } as const;
  return [
    {
      method: "GET",
      path: "/api/v1/usage/summary",
      authority,
      async handle({ caller, query }) {
        const filter = await readFilter(query, caller, directory);
        return Response.json({ summary: printSummary(await ledger.summarize(filter)) });
      },
    },
    {
      method: "GET",
      path: "/api/v1/usage/logs",
      authority,
      async handle({ caller, query }) {
        const filter = await readFilter(query, caller, directory);
        const page = await ledger.page(filter, readLimit(query.get("limit")), query.get("cursor"));
        return Response.json({ entries: page.entries.map(printEntry), next_cursor: page.nextCursor });
      },
    },
  ];
}

async function readFilter(query: URLSearchParams, caller: Caller, directory: Directory): Promise<LedgerFilter> {
  for (const name of query.keys()) {
    if (!FILTERS.includes(name)) throw invalidRequest(`There is no filter ${name}: ${FILTERS.join(", ")}.`, name);
  }
  const filter: LedgerFilter = {};
  const userId = await readUser(query.get("user"), caller, directory);
  if (userId !== null) filter.userId = userId;
  const from = readTime(query, "from");
  if (from !== null) filter.from = from;
  const to = readTime(query, "to");
  if (to !== null) filter.to = to;
  const model = query.get("model");
  if (model !== null) filter.model = model;
  const provider = query.get("provider");
  if (provider !== null) filter.provider = provider;
  const endpoint = query.get("endpoint");
  if (endpoint !== null) filter.endpoint = endpoint;
  const key = query.get("key");
  if (key !== null) filter.apiKeyId = key;
  const status = query.get("status");
  if (status !== null) filter.status = readStatus(status);
  return filter;
}

/** Without `user`, the caller's own. `user=all` and other users' are for administrators. Null: everyone. */
async function readUser(wanted: string | null, caller: Caller, directory: Directory): Promise<string | null> {
  if (wanted === null || wanted === caller.userId || wanted === caller.email) return caller.userId;
  if (!allows(caller, "admin")) {
    throw new GatewayError({
      kind: "forbidden",
      message: "Only an administrator may read another user's usage.",
      param: "user",
    });
  }
  return wanted === "all" ? null : (await directory.getUser(wanted)).id;
}

function readTime(query: URLSearchParams, name: string): Date | null {
  const text = query.get(name);
  if (text === null) return null;
  const time = new Date(text);
  const year = time.getUTCFullYear();
  if (!(year >= FIRST_YEAR && year <= LAST_YEAR))
    throw invalidRequest(`${name} must be a time such as 2026-01-31T00:00:00Z.`, name);
  return time;
}

function readStatus(text: string): number {
  const status = Number(/^[1-5]xx$/iu.test(text) ? text[0] : text);
  const isClass = status >= 1 && status <= 5;
  if (!Number.isInteger(status) || !(isClass || (status >= 100 && status <= 599))) {
    throw invalidRequest("status must be an HTTP status such as 429, or a class such as 5xx.", "status");
  }
  return status;
}

function readLimit(text: string | null): number {
  if (text === null) return DEFAULT_LIMIT;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw invalidRequest(`limit must be a whole number from 1 to ${MAX_LIMIT}.`, "limit");
  }
  return limit;
}
