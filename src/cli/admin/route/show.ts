// `tokligence admin routes show`: what one route says, and whether it is in force.

import { defineCommand } from "citty";
import { mergeRoutes, printStanding } from "../../../server/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { runWithStore } from "../../open.ts";
import { printJson, printTable } from "../../output.ts";
import { NAME_ARG, openBook } from "./rules.ts";

export default defineCommand({
  meta: { name: "show", description: "Show a route" },
  args: { ...NAME_ARG, ...SHARED_ARGS },
  async run({ args }) {
    const found = await runWithStore(args, async (opened) => {
      const { standing } = mergeRoutes(opened.config, await opened.store.routes.list());
      const route = standing.find(({ name }) => name === args.name);
      // Says what is missing.
      if (route === undefined) await openBook(opened).get(args.name);
      return route;
    });
    if (found === undefined) return;
    const printed = printStanding(found);
    if (args.json === true) return printJson({ route: printed });
    const facts = Object.entries(printed).filter(([, value]) => value !== null);
    printTable(
      facts.map(([field, value]) => ({ field, value })),
      ["field", "value"],
    );
  },
});
