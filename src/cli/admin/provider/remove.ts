// `tokligence admin providers remove`: the provider and its keys are gone, its history stays; one of the configuration with its name is in force again.

import { defineCommand } from "citty";
import { printProviderVersion } from "../../../server/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { runWithStore } from "../../open.ts";
import { print, printJson } from "../../output.ts";
import { CHANGE_ARGS, NAME_ARG, openBook, readChange } from "./rules.ts";

export default defineCommand({
  meta: { name: "remove", description: "Remove a provider and its keys; its history stays, without the keys" },
  args: { ...NAME_ARG, ...CHANGE_ARGS, ...SHARED_ARGS },
  async run({ args }) {
    const version = await runWithStore(args, async (opened) => (await openBook(opened)).delete(readChange(args)));
    if (args.json === true) return printJson({ provider: printProviderVersion(version) });
    print(
      `Removed provider ${version.name} and its keys; rollback to version ${version.version - 1} brings it back without them`,
    );
  },
});
