// Budgets by HTTP. The rules are the ledger's; here are only addresses, bodies and shapes.

import { z } from "zod";
import {
  type Budget,
  type BudgetDirectory,
  type BudgetStore,
  type Budgets,
  printBudget,
  printForce,
  printState,
  printStates,
  readWindowStates,
} from "../../ledger/index.ts";
import { type Directory, judgeNamed } from "../../identity/index.ts";
import type { JsonObject } from "../../ir/index.ts";
import { makeEtag, requireMatch } from "../etag.ts";
import { answerGone } from "../gone.ts";
import { readJson } from "../request.ts";
import type { GuardedRoute } from "../route.ts";
import { readState } from "../budget.ts";
import { type About, IN_FORCE, IN_FORCE_WORDS, NEXT_CURSOR, PAGE_QUERY } from "../about.ts";
import { answerPage } from "../page.ts";
import { BUDGET, BUDGET_SHOWN } from "../shape/rule.ts";

const USD = z.union([z.number(), z.string()]).nullable().optional();
const TOKENS = z.number().nullable().optional();
const WORD = z.string().nullable().optional();
const CHANGE = z.strictObject({
  name: z.string().optional(),
  limit_usd: USD,
  soft_limit_usd: USD,
  limit_tokens: TOKENS,
  soft_limit_tokens: TOKENS,
  mode: z.string().optional(),
  unpriced: z.string().optional(),
  alert_percents: z.array(z.number()).optional(),
});
const NEW_BUDGET = CHANGE.extend({
  name: z.string(),
  user: WORD,
  api_key_id: WORD,
  provider: WORD,
  model: WORD,
  tag: WORD,
  each: WORD,
  period: z.string().optional(),
  time_zone: z.string().optional(),
});

interface Standing {
  budget: Budget;
  /** Why it concerns nobody any more; null where it does. */
  obstacle: string | null;
}

const FILTERS = {
  api_key_id: ({ budget }: Standing) => budget.apiKeyId,
  in_force: ({ obstacle }: Standing) => String(obstacle === null),
  model: ({ budget }: Standing) => budget.model,
  provider: ({ budget }: Standing) => budget.provider,
  tag: ({ budget }: Standing) => budget.tag,
  user_id: ({ budget }: Standing) => budget.userId,
};

export interface BudgetParts {
  rules: BudgetDirectory;
  directory: Pick<Directory, "listGone">;
  budgets: Budgets;
  budgetStore: BudgetStore;
  /** Epoch milliseconds. */
  nowMs: () => number;
  limit: () => number;
}

const tag = "Budgets";
const ANSWER = z.object({ budget: BUDGET });
const ABOUT = {
  create: {
    tag,
    summary: "Create a budget",
    body: NEW_BUDGET,
    answer: ANSWER,
    status: [201],
    errors: [404, 409],
    isTagged: true,
  },
  delete: {
    tag,
    summary: "Delete a budget",
    answer: null,
    gone: z.object({ budget: BUDGET }),
    errors: [404, 409],
    isTagged: true,
  },
  list: {
    tag,
    summary: "List budgets, with what is left of each",
    query: z.object({
      ...PAGE_QUERY,
      api_key_id: z.string().optional(),
      in_force: IN_FORCE,
      model: z.string().optional(),
      provider: z.string().optional(),
      tag: z.string().optional(),
      user_id: z.string().optional(),
    }),
    answer: z.object({ budgets: z.array(BUDGET), ...NEXT_CURSOR }),
  },
  show: { tag, summary: "Show a budget", answer: BUDGET_SHOWN, errors: [404], isTagged: true },
  update: { tag, summary: "Change a budget", body: CHANGE, answer: ANSWER, errors: [404, 409], isTagged: true },
} as const satisfies Record<string, About>;

