// `tokligence admin routes delete`: the route is gone, its history stays; one of the configuration with its name is in force again.

import { defineCommand } from "citty";
import { PLACE_ARGS } from "../../flags.ts";
import { print, printJson } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { NAME_ARG, openBook } from "./rules.ts";
import { CHANGE_ARGS, readChange } from "../version.ts";

export default defineCommand({
  meta: { name: "delete", description: "Delete a route; its history stays" },
  args: { ...NAME_ARG, ...CHANGE_ARGS, ...PLACE_ARGS },
  async run({ args }) {
    const route = await runAtPlace(args, (place) => openBook(place).delete(readChange(args)));
    if (args.json === true) return printJson({ route });
    print(`Deleted route ${args.name}; version ${Number(route["version"]) - 1} can be had again by rollback`);
  },
});
