// `tokligence audit tokens`: what providers counted beyond our own count, in tokens and in money.

import { defineCommand } from "citty";
import { createSplitCost, readDimensions, reportTokens } from "../../audit/index.ts";
import { type JsonObject, isJsonObject } from "../../ir/index.ts";
import type { LedgerFilter } from "../../ledger/index.ts";
import type { ConfigFlags } from "../flags.ts";
import { openCounter } from "../prices/counter.ts";
import { printJson, printTable, say } from "../output.ts";
import { type Here, runAtPlace } from "../place.ts";
import { splitKey } from "../remote/target.ts";
import { printFilter } from "../usage/desk.ts";
import { FILTER_ARGS, readFilter } from "../usage/filter.ts";
import { readInteger } from "../value.ts";

const METHOD =
  "Sums the provider's count less ours over all counted calls. Bounds are of 95 % confidence: errors of single estimates add up as squares, " +
  "those that one calibration makes everywhere add up plainly; of exact counts only end marks are open. They take a provider's own history for honest as far as " +
  "its family of models may count so: of what is counted too much from the first call on, only what is beyond that is in the sums. Thoughts that a provider " +
  "does not show are taken on its word and told apart as unverified. Money follows each row's own cost";

export default defineCommand({
  meta: { name: "tokens", description: `Print over- and under-billing against our own count. ${METHOD}` },
  args: {
    ...FILTER_ARGS,
    by: {
      type: "string",
      default: "provider,model",
      description: "Groups: any of provider, model, key, user, day (UTC), separated by commas",
      valueHint: "WORDS",
    },
    flagged: { type: "boolean", description: "List the flagged calls with their ids instead" },
    limit: { type: "string", default: "100", description: "Flagged calls at most, up to 10000", valueHint: "N" },
  },
  async run({ args }) {
    const by = readDimensions(args.by);
    const limit = readInteger("limit", args.limit, { least: 1, most: 10_000 });
    const isFlagged = args.flagged === true;
    const report = await runAtPlace(splitKey(args).flags, async (place) => {
      const filter = await readFilter(args, place);
      if (place.remote === null) return count(place, { flags: args, filter, by, flagged: isFlagged ? limit : 0 });
      const more = isFlagged ? { flagged: "true", limit } : {};
      const query = { ...printFilter(filter), by: by.join(","), ...more };
      return place.remote.ask<JsonObject>({ method: "GET", path: "/api/v1/audit/tokens", query }, "groups");
    });
    if (args.json === true) return printJson(report);
    if (isFlagged) printFlagged(report);
    else printGroups(report, by);
    const { rows_removed_before: moment } = report;
    if (typeof moment === "string")
      say(
        `note: rows from before ${moment} have been removed by age, and what was counted of them: nothing here tells of them.`,
      );
  },
});

interface Wanted {
  flags: ConfigFlags;
  filter: LedgerFilter;
  by: ReturnType<typeof readDimensions>;
  /** So many of the calls, at most. */
  flagged: number;
}

async function count({ store }: Here, { flags, filter, by, flagged }: Wanted): Promise<JsonObject> {
  const { desk, scene } = await openCounter(flags);
  await desk.open();
  const pricingOf = (name: string) => scene.providers.get(name)?.pricing;
  const splitCost = createSplitCost({ book: desk.book, pricingOf });
  const progress = createProgress();
  try {
    return await reportTokens({
      calls: store.recounts.calls(filter),
      removedBefore: await store.recounts.removedBefore(filter.from),
      by,
      splitCost,
      flagged,
      onProgress: progress.show,
    });
  } finally {
    progress.clear();
  }
}

const COLUMNS = [
  "rows",
  "counted",
  "exact",
  "provider_tokens",
  "difference",
  "difference_usd",
  "over",
  "over_usd",
  "under",
  "under_usd",
  "unverified",
];

