// `tokligence admin budgets show`: one budget, and what its present window has come to, for each subject where it is counted apart.

import { defineCommand } from "citty";
import { PLACE_ARGS } from "../../flags.ts";
import { printJson, printTable } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { sayUncounted } from "./uncounted.ts";
import { openRules } from "./rules.ts";

export default defineCommand({
  meta: { name: "show", description: "Show a budget and what is left of it" },
  args: {
    id: { type: "string", required: true, description: "Id or name of the budget", valueHint: "BUDGET" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const { budget, states } = await runAtPlace(args, (place) => openRules(place).get(args.id));
    if (args.json === true) return printJson({ budget, states });
    const facts = Object.entries(budget).filter(([, value]) => value !== null);
    printTable(
      facts.map(([field, value]) => ({ field, value })),
      ["field", "value"],
    );
    for (const state of states) {
      const rows = Object.entries(state).map(([field, value]) => ({ field, value }));
      printTable(rows, ["field", "value"]);
    }
    sayUncounted(budget);
  },
});
