// `tokligence admin budgets update`: changes how much, and what happens then. Whom it concerns and for how long stays: its count is a count of that.

import { defineCommand } from "citty";
import { printBudget } from "../../../ledger/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { byOperator, runWithStore } from "../../open.ts";
import { print, printJson } from "../../output.ts";
import { LIMIT_ARGS, readLimits } from "./limit.ts";
import { openRules } from "./rules.ts";

export default defineCommand({
  meta: { name: "update", description: "Change a budget's limits; only what is given is changed" },
  args: {
    id: { type: "string", required: true, description: "Id or name of the budget", valueHint: "BUDGET" },
    name: { type: "string", description: "A new name", valueHint: "NAME" },
    ...LIMIT_ARGS,
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const change = { ...readLimits(args), name: args.name };
    const budget = await runWithStore(args, (opened) => openRules(opened).update(args.id, change, byOperator()));
    if (args.json === true) return printJson({ budget: printBudget(budget) });
    print(`Updated budget ${budget.id} (${budget.name})`);
  },
});
