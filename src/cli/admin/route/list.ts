// `tokligence admin routes list`: every route with a name, where it comes from, and whether it is in force.

import { defineCommand } from "citty";
import { SOURCES } from "../../../server/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { printJson, printTable, printWord } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { chooseRows, pickWord } from "../choose.ts";
import { openBook } from "./rules.ts";

export default defineCommand({
  meta: { name: "list", description: "List routes: those of the configuration, and those of run time above them" },
  args: {
    ...PLACE_ARGS,
    source: {
      type: "string",
      description: "Only those of the configuration (config), or of run time (runtime)",
      valueHint: "SOURCE",
    },
  },
  async run({ args }) {
    const source = pickWord("source", args.source, SOURCES);
    const routes = chooseRows(await runAtPlace(args, (place) => openBook(place).list()), { source });
    if (args.json === true) return printJson({ routes });
    const rows = routes.map(({ name, source, version, match, strategy, origin, ...route }) => ({
      name,
      source,
      version: version ?? null,
      in_force: route["in_force"] === true ? "yes" : `no: ${printWord(route["why_not"])}`,
      match,
      strategy: strategy ?? "priority",
      origin,
    }));
    printTable(rows, ["name", "source", "version", "in_force", "match", "strategy", "origin"]);
  },
});
