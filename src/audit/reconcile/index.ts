// The door of this part of the room: an export in, a report out. Knows no SQL and no command line.

import { invalidRequest } from "../../ir/index.ts";
import { nextDay } from "../../lib/time-zone.ts";
import { type Billers, checkBiller } from "./biller.ts";
import { type BookReader, sumBooks } from "./books.ts";
import { compareTallies } from "./compare.ts";
import type { Format } from "./line.ts";
import { type ReadExports, type ReadOptions, readExports } from "./read.ts";
import { type Report, makeReport } from "./report.ts";
import { type ExportFile, listNames } from "./source.ts";
import type { SplitCost } from "./split.ts";
import { type Tally, createTally } from "./tally.ts";

export type { BookReader } from "./books.ts";
export { type ComparedLine, isBookedKnown } from "./compare.ts";
export { type Report, printReport, printReportCsv } from "./report.ts";
export type { ExportFile } from "./source.ts";
export { createSplit } from "./split.ts";

export interface ReconcileOptions extends Omit<ReadOptions, "onFormat"> {
  /** Names of providers in the books. */
  providers: readonly string[];
  billers: Billers;
  /** First and last day; null for those of the export. */
  from: string | null;
  to: string | null;
  tolerancePpm: number;
  aliases: ReadonlyMap<string, string>;
  /** Null where keys are compared together. Else the provider that a key of the export belongs to; null for a key that is to be left out. */
  keys: ((key: string) => string | null) | null;
  /** Takes the cost of a row apart, to name the part that a bill prices otherwise. */
  split: SplitCost;
  /** Milliseconds: a day that is not over has more in the books than in any export. */
  nowMs: number;
  onProgress?: (calls: number) => void;
}

/** Throws a GatewayError where a file cannot be read for what it is. */
export async function reconcile(
  files: readonly ExportFile[],
  books: BookReader,
  options: ReconcileOptions,
): Promise<Report> {
  const { providers, billers, nowMs } = options;
  const onFormat = (format: Format, file: ExportFile): void => checkBiller(file.name, format, providers, billers);
  const exports = await readExports(files, { ...options, onFormat });
  const days = [...exports.emptyDays, ...[...exports.tally.sums()].map(({ day }) => day)].toSorted();
  const [from, to] = [options.from ?? days[0], options.to ?? days.at(-1)];
  if (from === undefined || to === undefined) {
    throw invalidRequest(
      `${listNames(files)}: none of the ${exports.skipped} lines in it is about tokens or money of a model. ` +
        "If that is the whole bill, --from and --to say of which days.",
    );
  }
  const billed = select(exports.tally, { from, to, keys: options.keys });
  const span = findSpan(exports, from, to);
  const booked = await sumBooks(books, {
    providers: new Set(providers),
    ...span,
    zone: exports.zone,
    keyOf:
      options.keys === null
        ? null
        : (provider, account) => (account === undefined ? provider : `${provider}#${account}`),
    split: options.split,
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  });
  const comparison = compareTallies(billed, booked.tally, {
    tolerancePpm: options.tolerancePpm,
    roundingNanos: exports.roundingNanos,
    whole: exports.tally,
    aliases: options.aliases,
  });
  return makeReport({
    comparison,
    exports,
    books: booked,
    providers,
    isKeyed: options.keys !== null,
    from,
    to,
    span,
    nowMs,
  });
}

/** As far as the export tells of its first and of its last day. */
function findSpan({ zone, since, until }: ReadExports, from: string, to: string): { from: Date; to: Date } {
  const [start, last, end] = [from, to, nextDay(to)].map((day) => zone.startOf(day)) as [number, number, number];
  const isPart = (moment: number | null, day: string): moment is number =>
    moment !== null && zone.dayOf(moment) === day;
  return {
    from: new Date(isPart(since, from) ? Math.max(since, start) : start),
    to: new Date(isPart(until, to) && until > last ? Math.min(until, end) : end),
  };
}

interface Selection {
  from: string;
  to: string;
  keys: ReconcileOptions["keys"];
}

/** The days that are asked for, with keys as the books know them. */
function select(tally: Tally, { from, to, keys }: Selection): Tally {
  const selected = createTally();
  for (const sum of tally.sums()) {
    if (sum.day < from || sum.day > to) continue;
    const key = keys === null || sum.key === null ? null : keys(sum.key);
    if (keys !== null && sum.key !== null && key === null) continue;
    selected.add({ ...sum, key });
  }
  return selected;
}
