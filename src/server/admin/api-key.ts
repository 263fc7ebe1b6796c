// API keys by HTTP, anybody's. The token stands in the answer to its creation or rotation and nowhere else.

import { z } from "zod";
import { type ApiKey, type Caller, type KeyChoice, allows, printKey } from "../../identity/index.ts";
import { GatewayError, type JsonObject, checkAll, invalidRequest } from "../../ir/index.ts";
import { type BudgetDirectory, type Budgets, printBudget } from "../../ledger/index.ts";
import { UTC, parseMoment } from "../../lib/zone.ts";
import { readMeant } from "../etag.ts";
import { requireUnmetered } from "../reach.ts";
import { HARD, answerGone, readHard } from "../gone.ts";
import { answerIssued, answerKey, etagOf } from "../key-answer.ts";
import { readJson } from "../request.ts";
import type { GuardedRoute } from "../route.ts";
import { type KEY_BUDGET, KEY_CHANGE, NEW_KEY, OWNED_KEY, ROTATION, judgeNewKey, readKeyWish } from "./new-key.ts";
import { type AdminParts, actorOf, originOf, readPageWish } from "./part.ts";
import { type About, NEXT_CURSOR, PAGE_QUERY } from "../about.ts";
import { answerPage } from "../page.ts";
import { API_KEY, ISSUED_KEY } from "../shape/person.ts";
import { BUDGET_RULE } from "../shape/rule.ts";

const CHOICE = z.strictObject({
  user: z.string().optional(),
  prefix: z.string().optional(),
  tag: z.string().optional(),
  unused_since: z.iso.datetime({ offset: true }).optional(),
  dry_run: z.boolean().optional(),
});

interface ApiKeyParts extends AdminParts {
  rules: BudgetDirectory;
  budgets: Pick<Budgets, "refresh">;
}

const authority = { anyOf: ["keys:manage"] } as const;

const tag = "API keys";
const ANSWER = z.object({ api_key: API_KEY });
const LIST = z.object({ api_keys: z.array(API_KEY), ...NEXT_CURSOR });
const CHOICE_QUERY = z.object({
  ...PAGE_QUERY,
  prefix: z.string().optional(),
  status: z.enum(["all", "open"]).optional().describe("`open`: those that work"),
  tag: z.string().optional(),
  unused_since: z.string().optional().describe("A moment such as 2026-01-31T00:00:00Z, or a day"),
  user: z.string().optional().describe("A user's id or e-mail address"),
});
const MADE = { isPlaced: true, isTagged: true } as const;
const ABOUT = {
  create: { tag, summary: "Create a key", body: OWNED_KEY, answer: ISSUED_KEY, status: [201], errors: [404], ...MADE },
  createFor: {
    tag,
    summary: "Create a key of a user",
    body: NEW_KEY,
    answer: ISSUED_KEY,
    status: [201],
    errors: [404],
    ...MADE,
  },
  delete: {
    tag,
    summary: "Delete a key",
    answer: null,
    gone: z.object({ api_key: API_KEY }),
    query: HARD,
    errors: [404],
    isTagged: true,
  },
  list: { tag, summary: "List keys", query: CHOICE_QUERY, answer: LIST, errors: [404] },
  listOf: {
    tag,
    summary: "List the keys of a user",
    query: z.object({ ...PAGE_QUERY, tag: z.string().optional() }),
    answer: LIST,
    errors: [404],
  },
  revoke: { tag, summary: "Revoke a key", answer: ANSWER, errors: [404], isTagged: true },
  revokeMany: {
    tag,
    summary: "Revoke all keys of a choice",
    body: CHOICE,
    answer: z.object({ dry_run: z.boolean(), count: z.int(), api_keys: z.array(API_KEY) }),
    errors: [404],
  },
  rotate: {
    tag,
    summary: "Give a key a new token",
    more: "The one before works on for overlap_seconds.",
    body: ROTATION,
    answer: ISSUED_KEY,
    status: [201],
    errors: [404, 409],
    ...MADE,
  },
  show: {
    tag,
    summary: "Show a key",
    answer: z.object({ api_key: API_KEY, budgets: z.array(BUDGET_RULE) }),
    errors: [404],
    isTagged: true,
  },
  update: { tag, summary: "Change a key", body: KEY_CHANGE, answer: ANSWER, errors: [404, 409], isTagged: true },
} as const satisfies Record<string, About>;

