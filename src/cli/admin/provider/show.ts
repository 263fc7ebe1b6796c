// `tokligence admin providers show`: what one provider says, which keys it has by their ends, and where these may go.

import { defineCommand } from "citty";
import { PLACE_ARGS } from "../../flags.ts";
import { printJson, printTable, printWord } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { openDesk } from "./desk.ts";
import { NAME_ARG } from "./rules.ts";

export default defineCommand({
  meta: { name: "show", description: "Show a provider" },
  args: { ...NAME_ARG, ...PLACE_ARGS },
  async run({ args }) {
    const provider = await runAtPlace(args, (place) => openDesk(place).show(args.name));
    if (args.json === true) return printJson({ provider });
    const facts = Object.entries(provider).filter(([, value]) => value !== null);
    printTable(
      // Numbers would stand to the right of everything else.
      facts.map(([field, value]) => ({ field, value: typeof value === "number" ? printWord(value) : value })),
      ["field", "value"],
    );
  },
});
