// `tokligence admin providers show`: what one provider says, which keys it has by their ends, and where these may go.

import { defineCommand } from "citty";
import { printProvider } from "../../../server/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { runWithStore } from "../../open.ts";
import { printJson, printTable } from "../../output.ts";
import { NAME_ARG, findStanding } from "./rules.ts";

export default defineCommand({
  meta: { name: "show", description: "Show a provider" },
  args: { ...NAME_ARG, ...SHARED_ARGS },
  async run({ args }) {
    const provider = printProvider(await runWithStore(args, (opened) => findStanding(opened, args.name)));
    if (args.json === true) return printJson({ provider });
    const facts = Object.entries(provider).filter(([, value]) => value !== null);
    printTable(
      // Numbers would stand to the right of everything else.
      facts.map(([field, value]) => ({ field, value: typeof value === "number" ? String(value) : value })),
      ["field", "value"],
    );
  },
});
