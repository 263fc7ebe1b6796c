// `tokligence admin providers rollback`: says again what a version said, as a new version. Keys stay as they are, and go only where they were set for.

import { defineCommand } from "citty";
import { PLACE_ARGS } from "../../flags.ts";
import { print, printJson, printWord } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { openDesk } from "./desk.ts";
import { NAME_ARG } from "./rules.ts";
import { CHANGE_ARGS, readChange, readVersion } from "../version.ts";

export default defineCommand({
  meta: { name: "rollback", description: "Put an earlier version of a provider in force again, with the keys of now" },
  args: {
    ...NAME_ARG,
    to: { type: "string", required: true, description: "The version, as history lists it", valueHint: "VERSION" },
    ...CHANGE_ARGS,
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const to = readVersion("to", args.to);
    const provider = await runAtPlace(args, (place) => openDesk(place).rollback(readChange(args), to));
    if (args.json === true) return printJson({ provider });
    print(`Provider ${args.name} says what version ${to} said, in version ${printWord(provider["version"])}`);
  },
});
