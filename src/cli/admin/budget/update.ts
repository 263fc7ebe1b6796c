// `tokligence admin budgets update`: changes how much, and what happens then. Whom it concerns and for how long stays: its count is a count of that.

import { defineCommand } from "citty";
import { PLACE_ARGS } from "../../flags.ts";
import { print, printJson, printWord } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { sayUncounted } from "./uncounted.ts";
import { LIMIT_ARGS, readLimits } from "./limit.ts";
import { openRules } from "./rules.ts";

export default defineCommand({
  meta: { name: "update", description: "Change a budget's limits; only what is given is changed" },
  args: {
    id: { type: "string", required: true, description: "Id or name of the budget", valueHint: "BUDGET" },
    name: { type: "string", description: "A new name", valueHint: "NAME" },
    ...LIMIT_ARGS,
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const change = { ...readLimits(args), name: args.name };
    const budget = await runAtPlace(args, (place) => openRules(place).update(args.id, change));
    if (args.json === true) return printJson({ budget });
    print(`Updated budget ${printWord(budget["id"])} (${printWord(budget["name"])})`);
    sayUncounted(budget);
  },
});
