// `tokligence admin budgets list`: every budget with what its present window has come to.

import { defineCommand } from "citty";
import { type Budget, type BudgetState, printAmount, printBudget, printState } from "../../../ledger/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { runWithStore } from "../../open.ts";
import { printJson, printTable } from "../../output.ts";
import { openRules, readStates } from "./rules.ts";

export default defineCommand({
  meta: { name: "list", description: "List budgets" },
  args: SHARED_ARGS,
  async run({ args }) {
    const budgets = await runWithStore(args, async (opened) => {
      const list = await openRules(opened).list();
      return Promise.all(
        list.map(async (budget) => ({
          budget,
          state: budget.each === null ? ((await readStates(opened, budget))[0]?.state ?? null) : null,
        })),
      );
    });
    if (args.json === true) {
      const printed = budgets.map(({ budget, state }) => ({
        ...printBudget(budget),
        state: state === null ? null : printState(budget, state),
      }));
      return printJson({ budgets: printed });
    }
    printTable(budgets.map(toRow), ["id", "name", "scope", "limit", "soft", "period", "mode", "spent"]);
  },
});

function toRow({ budget, state }: { budget: Budget; state: BudgetState | null }) {
  const { hardLimit, softLimit } = budget;
  return {
    id: budget.id,
    name: budget.name,
    scope: nameScope(budget),
    limit: hardLimit === null ? null : printAmount(budget, hardLimit),
    soft: softLimit === null ? null : printAmount(budget, softLimit),
    period: budget.timeZone === "UTC" ? budget.period : `${budget.period} (${budget.timeZone})`,
    mode: budget.mode,
    spent: state === null ? null : printAmount(budget, state.spent),
  };
}

function nameScope({ userId, apiKeyId, provider, model, tag, each }: Budget): string {
  const said = Object.entries({ user: userId, key: apiKeyId, provider, model, tag });
  const parts = said.flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]));
  if (each !== null) parts.push(`each ${each}`);
  return parts.length === 0 ? "total" : parts.join(" ");
}
