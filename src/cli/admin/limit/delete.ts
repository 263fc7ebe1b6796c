// `tokligence admin limits delete`: the limit is lifted within a second.

import { defineCommand } from "citty";
import { SHARED_ARGS } from "../../flags.ts";
import { runWithStore } from "../../open.ts";
import { print, printJson } from "../../output.ts";
import { NAME_ARG, VERSION_ARG, openBook, readChange } from "./rules.ts";

export default defineCommand({
  meta: { name: "delete", description: "Lift a rate limit" },
  args: { ...NAME_ARG, ...VERSION_ARG, ...SHARED_ARGS },
  async run({ args }) {
    await runWithStore(args, (opened) => openBook(opened).delete(args.name, readChange(args)));
    if (args.json === true) return printJson({ deleted: args.name });
    print(`Deleted rate limit ${args.name}`);
  },
});
