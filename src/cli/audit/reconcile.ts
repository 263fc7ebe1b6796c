// `tokligence audit reconcile`: a provider's own export beside the books, line by line. Ends with 0 where they agree, and with 5 where not.

import { defineCommand } from "citty";
import {
  type BookReader,
  type ComparedLine,
  type ExportFile,
  type Report,
  createSplit,
  isBookedKnown,
  printReport,
  printReportCsv,
  reconcile,
} from "../../audit/index.ts";
import type { Config } from "../../config/index.ts";
import { formatUsd } from "../../ledger/index.ts";
import { type TimeZone, openTimeZone } from "../../lib/time-zone.ts";
import type { Provider } from "../../provider/index.ts";
import type { Store } from "../../store/index.ts";
import { CliError, EXIT } from "../error.ts";
import { refuseDatabase } from "../export-file.ts";
import { SHARED_ARGS } from "../flags.ts";
import { runWithStore } from "../open.ts";
import { print, printJson, printTable, say, startProgress } from "../output.ts";
import { openCounter } from "../prices/counter.ts";
import { readList, refuseValue } from "../value.ts";

export default defineCommand({
  meta: { name: "reconcile", description: "Compare a provider's usage or cost export with the books" },
  args: {
    provider: {
      type: "string",
      required: true,
      description: "Name of the provider in the configuration; several with commas between",
      valueHint: "NAME",
    },
    file: {
      type: "string",
      required: true,
      description: "CSV or JSON as the provider exports it; usage and cost together with a comma between",
      valueHint: "FILE",
    },
    from: { type: "string", description: "First day; the export's own where it is missing", valueHint: "DAY" },
    to: { type: "string", description: "Last day, which is part of it", valueHint: "DAY" },
    map: {
      type: "string",
      description: "Columns of a file that is not known here: day=Date,model=Model,input=Prompt,output=Reply,cost=USD",
      valueHint: "MAP",
    },
    format: {
      type: "string",
      description: "What the files are, where that is known better than by their columns: openai-usage,…",
      valueHint: "NAMES",
    },
    keys: {
      type: "string",
      description:
        "Whose keys the export names: KEY=PROVIDER,… by name, id or last four, or KEY=PROVIDER#LABEL where a provider has several keys; KEY=- leaves one out",
      valueHint: "MAP",
    },
    alias: { type: "string", description: "Models under other names: NAME-IN-FILE=NAME-IN-BOOKS,…", valueHint: "MAP" },
    tolerance: {
      type: "string",
      default: "0",
      description: "Percent by which figures may differ",
      valueHint: "PERCENT",
    },
    "time-zone": { type: "string", description: "Zone of the export's days, such as Europe/Berlin", valueHint: "ZONE" },
    ignore: { type: "string", description: "Columns that hold neither tokens nor money", valueHint: "NAMES" },
    output: { type: "string", alias: "o", description: "Write all lines to a CSV", valueHint: "FILE" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const zone = args["time-zone"] === undefined ? null : readZone(args["time-zone"]);
    const providers = readList(args.provider);
    const progress = startProgress("reading the books: calls");
    const { desk, scene } = await openCounter(args);
    await desk.open();
    const report = await runWithStore(args, async ({ config, store }) =>
      reconcile(await Promise.all(readList(args.file).map(openExport)), toReader(store), {
        providers,
        from: args.from === undefined ? null : readDayFlag("from", args.from),
        to: args.to === undefined ? null : readDayFlag("to", args.to),
        map: args.map ?? null,
        formats: args.format === undefined ? null : readList(args.format),
        billers: listBillers(scene.providers.values()),
        zone,
        ignore: readList(args.ignore ?? ""),
        tolerancePpm: readTolerance(args.tolerance),
        aliases: readPairs("alias", args.alias ?? ""),
        keys: args.keys === undefined ? null : makeKeyFinder(readPairs("keys", args.keys), config, providers),
        split: createSplit({ book: desk.book, pricingOf: (name) => scene.providers.get(name)?.pricing }),
        nowMs: Date.now(),
        onProgress: (calls) => progress.update(calls, calls),
      }).finally(() => progress.end()),
    );
    if (args.output !== undefined) await writeCsv(args.output, report);
    if (args.json === true) printJson(printReport(report));
    else printForPeople(report);
    if (!report.agrees) {
      throw new CliError(`The export and the books do not agree: ${countOff(report)}.`, {
        exitCode: EXIT.conflict,
        hint: `To prove your side: tokligence audit pack --provider ${args.provider} --from ${printMoment(report.span.from)} --to ${printMoment(report.span.to)} -o pack.zip`,
      });
    }
  },
});

/** Whoever has the price list of a provider sends its bill. */
function listBillers(providers: Iterable<Provider>): Map<string, string> {
  return new Map(
    [...providers].flatMap(({ name, pricing }) =>
      typeof pricing === "object" && "vendor" in pricing ? [[name, pricing.vendor] as const] : [],
    ),
  );
}

function toReader({ audit, ledger }: Store): BookReader {
  return { calls: audit.calls, corrections: ledger.corrections, removedBefore: audit.removedBefore };
}

/** A day alone where it begins at midnight UTC. */
function printMoment(at: Date): string {
  return at
    .toISOString()
    .replace(/T00:00:00\.000Z$/u, "")
    .replace(".000Z", "Z");
}

function countOff({ counts }: Report): string {
  const words = {
    missing: "missing",
    extra: "extra",
    tokens: "with other tokens",
    mispriced: "mispriced",
    unpriced: "unpriced",
  };
  return Object.entries(words)
    .flatMap(([name, word]) => {
      const count = counts[name as keyof typeof words];
      return count === 0 ? [] : [`${count} ${word}`];
    })
    .join(", ");
}

async function openExport(path: string): Promise<ExportFile> {
  const file = Bun.file(path);
  if (!(await file.exists())) {
    throw new CliError(`${path} is not there.`, {
      exitCode: EXIT.notFound,
      hint: "Give the path of the export: --file usage.csv",
    });
  }
  const progress = startProgress(`reading ${path}: bytes`);
  return {
    name: path,
    bytes: () => file.stream(),
    onProgress: (bytes) => (bytes >= file.size ? progress.end() : progress.update(bytes, file.size)),
  };
}

function readZone(name: string): TimeZone {
  const zone = openTimeZone(name);
  if (zone === null)
    throw refuseValue("time-zone", `there is no zone ${JSON.stringify(name)}; it looks like Europe/Berlin or UTC`);
  return zone;
}

function readDayFlag(flag: string, text: string): string {
  const isDay = /^\d{4}-\d{2}-\d{2}$/u.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`));
  if (!isDay) throw refuseValue(flag, `${JSON.stringify(text)} is no day; write it like 2026-01-31`);
  return text;
}

/** Millionths. */
function readTolerance(text: string): number {
  const percent = /^\d{1,2}(?:\.\d{1,4})?%?$/u.test(text) ? Number.parseFloat(text) : Number.NaN;
  if (Number.isNaN(percent))
    throw refuseValue("tolerance", `${JSON.stringify(text)} is no percentage; write it like 0.5`);
  return Math.round(percent * 10_000);
}

function readPairs(flag: string, text: string): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of readList(text)) {
    const at = pair.lastIndexOf("=");
    if (at < 1 || at === pair.length - 1)
      throw refuseValue(flag, `${JSON.stringify(pair)} is no pair; write it like this=that`);
    pairs.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim());
  }
  return pairs;
}

const LEAVE_OUT = "-";

/** A key by what the operator says, else by the end that an export leaves readable of it. */
function makeKeyFinder(
  pairs: ReadonlyMap<string, string>,
  config: Config,
  providers: readonly string[],
): (key: string) => string | null {
  const ends = new Map(
    config.providers.flatMap(({ name, apiKey, keys }) => {
      if (!providers.includes(name)) return [];
      if (keys !== undefined) return keys.map((key) => [key.apiKey.slice(-4), `${name}#${key.label}`] as const);
      return apiKey === null ? [] : [[apiKey.slice(-4), name] as const];
    }),
  );
  const find = (name: string): string | undefined => {
    const last = /(?:[.*…•]+|^)(\w{4})$/u.exec(name)?.[1];
    return pairs.get(name) ?? (last === undefined ? undefined : (pairs.get(last) ?? ends.get(last)));
  };
  return (key) => {
    const names = key.split("\n");
    const found = names.map(find).find((one) => one !== undefined);
    if (found === LEAVE_OUT) return null;
    return found ?? names[0] ?? key;
  };
}