export function makeBudgetRoutes({
  rules,
  directory,
  budgets,
  budgetStore,
  nowMs,
  limit,
}: BudgetParts): GuardedRoute[] {
  const authority = { anyOf: ["budgets:manage"] } as const;
  const judge = async (all: readonly Budget[]): Promise<Standing[]> => {
    const nameOf = ({ userId, apiKeyId }: Budget) => ({ user: userId, key: apiKeyId });
    const find = await judgeNamed(all.map(nameOf), directory.listGone);
    return all.map((budget) => ({ budget, obstacle: find(nameOf(budget)) }));
  };
  const print = async ({ budget, obstacle }: Standing): Promise<JsonObject> => {
    const state = await readState(budgets, budget, null);
    return {
      ...printBudget(budget),
      ...printForce(obstacle),
      state: state === null ? null : printState(budget, state),
    };
  };
  /** What stands in it changes by the hour; what it says does not. */
  const answer = async (budget: Budget, status = 200, more: JsonObject = {}): Promise<Response> =>
    Response.json(
      { budget: await print((await judge([budget]))[0] as Standing), ...more },
      { status, headers: { etag: makeEtag(printBudget(budget)) } },
    );
  const match = async (request: Request, id: string): Promise<void> => {
    if (request.headers.has("if-match")) requireMatch(request, makeEtag(printBudget(await rules.get(id))));
  };
  return [
    {
      method: "GET",
      path: "/api/v1/admin/budgets",
      authority,
      about: ABOUT.list,
      handle: async ({ query }) =>
        Response.json(
          await answerPage(query, await judge(await rules.list()), {
            name: "budgets",
            idOf: ({ budget }) => budget.id,
            print,
            filters: FILTERS,
            choices: { in_force: IN_FORCE_WORDS },
          }),
        ),
    },
    {
      method: "POST",
      path: "/api/v1/admin/budgets",
      authority,
      about: ABOUT.create,
      async handle({ request, caller }) {
        const budget = await rules.create(toNew(await readJson(request, limit(), NEW_BUDGET)), caller.from);
        await budgets.refresh();
        return answer(budget, 201);
      },
    },
    {
      method: "GET",
      path: "/api/v1/admin/budgets/:id",
      authority,
      about: ABOUT.show,
      async handle({ params }) {
        const budget = await rules.get(params["id"] ?? "");
        const states = await readWindowStates(budgetStore, budget, nowMs());
        return answer(budget, 200, { states: printStates(budget, states) });
      },
    },
    {
      method: "PATCH",
      path: "/api/v1/admin/budgets/:id",
      authority,
      about: ABOUT.update,
      async handle({ request, params, caller }) {
        const body = await readJson(request, limit(), CHANGE);
        await match(request, params["id"] ?? "");
        const budget = await rules.update(params["id"] ?? "", toChange(body), caller.from);
        await budgets.refresh();
        return answer(budget);
      },
    },
    {
      method: "DELETE",
      path: "/api/v1/admin/budgets/:id",
      authority,
      about: ABOUT.delete,
      async handle({ request, params, caller }) {
        await match(request, params["id"] ?? "");
        const budget = await rules.delete(params["id"] ?? "", caller.from);
        await budgets.refresh();
        return answerGone(request, { budget: printBudget(budget) });
      },
    },
  ];
}

function toNew(body: z.output<typeof NEW_BUDGET>): Parameters<BudgetDirectory["create"]>[0] {
  const { name, user, provider, model, tag, each, period } = body;
  const scope = { user, apiKey: body.api_key_id, provider, model, tag, each };
  return { ...toChange(body), ...scope, name, period, timeZone: body.time_zone };
}

function toChange(body: z.output<typeof CHANGE>) {
  return {
    name: body.name,
    limitUsd: body.limit_usd,
    softLimitUsd: body.soft_limit_usd,
    limitTokens: body.limit_tokens,
    softLimitTokens: body.soft_limit_tokens,
    mode: body.mode,
    unpriced: body.unpriced,
    alertPercents: body.alert_percents,
  };
}
