// `tokligence admin routes delete`: the route is gone, its history stays; one of the configuration with its name is in force again.

import { defineCommand } from "citty";
import { printVersion } from "../../../server/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { runWithStore } from "../../open.ts";
import { print, printJson } from "../../output.ts";
import { CHANGE_ARGS, NAME_ARG, openBook, readChange } from "./rules.ts";

export default defineCommand({
  meta: { name: "delete", description: "Delete a route; its history stays" },
  args: { ...NAME_ARG, ...CHANGE_ARGS, ...SHARED_ARGS },
  async run({ args }) {
    const version = await runWithStore(args, (opened) => openBook(opened).delete(readChange(args)));
    if (args.json === true) return printJson({ route: printVersion(version) });
    print(`Deleted route ${version.name}; version ${version.version - 1} can be had again by rollback`);
  },
});
