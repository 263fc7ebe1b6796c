// Budgets by HTTP. The rules are the ledger's; here are only addresses, bodies and shapes.

import { z } from "zod";
import {
  type Budget,
  type BudgetDirectory,
  type BudgetStore,
  type Budgets,
  MODES,
  PERIODS,
  SUBJECTS,
  UNPRICED,
  checkBudgetChange,
  checkNewBudget,
  printBudget,
  printForce,
  printUncounted,
  printState,
  printStates,
  readWindowStates,
} from "../../ledger/index.ts";
import { type Caller, type Directory, judgeNamed } from "../../identity/index.ts";
import type { JsonObject } from "../../ir/index.ts";
import { makeEtag, readMeant } from "../etag.ts";
import { ifThere, requireMayBind } from "../reach.ts";
import { answerGone } from "../gone.ts";
import { readJson } from "../request.ts";
import type { GuardedRoute } from "../route.ts";
import { readState } from "../budget.ts";
import { type About, IN_FORCE, IN_FORCE_WORDS, NEXT_CURSOR, PAGE_QUERY } from "../about.ts";
import { answerPage } from "../page.ts";
import { BUDGET, BUDGET_RULE, BUDGET_SHOWN } from "../shape/rule.ts";

/** Words that the rules take; whether it is one of them is theirs to say. */
const oneOf = (words: readonly string[]) => z.string().meta({ enum: [...words] });
const USD = z.union([z.number(), z.string()]).nullable().optional();
const TOKENS = z.number().nullable().optional();
const WORD = z.string().nullable().optional();
const CHANGE = z.strictObject({
  name: z.string().optional(),
  limit_usd: USD,
  soft_limit_usd: USD,
  limit_tokens: TOKENS,
  soft_limit_tokens: TOKENS,
  mode: oneOf(MODES).optional(),
  unpriced: oneOf(UNPRICED).optional(),
  alert_percents: z.array(z.number()).optional(),
});
const NEW_BUDGET = CHANGE.extend({
  name: z.string(),
  user: WORD,
  api_key_id: WORD,
  provider: WORD,
  model: WORD,
  tag: WORD,
  each: oneOf(SUBJECTS).nullable().optional(),
  period: oneOf(PERIODS).optional(),
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
  directory: Pick<Directory, "getKey" | "getUser" | "listGone">;
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
    isPlaced: true,
    isTagged: true,
  },
  delete: {
    tag,
    summary: "Delete a budget",
    answer: null,
    gone: z.object({ budget: BUDGET_RULE }),
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

const PATH = "/api/v1/admin/budgets";

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
      ...printUncounted(budget, nowMs()),
      state: state === null ? null : printState(budget, state),
    };
  };
  /** What stands in it changes by the hour; what it says does not. */
  const answer = async (budget: Budget, status = 200, more: JsonObject = {}): Promise<Response> => {
    const headers = { etag: etagOf(budget), ...(status === 201 ? { location: `${PATH}/${budget.id}` } : {}) };
    return Response.json({ budget: await print((await judge([budget]))[0] as Standing), ...more }, { status, headers });
  };
  const requireMayChange = async (caller: Caller, id: string): Promise<void> => {
    for (const { userId: user, apiKeyId: key } of await ifThere(rules.get(id)))
      await requireMayBind(caller, { wanted: null, standing: { user, key } }, directory);
  };
  return [
    {
      method: "GET",
      path: PATH,
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
      path: PATH,
      authority,
      about: ABOUT.create,
      async handle({ request, caller }) {
        const body = await readJson(request, limit(), NEW_BUDGET, judgeNew);
        const wanted = { user: body.user, key: body.api_key_id };
        await requireMayBind(caller, { wanted, standing: null }, directory);
        const budget = await rules.create(toNew(body), caller.from);
        await budgets.refresh();
        return answer(budget, 201);
      },
    },
    {
      method: "GET",
      path: `${PATH}/:id`,
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
      path: `${PATH}/:id`,
      authority,
      about: ABOUT.update,
      async handle({ request, params, caller }) {
        const body = await readJson(request, limit(), CHANGE, (said) => checkBudgetChange(toChange(said)));
        const look = readMeant(request, etagOf);
        await requireMayChange(caller, params["id"] ?? "");
        const budget = await rules.update(params["id"] ?? "", toChange(body), caller.from, look);
        await budgets.refresh();
        return answer(budget);
      },
    },
    {
      method: "DELETE",
      path: `${PATH}/:id`,
      authority,
      about: ABOUT.delete,
      async handle({ request, params, caller }) {
        await requireMayChange(caller, params["id"] ?? "");
        const budget = await rules.delete(params["id"] ?? "", caller.from, readMeant(request, etagOf));
        await budgets.refresh();
        return answerGone(request, { budget: printBudget(budget) });
      },
    },
  ];
}

function etagOf(budget: Budget): string {
  return makeEtag(printBudget(budget));
}

/** `said`: what of a body can be read; what is missing is complained of elsewhere. */
function judgeNew({ name = "-", ...said }: Partial<z.output<typeof NEW_BUDGET>>, faulty: ReadonlySet<string>): void {
  const isUnread = LIMITS.some((field) => faulty.has(field)) && LIMITS.every((field) => said[field] === undefined);
  checkNewBudget(toNew({ name, ...said, ...(isUnread ? { limit_tokens: 1 } : {}) }));
}

const LIMITS = ["limit_usd", "soft_limit_usd", "limit_tokens", "soft_limit_tokens"] as const;

function toNew(body: z.output<typeof NEW_BUDGET>): Parameters<BudgetDirectory["create"]>[0] {
  const { name, user, provider, model, tag, each, period } = body;
  const scope = { user, apiKey: body.api_key_id, provider, model, tag, each };
  return { ...toChange(body), ...scope, name, period, timeZone: body.time_zone };
}

function toChange(body: Partial<z.output<typeof CHANGE>>) {
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
