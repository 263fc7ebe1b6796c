// `tokligence admin limits show`: what one rate limit says, and for each whom it concerns what is left of it, where a gateway runs.

import { defineCommand } from "citty";
import type { JsonObject } from "../../../ir/index.ts";
import { printJson, printTable, say } from "../../output.ts";
import { GATEWAY_ARGS } from "../health/gateway.ts";
import { NAME_ARG, listLimits, missing } from "./rules.ts";

export default defineCommand({
  meta: { name: "show", description: "Show a rate limit and what is left of it" },
  args: { ...NAME_ARG, ...GATEWAY_ARGS },
  async run({ args }) {
    const found = (await listLimits(args)).find(({ name }) => name === args.name);
    if (found === undefined) throw missing(args.name);
    if (args.json === true) return printJson({ limit: found });
    const { states, ...words } = found;
    const facts = Object.entries(words).filter(([, value]) => value !== null);
    printTable(
      facts.map(([field, value]) => ({ field, value })),
      ["field", "value"],
    );
    if (states === null) return say("No gateway runs here that could tell what is used of it.");
    for (const state of states as JsonObject[]) {
      const rows = Object.entries(state).map(([field, value]) => ({ field, value }));
      printTable(rows, ["field", "value"]);
    }
  },
});
