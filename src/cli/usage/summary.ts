// `tokligence usage summary`: the sums of the books.

import { defineCommand } from "citty";
import { printSummary } from "../../ledger/index.ts";
import { runWithStore } from "../open.ts";
import { printJson, printTable } from "../output.ts";
import { FILTER_ARGS, readFilter } from "./filter.ts";

export default defineCommand({
  meta: { name: "summary", description: "Print sums: requests, tokens, cost" },
  args: FILTER_ARGS,
  async run({ args }) {
    const summary = await runWithStore(args, async (opened) =>
      opened.store.ledger.summarize(await readFilter(args, opened)),
    );
    const printed = printSummary(summary);
    if (args.json === true) return printJson(printed);
    const rows = Object.entries(printed).filter(([name]) => name !== "cost_nanos");
    printTable(
      rows.map(([name, value]) => ({ what: name.replaceAll("_", " "), value })),
      ["what", "value"],
    );
  },
});