export function makeApiKeyRoutes(parts: ApiKeyParts): GuardedRoute[] {
  return [...makeListRoutes(parts), ...makeChangeRoutes(parts), ...makeEndRoutes(parts)];
}

const STATES = ["all", "open"];

function makeListRoutes({ directory, rules, limit, changed, budgets, isMetered }: ApiKeyParts): GuardedRoute[] {
  const judge = (said: Partial<z.output<typeof NEW_KEY>>): void => judgeNewKey(directory, said);
  const create = async (caller: Caller, body: z.output<typeof NEW_KEY>, owner: string): Promise<Response> => {
    if (body.budget !== undefined && !allows(caller, "budgets:manage")) throw withoutBudgets();
    judge(body);
    await requireUnmetered(caller, null, isMetered);
    const { key, token } = await directory.createKey(actorOf(caller), owner, readKeyWish(body));
    const budget =
      body.budget === undefined ? null : await addBudget({ directory, rules, budgets }, { key, caller }, body.budget);
    await changed();
    const shown = budget === null ? {} : { budget };
    return answerIssued({ token, key }, "/api/v1/admin/api-keys", shown);
  };
  return [
    {
      method: "GET",
      path: "/api/v1/admin/api-keys",
      authority,
      about: ABOUT.list,
      async handle({ query }) {
        const { wish, choice } = checkAll({ wish: () => readPageWish(query), choice: () => readQuery(query) });
        const page = await directory.pageKeys(choice, wish);
        return Response.json({ api_keys: page.items.map(printKey), next_cursor: page.nextCursor });
      },
    },
    {
      method: "POST",
      path: "/api/v1/admin/api-keys",
      authority,
      about: ABOUT.create,
      async handle(context) {
        const { user, ...body } = await readJson(context.request, limit(), OWNED_KEY, judge);
        return create(context.caller, body, user);
      },
    },
    {
      method: "GET",
      path: "/api/v1/admin/users/:id/api-keys",
      authority,
      about: ABOUT.listOf,
      async handle({ params, query }) {
        const keys = await directory.listKeys(params["id"] ?? "");
        return Response.json(
          await answerPage(query, keys, {
            name: "api_keys",
            idOf: ({ id }) => id,
            print: printKey,
            filters: { tag: ({ tags }) => tags },
          }),
        );
      },
    },
    {
      method: "POST",
      path: "/api/v1/admin/users/:id/api-keys",
      authority,
      about: ABOUT.createFor,
      handle: async (context) =>
        create(context.caller, await readJson(context.request, limit(), NEW_KEY, judge), context.params["id"] ?? ""),
    },
  ];
}

function makeChangeRoutes({ directory, rules, limit, changed, isMetered }: ApiKeyParts): GuardedRoute[] {
  return [
    {
      method: "GET",
      path: "/api/v1/admin/api-keys/:id",
      authority,
      about: ABOUT.show,
      async handle({ params }) {
        const key = await directory.getKey(params["id"] ?? "");
        const own = (await rules.list()).filter(({ apiKeyId }) => apiKeyId === key.id).map(printBudget);
        return Response.json({ api_key: printKey(key), budgets: own }, { headers: { etag: etagOf(key) } });
      },
    },
    {
      method: "PATCH",
      path: "/api/v1/admin/api-keys/:id",
      authority,
      about: ABOUT.update,
      async handle({ request, params, caller }) {
        const body = await readJson(request, limit(), KEY_CHANGE, (said) => directory.checkKey(readKeyWish(said)));
        const meant = { look: readMeant(request, etagOf) };
        await requireUnmetered(caller, params["id"] ?? "", isMetered);
        const key = await directory.updateKey(actorOf(caller), params["id"] ?? "", readKeyWish(body), meant);
        await changed();
        return answerKey(key);
      },
    },
    {
      method: "POST",
      path: "/api/v1/admin/api-keys/:id/rotate",
      authority,
      about: ABOUT.rotate,
      async handle({ request, params, caller }) {
        const body = await readJson(request, limit(), ROTATION);
        const options = { overlapMs: (body.overlap_seconds ?? 0) * 1000 };
        await requireUnmetered(caller, params["id"] ?? "", isMetered);
        const issued = await directory.rotateKey(actorOf(caller), params["id"] ?? "", options);
        await changed();
        return answerIssued(issued, "/api/v1/admin/api-keys");
      },
    },
  ];
}

