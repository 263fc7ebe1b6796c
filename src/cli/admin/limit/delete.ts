// `tokligence admin limits delete`: the limit is lifted within a second.

import { defineCommand } from "citty";
import { PLACE_ARGS } from "../../flags.ts";
import { print, printJson } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { NAME_ARG, openBook, readChange } from "./rules.ts";
import { VERSION_ARG } from "../version.ts";

export default defineCommand({
  meta: { name: "delete", description: "Lift a rate limit" },
  args: { ...NAME_ARG, ...VERSION_ARG, ...PLACE_ARGS },
  async run({ args }) {
    await runAtPlace(args, (place) => openBook(place).delete(args.name, readChange(args)));
    if (args.json === true) return printJson({ deleted: args.name });
    print(`Deleted rate limit ${args.name}`);
  },
});