async function writeCsv(path: string, report: Report): Promise<void> {
  await refuseDatabase(path);
  try {
    await Bun.write(path, [...printReportCsv(report)].join(""));
  } catch (error) {
    throw new CliError(`${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`, {
      exitCode: EXIT.failed,
      hint: "Choose another place: -o report.csv",
    });
  }
  say(`The lines are in ${path}.`);
}

function printForPeople(report: Report): void {
  const { days, totals } = report;
  print(
    `${report.providers.join(", ")}, ${days.from} to ${days.to} (${report.timeZone}), by ${report.matchedBy.join(", ")}`,
  );
  print(`Export: ${report.formats.join("; ")}`);
  print("");
  const rows = report.lines.filter(({ verdict }) => verdict !== "agrees").map(toRow);
  if (rows.length > 0) {
    const columns = [
      "day",
      "model",
      "verdict",
      "in_billed",
      "in_booked",
      "out_billed",
      "out_booked",
      "usd_billed",
      "usd_booked",
      "usd_difference",
      "off_in",
    ] as const;
    printTable(rows, report.matchedBy.includes("key") ? ["key", ...columns] : columns);
    print("");
  }
  const whole = toRow({ ...EMPTY_LINE, tokens: totals.tokens, money: totals.money });
  printTable(
    [
      { what: "tokens in", billed: whole.in_billed, booked: whole.in_booked },
      { what: "tokens out", billed: whole.out_billed, booked: whole.out_booked },
      { what: "US dollars", billed: whole.usd_billed, booked: whole.usd_booked },
    ],
    ["what", "billed", "booked"],
  );
  print("");
  const agreeing = report.counts.agrees + report.counts.shifted;
  print(
    `${agreeing} of ${report.lines.length} lines agree${report.agrees ? ": the export and the books say the same." : "."}`,
  );
  for (const note of report.notes) say(`note: ${note}`);
}

