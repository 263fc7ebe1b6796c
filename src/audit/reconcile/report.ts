// A comparison as figures to print: totals, counts, JSON and CSV, and sentences about what limits it. Knows no file and no terminal.

import { formatUsd } from "../../ledger/index.ts";
import { printCsvLine } from "../../lib/csv.ts";
import { nextDay } from "../../lib/time-zone.ts";
import type { BookedSums } from "./books.ts";
import { type ComparedLine, type Comparison, isBookedKnown, type Pair, type Verdict } from "./compare.ts";
import { MONEY_PARTS, TOKEN_PARTS, type TokenPart } from "./line.ts";
import type { ReadExports } from "./read.ts";

export interface Report {
  agrees: boolean;
  providers: string[];
  formats: string[];
  timeZone: string;
  /** First and last day. */
  days: { from: string; to: string };
  /** The same as moments; the end is exclusive. */
  span: { from: Date; to: Date };
  matchedBy: string[];
  lines: ComparedLine[];
  counts: Record<Verdict, number>;
  totals: Totals;
  books: Omit<BookedSums, "tally">;
  notes: string[];
}

export interface Totals {
  tokens: Partial<Record<TokenPart, Pair<number>>>;
  /** Null where the export holds no money. */
  money: Pair<bigint> | null;
}

interface ReportInit {
  comparison: Comparison;
  exports: ReadExports;
  books: BookedSums;
  providers: readonly string[];
  /** Whether somebody said whose keys the export names. */
  isKeyed: boolean;
  from: string;
  to: string;
  /** What was read of the books: the export may begin or end within a day. */
  span: { from: Date; to: Date };
  nowMs: number;
}

export function makeReport(init: ReportInit): Report {
  const { comparison, exports, books, providers, from, to, span } = init;
  const { lines, byModel, byKey } = comparison;
  const counts = { agrees: 0, extra: 0, mispriced: 0, missing: 0, shifted: 0, tokens: 0, unpriced: 0 };
  for (const { verdict } of lines) counts[verdict]++;
  const { tally: _tally, ...rest } = books;
  return {
    agrees: lines.length === counts.agrees + counts.shifted,
    providers: [...providers],
    formats: exports.formats.map(({ title }) => title),
    timeZone: exports.zone.name,
    days: { from, to },
    span,
    matchedBy: ["day", ...(byModel ? ["model"] : []), ...(byKey ? ["key"] : [])],
    lines,
    counts,
    totals: addUp(lines),
    books: rest,
    notes: listNotes(init),
  };
}

function addUp(lines: readonly ComparedLine[]): Totals {
  const totals: Totals = { tokens: {}, money: null };
  for (const { tokens, money } of lines) {
    for (const [part, pair] of Object.entries(tokens) as [TokenPart, Pair<number>][]) {
      const sum = (totals.tokens[part] ??= { billed: 0, booked: 0 });
      sum.billed += pair.billed;
      sum.booked += pair.booked;
    }
    if (money === null) continue;
    totals.money ??= { billed: 0n, booked: 0n };
    totals.money.billed += money.billed;
    totals.money.booked += money.booked;
  }
  return totals;
}

function listNotes(init: ReportInit): string[] {
  const { comparison, exports, books, providers, isKeyed } = init;
  const { byModel, byKey, lines } = comparison;
  const notes: string[] = [];
  const note = (applies: boolean, text: string): void => {
    if (applies) notes.push(text);
  };
  const isMoneyTold = lines.some(({ money }) => money !== null);
  note(
    books.removedBefore !== null,
    `Rows from before ${books.removedBefore?.toISOString() ?? ""} were removed by age (retention_rows): lines of the export from before then find nothing to agree with, and prove nothing. --from leaves them out; tokligence usage breakdown --by model still has their sums.`,
  );
  notes.push(...listSpanNotes(init));
  note(
    books.calls === 0 && books.removedBefore === null,
    `The books hold no call to ${providers.join(" or ")} in these days: is that its name in the configuration?`,
  );
  note(
    !byModel,
    "Some lines of the export name no model, so that models are compared together. Export it grouped by model.",
  );
  note(
    !byKey,
    isKeyed
      ? "Keys are compared together, for some lines of the export name none. Export it grouped by key."
      : "Keys are compared together: --keys says which key of the export belongs to which provider of the configuration.",
  );
  note(
    !isMoneyTold,
    "The export holds no money, so that only tokens are compared. Give the cost export as well: --file usage,cost.",
  );
  note(
    isMoneyTold && lines.every(({ tokens }) => Object.keys(tokens).length === 0),
    "The export holds no tokens, so that only money is compared. Give the usage export as well: --file usage,cost.",
  );
  note(
    books.estimated > 0,
    `${tell(books.estimated, "call is", "calls are")} booked by our own estimate, for the provider never reported the usage.`,
  );
  note(
    books.unmeasured > 0,
    `${tell(books.unmeasured, "call", "calls")} came to nothing that is known, and to no figure here.`,
  );
  note(
    books.unpriced > 0,
    `${tell(books.unpriced, "call is", "calls are")} booked without a price: see tokligence ledger reprice.`,
  );
  note(
    books.corrections > 0,
    `${tell(books.corrections, "correction is", "corrections are")} counted in, on the day of the call.`,
  );
  note(
    exports.skipped > 0,
    `${tell(exports.skipped, "line", "lines")} of the export without tokens or money of a model: left out.`,
  );
  notes.push(...listRepeats(exports));
  note(
    exports.cutOff.length > 0,
    `The last page of ${exports.cutOff.map(({ title }) => title).join(" and ")} says that there are more (has_more): what is on those is missing here. Fetch them all and give every page: --file page1.json,page2.json.`,
  );
  note(exports.unknown.length > 0, `Columns nobody knows here were left out: ${exports.unknown.join(", ")}.`);
  note(
    lines.some(({ verdict }) => verdict === "shifted"),
    "Lines that are shifted cancel each other out with the day before or after: calls around midnight, by two clocks.",
  );
  return notes;
}

