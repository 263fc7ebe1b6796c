// `tokligence admin settings list`: every setting in effect, who said it, and whether it can be changed while the gateway runs.

import { defineCommand } from "citty";
import { PLACE_ARGS } from "../../flags.ts";
import { printJson, printTable, printWord, say } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { openSettings } from "./rules.ts";

export default defineCommand({
  meta: { name: "list", description: "List the settings in effect, with who said each; secrets are masked" },
  args: {
    changeable: { type: "boolean", description: "Only those that can be changed while the gateway runs" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const printed = await runAtPlace(args, (place) => openSettings(place, args).read());
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
    const { warnings } = printed;
    for (const warning of Array.isArray(warnings) ? warnings : []) say(`warning: ${printWord(warning)}`);
  },
});
