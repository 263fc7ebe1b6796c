// The budgets that concern a caller, with what is left of each. Tells nothing of other callers but what a shared limit has left.

import type { Caller } from "../identity/index.ts";
import { type Budget, type BudgetState, type Budgets, printOwnBudget } from "../ledger/index.ts";
import type { GuardedRoute } from "./route.ts";
import { z } from "zod";
import { type About, NEXT_CURSOR, PAGE_QUERY } from "./about.ts";
import { answerPage } from "./page.ts";
import { OWN_BUDGET } from "./shape/rule.ts";

const ABOUT: About = {
  tag: "Usage",
  summary: "List the budgets that concern the caller, with what is left of each",
  query: z.object(PAGE_QUERY),
  answer: z.object({ budgets: z.array(OWN_BUDGET), ...NEXT_CURSOR }),
};

/** `nowMs`: epoch milliseconds. */
export function makeOwnBudgetRoutes(budgets: Budgets, nowMs: () => number): GuardedRoute[] {
  return [
    {
      method: "GET",
      path: "/api/v1/budgets",
      authority: { anyOf: ["usage:read"] },
      about: ABOUT,
      async handle({ caller, query }) {
        const own = budgets
          .list()
          .filter((budget) => concerns(budget, caller))
          .toSorted((left, right) => (left.name < right.name ? -1 : 1));
        const print = async (budget: Budget) =>
          printOwnBudget(budget, await readState(budgets, budget, caller), nowMs());
        return Response.json(await answerPage(query, own, { name: "budgets", idOf: ({ id }) => id, print }));
      },
    },
  ];
}

/** Null where it is counted for each of many, and nobody is named. */
export async function readState(budgets: Budgets, budget: Budget, caller: Caller | null): Promise<BudgetState | null> {
  const account = await budgets.look(
    budget,
    caller === null ? null : { userId: caller.userId, apiKeyId: caller.keyId },
  );
  if (account === null) return null;
  return {
    window: account.window,
    spent: account.spent + account.others.spent,
    reserved: account.held + account.others.held,
    refusals: account.refusals,
    unpriced: account.unpriced,
  };
}

/** Those of providers, models and tags may concern any call of his. */
function concerns({ userId, apiKeyId }: Budget, caller: Caller): boolean {
  return (userId === null || userId === caller.userId) && (apiKeyId === null || apiKeyId === caller.keyId);
}