/** What of its first and last day it cannot know. */
function listSpanNotes({ exports: { zone }, from, to, span, nowMs }: ReportInit): string[] {
  const isCut = span.from.getTime() > zone.startOf(from) || span.to.getTime() < zone.startOf(nextDay(to));
  const told: [boolean, string][] = [
    [
      isCut,
      `The export tells of the time from ${span.from.toISOString()} until ${span.to.toISOString()}: calls of its first and last day beyond that are left out.`,
    ],
    [
      span.to.getTime() > nowMs,
      `${to} is not over yet: calls that the export is too early for are in the books alone. --to leaves the day out.`,
    ],
  ];
  return told.flatMap(([applies, text]) => (applies ? [text] : []));
}

function listRepeats({ repeated, dropped, unwatched }: ReadExports): string[] {
  const told: [number, string][] = [
    [
      repeated,
      `${tell(repeated, "line of the export is", "lines of the export are")} the same as another one in every cell: was a page of it saved twice?`,
    ],
    [
      dropped,
      `${tell(dropped, "line of the export is", "lines of the export are")} there more than once, by the same id: each is counted once.`,
    ],
    [
      unwatched,
      `The export is too long to know each line again: ${tell(unwatched, "line of it counts", "lines of it count")} twice where exports overlap. Compare fewer days at a time, each from one export.`,
    ],
  ];
  return told.flatMap(([count, text]) => (count === 0 ? [] : [text]));
}

function tell(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** For programs. Money is exact decimals, as text. */
export function printReport(report: Report): unknown {
  const { books, counts, days, totals } = report;
  return {
    agrees: report.agrees,
    providers: report.providers,
    formats: report.formats,
    time_zone: report.timeZone,
    ...days,
    matched_by: report.matchedBy,
    counts,
    totals: {
      tokens: printTokens(totals.tokens),
      ...printMoney(totals.money),
    },
    lines: report.lines.map((line) => ({
      day: line.day,
      model_billed: line.models.billed,
      model_booked: line.models.booked,
      key: line.key,
      verdict: line.verdict,
      requests: line.requests,
      tokens: printTokens(line.tokens),
      ...printMoney(line.money, isBookedKnown(line)),
      billed_for: printParts(line.billedFor),
      booked_for: printParts(line.bookedFor),
      off_in: line.offIn.map(nameField),
      unpriced_rows: line.unpriced,
    })),
    books: {
      calls: books.calls,
      unmeasured: books.unmeasured,
      estimated: books.estimated,
      unpriced: books.unpriced,
      corrections: books.corrections,
      rows_removed_before: books.removedBefore?.toISOString() ?? null,
    },
    notes: report.notes,
  };
}

function printTokens(tokens: Totals["tokens"]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(tokens).map(([part, { billed, booked }]) => [
      nameField(part),
      { billed, booked, difference: billed - booked },
    ]),
  );
}

function printMoney(money: Pair<bigint> | null, isKnown = true): Record<string, string | null> {
  if (money === null) return { billed_usd: null, booked_usd: null, difference_usd: null };
  return {
    billed_usd: formatUsd(money.billed),
    booked_usd: isKnown ? formatUsd(money.booked) : null,
    difference_usd: isKnown ? formatUsd(money.billed - money.booked) : null,
  };
}

function printKnown(nanos: bigint | undefined): string {
  return nanos === undefined ? "" : formatUsd(nanos);
}

function printParts(money: ComparedLine["billedFor"]): Record<string, string> {
  return Object.fromEntries(Object.entries(money).map(([part, nanos]) => [nameField(part), formatUsd(nanos)]));
}

function nameField(part: string): string {
  return part.replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);
}

/** For spreadsheets: a line each, then the totals. */
export function* printReportCsv(report: Report): Generator<string> {
  const counts = TOKEN_PARTS.map(nameField);
  yield printCsvLine([
    "day",
    "model_billed",
    "model_booked",
    "key",
    "verdict",
    "requests_billed",
    "requests_booked",
    ...counts.flatMap((name) => [`${name}_tokens_billed`, `${name}_tokens_booked`]),
    "usd_billed",
    "usd_booked",
    "usd_difference",
    "off_in",
    ...MONEY_PARTS.flatMap((part) => [`usd_billed_for_${nameField(part)}`, `usd_booked_for_${nameField(part)}`]),
  ]);
  const cellsOf = ({ tokens, money }: Totals, isKnown: boolean): (number | string)[] => [
    ...TOKEN_PARTS.flatMap((part) => [tokens[part]?.billed ?? "", tokens[part]?.booked ?? ""]),
    ...(money === null ? ["", "", ""] : Object.values(printMoney(money, isKnown)).map((text) => text ?? "")),
  ];
  for (const line of report.lines) {
    yield printCsvLine([
      line.day,
      line.models.billed.join(" "),
      line.models.booked.join(" "),
      line.key ?? "",
      line.verdict,
      line.requests.billed ?? "",
      line.requests.booked ?? "",
      ...cellsOf(line, isBookedKnown(line)),
      line.offIn.map(nameField).join(" "),
      ...MONEY_PARTS.flatMap((part) => [line.billedFor[part], line.bookedFor[part]].map(printKnown)),
    ]);
  }
  yield printCsvLine([
    "total",
    "",
    "",
    "",
    report.agrees ? "agrees" : "differs",
    "",
    "",
    ...cellsOf(report.totals, true),
  ]);
}
