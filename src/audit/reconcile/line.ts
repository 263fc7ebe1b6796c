// What any export comes down to: so many tokens and so much money of a day, a model and a key. Knows no format.

import { invalidRequest } from "../../ir/index.ts";
import type { TimeZone } from "../../lib/time-zone.ts";

/** Kinds of tokens, which do not overlap but for the last two. */
export const TOKEN_PARTS = ["fresh", "cacheRead", "cacheWrite", "output", "longCacheWrite", "input"] as const;

/** `longCacheWrite` are those of `cacheWrite` that are kept for an hour; `input` is all of a prompt, where an export does not split it. */
export type TokenPart = (typeof TOKEN_PARTS)[number];

/**
 * What money was for. Here `cacheWrite` leaves `longCacheWrite` out, `tools` are calls of the provider's own, such as searches, and `all` is money
 * that nobody split.
 */
export const MONEY_PARTS = [
  "fresh",
  "cacheRead",
  "cacheWrite",
  "longCacheWrite",
  "output",
  "tools",
  "other",
  "all",
] as const;
export type MoneyPart = (typeof MONEY_PARTS)[number];

/** One line of an export, or of one column of it. */
export interface BilledLine {
  /** `2026-01-31`, in the export's time zone. */
  day: string;
  /** As the export says it; null where it does not. */
  model: string | null;
  /** All that it calls the key: `readKey`. */
  key: string | null;
  requests: number | null;
  tokens: Partial<Record<TokenPart, number>>;
  /** Nano-dollars. */
  money: Partial<Record<MoneyPart, bigint>>;
}

/** A line as it lies in the file: text by the names of its columns, which are in lower case with underscores. */
export interface ExportRow {
  cells: ReadonlyMap<string, string>;
  /** The columns as the file spells them, by the same names. */
  spelled: ReadonlyMap<string, string>;
  /** For complaints: `line 12`. */
  place: string;
}

/** One kind of export. */
export interface Format {
  /** For people. */
  title: string;
  /** Whose bill it is, by the name of its price list; missing where anybody's may look like it. */
  biller?: string;
  /** Where its columns are defined, or were seen. */
  source: string;
  /** Whether columns of these names are its own. */
  owns(columns: ReadonlySet<string>): boolean;
  /** Columns that are read, or that say nothing about tokens and money. */
  knows(column: string): boolean;
  /** Time zone of its days. */
  zone: string;
  /** Columns that name a line: one that is there twice, such as in exports that overlap, is counted once. */
  identity?: readonly string[];
  /** Half of the smallest sum of money that it can say, in nano-dollars: its lines are rounded to that. */
  roundingNanos: bigint;
  /** Empty for a line about something else. Throws a GatewayError that names the place. */
  read(row: ExportRow, zone: TimeZone): BilledLine[];
}

/** Tokens of one part; what is kept for an hour is also among all that was written. */
export function countPart(part: TokenPart, count: number): BilledLine["tokens"] {
  return part === "longCacheWrite" ? { cacheWrite: count, longCacheWrite: count } : { [part]: count };
}

/** `lineItem/UsageAmount`, `Usage amount` and `usage.amount` as one word with underscores. */
export function nameColumn(spelled: string): string {
  return spelled
    .trim()
    .replaceAll(/(?<=[a-z0-9])(?=[A-Z])/gu, "_")
    .replaceAll(/[^\p{L}\p{N}]+/gu, "_")
    .replaceAll(/^_+|_+$/gu, "")
    .toLowerCase();
}

/** The first cell of these columns that holds anything. */
export function readCell(row: ExportRow, ...columns: readonly string[]): string {
  for (const column of columns) {
    const cell = row.cells.get(column);
    if (cell !== undefined && cell !== "") return cell;
  }
  return "";
}

/** The cell, or null where it is empty. */
export function readName(row: ExportRow, ...columns: readonly string[]): string | null {
  return readCell(row, ...columns) || null;
}

/** All names that a line has for its key, the best known first, a line each; null where it has none. */
export function readKey(row: ExportRow, ...columns: readonly string[]): string | null {
  const names = columns.flatMap((column) => readName(row, column) ?? []);
  return names.length === 0 ? null : [...new Set(names)].join("\n");
}

/** Complains about one cell. */
export function refuseCell(row: ExportRow, column: string, what: string): Error {
  const spelled = row.spelled.get(column) ?? column;
  const cell = JSON.stringify((row.cells.get(column) ?? "").slice(0, 80));
  return invalidRequest(`${row.place}: ${JSON.stringify(spelled)} is ${cell}, which is ${what}.`);
}
