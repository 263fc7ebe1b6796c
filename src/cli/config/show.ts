// `tokligence config show`: every setting in effect, and with --origin who said it. Secrets are masked by the room that reads them.

import { defineCommand } from "citty";
import { loadConfig } from "../../config/index.ts";
import { printJson, printTable, say } from "../output.ts";
import { SHARED_ARGS, toLoadOptions } from "../flags.ts";

export default defineCommand({
  meta: { name: "show", description: "Print every setting in effect, secrets masked" },
  args: {
    ...SHARED_ARGS,
    origin: { type: "boolean", description: "Also print where each setting comes from" },
  },
  async run({ args }) {
    const { effective, files, warnings } = await loadConfig(toLoadOptions(args));
    if (args.json === true) return printJson({ values: effective, files, warnings });
    const rows = effective.map(({ key, value, origin }) => ({ key, value: value ?? "", origin }));
    printTable(rows, args.origin === true ? ["key", "value", "origin"] : ["key", "value"]);
    for (const warning of warnings) say(`warning: ${warning}`);
  },
});
