// `tokligence admin budgets delete`: the limit is lifted within a second; what was spent stays in the ledger.

import { defineCommand } from "citty";
import { PLACE_ARGS } from "../../flags.ts";
import { print, printJson, printWord } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { openRules } from "./rules.ts";

export default defineCommand({
  meta: { name: "delete", description: "Lift a budget" },
  args: {
    id: { type: "string", required: true, description: "Id or name of the budget", valueHint: "BUDGET" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const budget = await runAtPlace(args, (place) => openRules(place).delete(args.id));
    if (args.json === true) return printJson({ budget });
    print(`Deleted budget ${printWord(budget["id"])} (${printWord(budget["name"])})`);
  },
});
