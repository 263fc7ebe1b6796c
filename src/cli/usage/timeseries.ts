// `tokligence usage timeseries`: the sums of the books by hour, day, week or month of a time zone.

import { defineCommand } from "citty";
import { layEdges, printGap, printTimeline } from "../../ledger/index.ts";
import { BUCKETS } from "../../lib/zone.ts";
import { runWithStore } from "../open.ts";
import { printJson, printTable } from "../output.ts";
import { refuseValue } from "../value.ts";
import { FILTER_ARGS, readFilter, readZone } from "./filter.ts";
import { sayGap, SUM_COLUMNS, toCells } from "./table.ts";

export default defineCommand({
  meta: { name: "timeseries", description: "Print sums by hour, day, week or month" },
  args: {
    ...FILTER_ARGS,
    bucket: { type: "string", default: "day", description: BUCKETS.join(", "), valueHint: "LENGTH" },
  },
  async run({ args }) {
    const bucket = BUCKETS.find((name) => name === args.bucket);
    if (bucket === undefined)
      throw refuseValue("bucket", `${JSON.stringify(args.bucket)} is none of ${BUCKETS.join(", ")}`);
    const zone = readZone(args);
    const { edges, report } = await runWithStore(args, async (opened) => {
      const filter = await readFilter(args, opened);
      const edges = layEdges({ filter, bucket, zone, nowMs: Date.now() });
      return { edges, report: await opened.store.ledger.report({ filter, by: [], edges }) };
    });
    const series = printTimeline(edges, zone, report.groups);
    if (args.json === true) return printJson({ bucket, tz: zone.name, series, ...printGap(report) });
    printTable(
      series.map((point): Record<string, unknown> => ({ start: point["start"], ...toCells(point) })),
      ["start", ...SUM_COLUMNS],
    );
    sayGap(report);
  },
});
