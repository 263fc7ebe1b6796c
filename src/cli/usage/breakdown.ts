// `tokligence usage breakdown`: the sums of the books by user, key, model and so on, the dearest first.

import { defineCommand } from "citty";
import { type Dimension, DIMENSIONS, printBreakdown, printGap } from "../../ledger/index.ts";
import { runWithStore } from "../open.ts";
import { printJson, printTable } from "../output.ts";
import { readList, refuseValue } from "../value.ts";
import { FILTER_ARGS, readFilter } from "./filter.ts";
import { sayGap, SUM_COLUMNS, toCells } from "./table.ts";

export default defineCommand({
  meta: { name: "breakdown", description: "Print sums by user, key, model, provider, ..." },
  args: {
    ...FILTER_ARGS,
    by: {
      type: "string",
      required: true,
      description: `One or several of ${DIMENSIONS.join(",")}`,
      valueHint: "NAMES",
    },
  },
  async run({ args }) {
    const by = readBy(args.by);
    const report = await runWithStore(args, async (opened) =>
      opened.store.ledger.report({ filter: await readFilter(args, opened), by, edges: [] }),
    );
    const groups = printBreakdown(by, report.groups);
    if (args.json === true) return printJson({ by, groups, ...printGap(report) });
    const names = by.includes("direction") ? by : [...by, "direction" as const];
    printTable(
      groups.map((group) => ({ ...Object.fromEntries(names.map((name) => [name, group[name]])), ...toCells(group) })),
      [...names, ...SUM_COLUMNS],
    );
    sayGap(report);
  },
});

function readBy(text: string): Dimension[] {
  const names = readList(text);
  const known = names.filter((name): name is Dimension => (DIMENSIONS as readonly string[]).includes(name));
  if (known.length > 0 && known.length === names.length && new Set(names).size === names.length) return known;
  throw refuseValue("by", `${JSON.stringify(text)} is not one or several of ${DIMENSIONS.join(", ")}`);
}