function makeEndRoutes({ directory, limit, changed }: ApiKeyParts): GuardedRoute[] {
  return [
    {
      method: "POST",
      path: "/api/v1/admin/api-keys/:id/revoke",
      authority,
      about: ABOUT.revoke,
      async handle({ params, caller }) {
        const key = await directory.revokeKey(actorOf(caller), params["id"] ?? "");
        await changed();
        return answerKey(key);
      },
    },
    {
      method: "POST",
      path: "/api/v1/admin/api-keys/revoke",
      authority,
      about: ABOUT.revokeMany,
      async handle({ request, caller }) {
        const { dry_run: dryRun = false, unused_since: since, ...choice } = await readJson(request, limit(), CHOICE);
        const unusedSince = since === undefined ? undefined : new Date(since);
        const revoked = await directory.revokeKeys(actorOf(caller), { ...choice, unusedSince }, { dryRun });
        if (!dryRun) await changed();
        return Response.json({ dry_run: dryRun, count: revoked.length, api_keys: revoked.map(printKey) });
      },
    },
    {
      method: "DELETE",
      path: "/api/v1/admin/api-keys/:id",
      authority,
      about: ABOUT.delete,
      async handle({ request, params, caller, query }) {
        const how = { hard: readHard(query), look: readMeant(request, etagOf) };
        const key = await directory.deleteKey(actorOf(caller), params["id"] ?? "", how);
        await changed();
        return answerGone(request, key && { api_key: printKey(key) });
      },
    },
  ];
}

function withoutBudgets(): GatewayError {
  return new GatewayError({
    kind: "forbidden",
    code: "insufficient_scope",
    param: "budget",
    message: "To give a key a budget takes the scope budgets:manage.",
  });
}

/** A key whose budget cannot be made is taken back. */
async function addBudget(
  { directory, rules, budgets }: Pick<ApiKeyParts, "budgets" | "directory" | "rules">,
  { key, caller }: { key: ApiKey; caller: Caller },
  { limit_usd: limitUsd, limit_tokens: limitTokens, period }: z.output<typeof KEY_BUDGET>,
): Promise<JsonObject> {
  try {
    const name = `${key.name ?? "key"} ${key.prefix}`;
    const budget = await rules.create({ name, apiKey: key.id, limitUsd, limitTokens, period }, originOf(caller));
    await budgets.refresh();
    return printBudget(budget);
  } catch (error) {
    await directory.deleteKey(actorOf(caller), key.id, { hard: true });
    throw error;
  }
}

function readQuery(query: URLSearchParams): KeyChoice & { isOpen?: boolean } {
  const word = (name: string): string | undefined => query.get(name) ?? undefined;
  const { state, unusedSince } = checkAll({
    state: () => readState(word("status") ?? "all"),
    unusedSince: () => readSince(word("unused_since")),
  });
  const choice = { user: word("user"), prefix: word("prefix"), tag: word("tag"), unusedSince };
  return state === "open" ? { ...choice, isOpen: true } : choice;
}

function readState(word: string): string {
  if (STATES.includes(word)) return word;
  throw invalidRequest(`status is ${STATES.join(" or ")}.`, "status");
}

function readSince(word: string | undefined): Date | undefined {
  if (word === undefined) return undefined;
  const moment = parseMoment(word, UTC);
  if (moment !== null) return new Date(moment);
  throw invalidRequest(
    "unused_since is a moment such as 2026-01-31T00:00:00Z, or a day such as 2026-01-31.",
    "unused_since",
  );
}
