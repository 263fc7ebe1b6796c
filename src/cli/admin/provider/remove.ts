// `tokligence admin providers remove`: the provider and its keys are gone, its history stays; one of the configuration with its name is in force again.

import { defineCommand } from "citty";
import { PLACE_ARGS } from "../../flags.ts";
import { print, printJson } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { openDesk } from "./desk.ts";
import { NAME_ARG } from "./rules.ts";
import { CHANGE_ARGS, readChange } from "../version.ts";

export default defineCommand({
  meta: { name: "remove", description: "Remove a provider and its keys; its history stays, without the keys" },
  args: { ...NAME_ARG, ...CHANGE_ARGS, ...PLACE_ARGS },
  async run({ args }) {
    const provider = await runAtPlace(args, (place) => openDesk(place).delete(readChange(args)));
    if (args.json === true) return printJson({ provider });
    print(
      `Removed provider ${args.name} and its keys; rollback to version ${Number(provider["version"]) - 1} brings it back without them`,
    );
  },
});