/** On a terminal, a line that is written over; elsewhere nothing. */
function createProgress() {
  const isShown = process.stderr.isTTY;
  return {
    show(rows: number): void {
      if (isShown && rows % 10_000 === 0) process.stderr.write(`\r${rows.toLocaleString("en")} rows`);
    },
    clear(): void {
      if (isShown) process.stderr.write("\r\u001b[K");
    },
  };
}

function printGroups(report: JsonObject, by: readonly string[]): void {
  const groups = listObjects(report["groups"]);
  const total = isJsonObject(report["total"]) ? report["total"] : {};
  const rows = [...groups, ...(groups.length > 1 ? [{ ...total, [by[0] ?? ""]: "total" }] : [])].map((group) => ({
    ...Object.fromEntries(by.map((name) => [name, printCell(group[name])])),
    rows: printCell(group["rows"]),
    counted: printCell(group["counted"]),
    exact: printCell(group["exact"]),
    provider_tokens: printCell(group["provider_tokens"]),
    difference: printInterval(group["difference_tokens"]),
    difference_usd: printInterval(group["difference_usd"]),
    over: printCell(group["flagged_over"]),
    over_usd: printInterval(group["over_billed_usd"]),
    under: printCell(group["flagged_under"]),
    under_usd: printInterval(group["under_billed_usd"]),
    unverified: printCell(group["unverified_tokens"]),
  }));
  printTable<Record<string, unknown>>(rows, [...by, ...COLUMNS]);
  const skipped = isJsonObject(total["skipped"]) ? Object.entries(total["skipped"]) : [];
  if (skipped.length > 0) {
    say(
      `Not counted: ${skipped.map(([reason, count]) => `${printCell(count)} ${reason.replaceAll("_", " ")}`).join(", ")}`,
    );
  }
  const unpriced = Number(total["unpriced"] ?? 0);
  if (unpriced > 0)
    say(
      `Without a cost, and in no sum of money: ${unpriced}. Once their price is known, run \`tokligence ledger reprice\``,
    );
  const flagged = Number(total["flagged_over"] ?? 0) + Number(total["flagged_under"] ?? 0);
  if (flagged > 0) {
    const calls = flagged === 1 ? "1 call lies" : `${flagged} calls lie`;
    say(`${calls} outside of what our count allows; --flagged lists ${flagged === 1 ? "it" : "them"}`);
  }
}

function printFlagged(report: JsonObject): void {
  const calls = listObjects(report["flagged"]);
  const rows = calls.map((call) => ({
    id: printCell(call["id"]),
    time: printCell(call["created_at"]),
    provider: printCell(call["provider"]),
    model: printCell(call["model"]),
    verdict: printCell(call["verdict"]),
    method: printCell(call["method"]),
    in: printSide(call["input"]),
    out: printSide(call["output"]),
    difference: printCell(call["difference_tokens"]),
  }));
  printTable(rows, ["id", "time", "provider", "model", "verdict", "method", "in", "out", "difference"]);
  const all = Number(report["flagged_rows"] ?? 0);
  if (all > calls.length) say(`There are ${all}: raise --limit, or ask for a shorter time with --from and --to`);
}

function listObjects(value: JsonObject[string] | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function printCell(value: JsonObject[string] | undefined): number | string | null {
  return typeof value === "number" || typeof value === "string" ? value : null;
}

/** `12 [8…19]` */
function printInterval(value: JsonObject[string] | undefined): string | null {
  if (!isJsonObject(value)) return null;
  const [sum, low, high] = [printCell(value["sum"]), printCell(value["low"]), printCell(value["high"])];
  return sum === low && sum === high ? `${sum}` : `${sum} [${low}…${high}]`;
}

/** `120 of 100…102`: the provider's count, and what ours allows. */
function printSide(value: JsonObject[string] | undefined): string | null {
  if (!isJsonObject(value)) return null;
  const [provider, low, high] = [printCell(value["provider"]), printCell(value["low"]), printCell(value["high"])];
  if (provider === null || low === null) return provider === null ? null : `${provider}`;
  return `${provider} of ${low === high ? low : `${low}…${high ?? ""}`}`;
}