const EMPTY_LINE: ComparedLine = {
  day: "",
  models: { billed: [], booked: [] },
  key: null,
  verdict: "agrees",
  requests: { billed: null, booked: null },
  tokens: {},
  money: null,
  billedFor: {},
  bookedFor: {},
  offIn: [],
  unpriced: 0,
};

function toRow(line: ComparedLine) {
  const { tokens, money } = line;
  const input = (side: "billed" | "booked"): number | null => {
    const counts = [tokens.input, tokens.fresh, tokens.cacheRead, tokens.cacheWrite].flatMap(
      (pair) => pair?.[side] ?? [],
    );
    return counts.length === 0 ? null : counts.reduce((sum, count) => sum + count, 0);
  };
  return {
    day: line.day,
    model: (line.models.booked[0] ?? line.models.billed[0] ?? "") || null,
    key: line.key,
    verdict: line.verdict,
    in_billed: input("billed"),
    in_booked: input("booked"),
    out_billed: tokens.output?.billed ?? null,
    out_booked: tokens.output?.booked ?? null,
    usd_billed: money === null ? null : formatUsd(money.billed),
    usd_booked: money === null || !isBookedKnown(line) ? null : formatUsd(money.booked),
    usd_difference: money === null || !isBookedKnown(line) ? null : formatUsd(money.billed - money.booked),
    off_in: line.offIn.map((part) => part.replaceAll(/[A-Z]/gu, (letter) => ` ${letter.toLowerCase()}`)).join(", "),
  };
}
