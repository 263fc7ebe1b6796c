// `tokligence admin routes show`: what one route says, and whether it is in force.

import { defineCommand } from "citty";
import { PLACE_ARGS } from "../../flags.ts";
import { printJson, printTable } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { NAME_ARG, openBook } from "./rules.ts";

export default defineCommand({
  meta: { name: "show", description: "Show a route" },
  args: { ...NAME_ARG, ...PLACE_ARGS },
  async run({ args }) {
    const route = await runAtPlace(args, (place) => openBook(place).show(args.name));
    if (args.json === true) return printJson({ route });
    const facts = Object.entries(route).filter(([, value]) => value !== null);
    printTable(
      facts.map(([field, value]) => ({ field, value })),
      ["field", "value"],
    );
  },
});
