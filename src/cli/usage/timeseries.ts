// `tokligence usage timeseries`: the sums of the books by hour, day, week or month of a time zone.

import { defineCommand } from "citty";
import { BUCKETS } from "../../lib/zone.ts";
import { printJson, printTable } from "../output.ts";
import { runAtPlace } from "../place.ts";
import { splitKey } from "../remote/target.ts";
import { refuseValue } from "../value.ts";
import { openBooks } from "./desk.ts";
import { FILTER_ARGS, readFilter, readZone } from "./filter.ts";
import { listObjects, sayGap, SUM_COLUMNS, toCells } from "./table.ts";

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
    const report = await runAtPlace(splitKey(args).flags, async (place) =>
      openBooks(place).timeseries(await readFilter(args, place), { bucket, zone }),
    );
    if (args.json === true) return printJson(report);
    printTable(
      listObjects(report["series"]).map((point): Record<string, unknown> => ({
        start: point["start"],
        ...toCells(point),
      })),
      ["start", ...SUM_COLUMNS],
    );
    sayGap(report);
  },
});
