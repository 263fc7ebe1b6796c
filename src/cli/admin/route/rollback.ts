// `tokligence admin routes rollback`: says again what a version said, as a new version.

import { defineCommand } from "citty";
import { PLACE_ARGS } from "../../flags.ts";
import { print, printJson, printWord } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { NAME_ARG, openBook } from "./rules.ts";
import { CHANGE_ARGS, readChange, readVersion } from "../version.ts";

export default defineCommand({
  meta: { name: "rollback", description: "Put an earlier version of a route in force again" },
  args: {
    ...NAME_ARG,
    to: { type: "string", required: true, description: "The version, as history lists it", valueHint: "VERSION" },
    ...CHANGE_ARGS,
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const to = readVersion("to", args.to);
    const route = await runAtPlace(args, (place) => openBook(place).rollback(readChange(args), to));
    if (args.json === true) return printJson({ route });
    print(`Route ${args.name} says what version ${to} said, in version ${printWord(route["version"])}`);
  },
});
