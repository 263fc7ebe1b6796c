// `tokligence admin budgets delete`: the limit is lifted within a second; what was spent stays in the ledger.

import { defineCommand } from "citty";
import { printBudget } from "../../../ledger/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { byOperator, runWithStore } from "../../open.ts";
import { print, printJson } from "../../output.ts";
import { openRules } from "./rules.ts";

export default defineCommand({
  meta: { name: "delete", description: "Lift a budget" },
  args: {
    id: { type: "string", required: true, description: "Id or name of the budget", valueHint: "BUDGET" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const budget = await runWithStore(args, (opened) => openRules(opened).delete(args.id, byOperator()));
    if (args.json === true) return printJson({ budget: printBudget(budget) });
    print(`Deleted budget ${budget.id} (${budget.name})`);
  },
});
