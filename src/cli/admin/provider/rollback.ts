// `tokligence admin providers rollback`: says again what a version said, as a new version. Keys stay as they are, and go only where they were set for.

import { defineCommand } from "citty";
import { printProviderVersion } from "../../../server/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { runWithStore } from "../../open.ts";
import { print, printJson } from "../../output.ts";
import { CHANGE_ARGS, NAME_ARG, openBook, readChange, readVersion } from "./rules.ts";

export default defineCommand({
  meta: { name: "rollback", description: "Put an earlier version of a provider in force again, with the keys of now" },
  args: {
    ...NAME_ARG,
    to: { type: "string", required: true, description: "The version, as history lists it", valueHint: "VERSION" },
    ...CHANGE_ARGS,
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const to = readVersion("to", args.to);
    const version = await runWithStore(args, async (opened) => (await openBook(opened)).rollback(readChange(args), to));
    if (args.json === true) return printJson({ provider: printProviderVersion(version) });
    print(`Provider ${version.name} says what version ${to} said, in version ${version.version}`);
  },
});
