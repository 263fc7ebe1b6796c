// `tokligence admin settings list`: every setting in effect, who said it, and whether it can be changed while the gateway runs.

import { defineCommand } from "citty";
import { printSettings } from "../../../server/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { printJson, printTable, say } from "../../output.ts";
import { runWithBook } from "./rules.ts";

export default defineCommand({
  meta: { name: "list", description: "List the settings in effect, with who said each; secrets are masked" },
  args: {
    changeable: { type: "boolean", description: "Only those that can be changed while the gateway runs" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const { row, loaded } = await runWithBook(args, (book) => book.read());
    const printed = printSettings(loaded, row);
    const all = printed["values"] as { key: string; value: string | null; origin: string; changeable: boolean }[];
    const values = args.changeable === true ? all.filter(({ changeable }) => changeable) : all;
    if (args.json === true) return printJson({ ...printed, values });
    printTable(
      values.map(({ changeable, value, ...each }) => ({
        ...each,
        value: value ?? "",
        changeable: changeable ? "yes" : "no",
      })),
      ["key", "value", "origin", "changeable"],
    );
    for (const warning of loaded.warnings) say(`warning: ${warning}`);
  },
});
