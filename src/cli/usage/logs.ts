// `tokligence usage logs`: the rows of the books, newest first, a page at a time.

import { defineCommand } from "citty";
import { findRoute, formatUsd, type LedgerEntry, printEntries } from "../../ledger/index.ts";
import { runWithStore } from "../open.ts";
import { printJson, printTable, say } from "../output.ts";
import { readInteger } from "../value.ts";
import { FILTER_ARGS, readFilter } from "./filter.ts";

export default defineCommand({
  meta: { name: "logs", description: "Print rows, newest first" },
  args: {
    ...FILTER_ARGS,
    limit: { type: "string", default: "20", description: "Rows at most, up to 1000", valueHint: "N" },
    cursor: { type: "string", description: "Go on where the page before ended", valueHint: "CURSOR" },
  },
  async run({ args }) {
    const limit = readInteger("limit", args.limit, { least: 1, most: 1_000 });
    const page = await runWithStore(args, async (opened) =>
      opened.store.ledger.page(await readFilter(args, opened), limit, args.cursor ?? null),
    );
    if (args.json === true) {
      return printJson({ entries: printEntries(page), next_cursor: page.nextCursor });
    }
    printTable(page.entries.map(toRow), [
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
    if (page.nextCursor !== null) say(`There are more: --cursor ${page.nextCursor}`);
  },
});

function toRow(entry: LedgerEntry) {
  const { freshInputTokens: fresh, cacheReadTokens: read, cacheWriteTokens: write } = entry;
  return {
    time: entry.createdAt,
    model: entry.modelServed ?? entry.modelAsked,
    provider: entry.provider,
    route: findRoute(entry),
    status: entry.status,
    in: fresh === null ? null : fresh + (read ?? 0) + (write ?? 0),
    out: entry.outputTokens,
    cost_usd: entry.costNanos === null ? null : formatUsd(entry.costNanos),
    ms: Math.round(entry.latencyMs),
    key: entry.apiKeyId,
  };
}
