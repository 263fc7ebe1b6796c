// `tokligence usage breakdown`: the sums of the books by user, key, model and so on, the dearest first.

import { defineCommand } from "citty";
import { type Dimension, DIMENSIONS } from "../../ledger/index.ts";
import { printJson, printTable } from "../output.ts";
import { runAtPlace } from "../place.ts";
import { splitKey } from "../remote/target.ts";
import { readList, refuseValue } from "../value.ts";
import { openBooks } from "./desk.ts";
import { FILTER_ARGS, readFilter } from "./filter.ts";
import { listObjects, sayGap, SUM_COLUMNS, toCells } from "./table.ts";

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
    const report = await runAtPlace(splitKey(args).flags, async (place) =>
      openBooks(place).breakdown(await readFilter(args, place), by),
    );
    if (args.json === true) return printJson(report);
    const names = by.includes("direction") ? by : [...by, "direction" as const];
    printTable(
      listObjects(report["groups"]).map((group) => ({
        ...Object.fromEntries(names.map((name) => [name, group[name]])),
        ...toCells(group),
      })),
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
