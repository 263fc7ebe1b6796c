// `tokligence usage summary`: the sums of the books.

import { defineCommand } from "citty";
import type { JsonObject } from "../../ir/index.ts";
import { printJson, printTable } from "../output.ts";
import { runAtPlace } from "../place.ts";
import { splitKey } from "../remote/target.ts";
import { openBooks } from "./desk.ts";
import { FILTER_ARGS, readFilter } from "./filter.ts";
import { sayGap } from "./table.ts";

export default defineCommand({
  meta: { name: "summary", description: "Print sums: requests, tokens, cost" },
  args: FILTER_ARGS,
  async run({ args }) {
    const report = await runAtPlace(splitKey(args).flags, async (place) =>
      openBooks(place).summary(await readFilter(args, place)),
    );
    if (args.json === true) return printJson(report);
    const { supply, rows_removed_before: _moment, ...sums } = report;
    printTable([...toRows("", sums), ...toRows("supplied ", supply)], ["what", "value"]);
    sayGap(report);
  },
});

/** In JSON alone: as nano-dollars, as averages, and as parts of what is listed. */
const UNLISTED = ["average_latency_ms", "average_ttft_ms", "cost_nanos", "long_cache_write_tokens", "saved_cost_nanos"];

/** Listed only where answers were given again. */
const OF_REUSE = ["reused_requests", "saved_cost_usd", "saved_tokens"];

/** What was sold is listed only where there is something. */
function toRows(prefix: string, sums: unknown): { what: string; value: unknown }[] {
  const isReused = (sums as JsonObject)["reused_requests"] !== 0;
  const named = Object.entries(sums as JsonObject).filter(
    ([name]) => !UNLISTED.includes(name) && (isReused || !OF_REUSE.includes(name)),
  );
  if (prefix !== "" && named.every(([name, value]) => name !== "requests" || value === 0)) return [];
  return named.map(([name, value]) => ({ what: `${prefix}${name.replaceAll("_", " ")}`, value }));
}
