// `tokligence admin api-keys update`: changes what a key may do; its token stays. Only what is said is changed.

import { defineCommand } from "citty";
import { printKey } from "../../../identity/index.ts";
import { CliError, EXIT } from "../../error.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { OPERATOR } from "../../open.ts";
import { print, printJson } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { KEY_ARGS, readKeyFlags } from "./limit.ts";

export default defineCommand({
  meta: { name: "update", description: "Change what an API key may do; none takes a limit away" },
  args: {
    id: { type: "string", required: true, description: "Id of the key", valueHint: "KEY" },
    ...KEY_ARGS,
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const wish = readKeyFlags(args);
    if (Object.values(wish).every((value) => value === undefined)) {
      throw new CliError("Say what is to be changed.", {
        exitCode: EXIT.usage,
        hint: "tokligence admin api-keys update --id KEY --allow-models 'gpt-4o*' --tags team=a",
      });
    }
    const key = await runAtPlace(args, ({ directory }) => directory.updateKey(OPERATOR, args.id, wish));
    if (args.json === true) return printJson({ api_key: printKey(key) });
    print(`Updated API key ${key.id}`);
  },
});
