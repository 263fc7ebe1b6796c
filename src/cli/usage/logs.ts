// `tokligence usage logs`: the rows of the books, newest first, a page at a time.

import { defineCommand } from "citty";
import type { JsonObject } from "../../ir/index.ts";
import { printJson, printTable, say } from "../output.ts";
import { runAtPlace } from "../place.ts";
import { splitKey } from "../remote/target.ts";
import { readInteger } from "../value.ts";
import { openBooks } from "./desk.ts";
import { FILTER_ARGS, readFilter } from "./filter.ts";
import { listObjects, sayMissing } from "./table.ts";

export default defineCommand({
  meta: { name: "logs", description: "Print rows, newest first" },
  args: {
    ...FILTER_ARGS,
    limit: { type: "string", default: "20", description: "Rows at most, up to 1000", valueHint: "N" },
    cursor: { type: "string", description: "Go on where the page before ended", valueHint: "CURSOR" },
  },
  async run({ args }) {
    const limit = readInteger("limit", args.limit, { least: 1, most: 1_000 });
    const page = await runAtPlace(splitKey(args).flags, async (place) =>
      openBooks(place).logs(await readFilter(args, place), { limit, cursor: args.cursor ?? null }),
    );
    if (args.json === true) return printJson(page);
    printTable(listObjects(page["entries"]).map(toRow), [
      "time",
      "model",
      "provider",
      "route",
      "status",
      "in",
      "out",
      "cost_usd",
      "ms",
      "key",
    ]);
    sayMissing(page);
    const { next_cursor: next } = page;
    if (typeof next === "string") say(`There are more: --cursor ${next}`);
  },
});

function toRow(entry: JsonObject) {
  const { latency_ms: ms, fresh_input_tokens: fresh, cache_read_tokens: read, cache_write_tokens: write } = entry;
  return {
    time: entry["created_at"],
    model: entry["model_served"] ?? entry["model"],
    provider: entry["provider"],
    route: entry["route"],
    status: entry["status"],
    in: typeof fresh === "number" ? fresh + Number(read ?? 0) + Number(write ?? 0) : null,
    out: entry["output_tokens"],
    cost_usd: entry["cost_usd"],
    ms: typeof ms === "number" ? Math.round(ms) : null,
    key: entry["api_key_id"],
  };
}
