// `tokligence admin budgets show`: one budget, and what its present window has come to, for each subject where it is counted apart.

import { defineCommand } from "citty";
import { printBudget, printState } from "../../../ledger/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { runWithStore } from "../../open.ts";
import { printJson, printTable } from "../../output.ts";
import { openRules, readStates } from "./rules.ts";

export default defineCommand({
  meta: { name: "show", description: "Show a budget and what is left of it" },
  args: {
    id: { type: "string", required: true, description: "Id or name of the budget", valueHint: "BUDGET" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const { budget, states } = await runWithStore(args, async (opened) => {
      const found = await openRules(opened).get(args.id);
      return { budget: found, states: await readStates(opened, found) };
    });
    const printed = states.map(({ subject, state }) => ({
      ...(budget.each === null ? {} : { [budget.each]: subject }),
      ...printState(budget, state),
    }));
    if (args.json === true) return printJson({ budget: printBudget(budget), states: printed });
    const facts = Object.entries(printBudget(budget)).filter(([, value]) => value !== null);
    printTable(
      facts.map(([field, value]) => ({ field, value })),
      ["field", "value"],
    );
    for (const state of printed) {
      const rows = Object.entries(state).map(([field, value]) => ({ field, value }));
      printTable(rows, ["field", "value"]);
    }
  },
});
