// `tokligence config validate`: everything that is wrong with the configuration, at once, by file and line.

import { defineCommand } from "citty";
import type { Loaded } from "../../config/index.ts";
import { ConfigError, loadConfig } from "../../config/index.ts";
import { print, printJson, say } from "../output.ts";
import type { ConfigFlags } from "../flags.ts";
import { SHARED_ARGS, toLoadOptions } from "../flags.ts";

export default defineCommand({
  meta: { name: "validate", description: "Check the configuration; exit code 1 where it cannot be used" },
  args: SHARED_ARGS,
  async run({ args }) {
    const { files, warnings } = await load(args);
    if (args.json === true) return printJson({ valid: true, problems: [], files, warnings });
    for (const file of files) say(`read ${file}`);
    for (const warning of warnings) say(`warning: ${warning}`);
    print("configuration is valid");
  },
});

/** What is wrong is the answer that was asked for, so as JSON it goes to stdout too. */
async function load(args: ConfigFlags): Promise<Loaded> {
  try {
    return await loadConfig(toLoadOptions(args));
  } catch (error) {
    if (error instanceof ConfigError && args.json === true) printJson({ valid: false, problems: error.problems });
    throw error;
  }
}
