// Days, counts and money as they stand in the cells of exports. Knows no format.

import { parseDecimal } from "../../lib/decimal.ts";
import type { TimeZone } from "../../lib/time-zone.ts";
import { type ExportRow, readCell, refuseCell } from "./line.ts";

/** A whole number of tokens or requests; 0 where the cell is empty. `digits` are those of the unit: 3 where it is a thousand. */
export function readCount(row: ExportRow, column: string, digits = 0): number {
  const cell = row.cells.get(column) ?? "";
  if (cell === "") return 0;
  const count = parseDecimal(cell, digits);
  // Half a token is none: the point stands between thousands then.
  const isWhole = digits > 0 || parseDecimal(cell, MONEY_DIGITS) === (count ?? 0n) * 10n ** BigInt(MONEY_DIGITS);
  if (count === null || count > MOST || !isWhole) throw refuseCell(row, column, "no count; it has to look like 1234");
  return Number(count);
}

const MONEY_DIGITS = 9;
const MOST = BigInt(Number.MAX_SAFE_INTEGER);

/** Nano-dollars; 0 where the cell is empty. `digits` are 9 for dollars, 7 for cents. */
export function readMoney(row: ExportRow, column: string, digits = MONEY_DIGITS): bigint {
  const cell = row.cells.get(column) ?? "";
  if (cell === "") return 0n;
  const nanos = parseDecimal(cell, digits);
  if (nanos === null) throw refuseCell(row, column, "no amount of money; it has to look like 1234.56");
  return nanos;
}

/** Complains about money that is not in dollars. */
export function checkDollars(row: ExportRow, ...columns: readonly string[]): void {
  for (const column of columns) {
    const cell = readCell(row, column);
    if (cell !== "" && cell.toUpperCase() !== "USD") {
      throw refuseCell(row, column, "no currency that the books know: export in US dollars");
    }
  }
}

/**
 * The day of a cell: a date alone as it stands, also as `20260131` and `1/31/2026`; a moment with a zone, or seconds since 1970, by the day
 * it has in `zone`; a moment without a zone by its own date.
 */
export function readDay(row: ExportRow, column: string, zone: TimeZone): string {
  return takeDay(row, column, zone, row.cells.get(column) ?? "");
}

/** Likewise of a moment, which is UTC where it has no zone. */
export function readDayOfMoment(row: ExportRow, column: string, zone: TimeZone): string {
  const cell = row.cells.get(column) ?? "";
  return takeDay(row, column, zone, ZONELESS.test(cell) ? `${cell}Z` : cell);
}

function takeDay(row: ExportRow, column: string, zone: TimeZone, cell: string): string {
  const day = findDay(cell.trim(), zone);
  if (day !== null && isDay(day)) return day;
  throw refuseCell(row, column, "no day; it has to look like 2026-01-31");
}

/** Else the thirtieth of February would be one of March. */
function isDay(day: string): boolean {
  const midnight = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().slice(0, day.length) === day;
}

function findDay(cell: string, zone: TimeZone): string | null {
  if (/^\d{10}(?:\.\d+)?$/u.test(cell)) return zone.dayOf(Number(cell) * 1000);
  if (/^\d{13}$/u.test(cell)) return zone.dayOf(Number(cell));
  if (/^\d{8}$/u.test(cell)) return `${cell.slice(0, 4)}-${cell.slice(4, 6)}-${cell.slice(6)}`;
  const american = /^(\d{1,2})\/(\d{1,2})\/(\d{4})(?: .*)?$/u.exec(cell);
  if (american !== null) return joinDay(american[3], american[1], american[2]);
  const [, year, month, date, rest = ""] = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(.*)$/u.exec(cell) ?? [];
  if (year === undefined) return null;
  const day = joinDay(year, month, date);
  const found = ZONED.exec(rest)?.groups;
  if (found === undefined) return day;
  const { hour = "", minute, second = "00", sign, hours = "00", minutes = "00" } = found;
  const away = sign === undefined ? "Z" : `${sign}${hours}:${minutes}`;
  const moment = Date.parse(`${day}T${hour.padStart(2, "0")}:${minute}:${second}${away}`);
  return Number.isNaN(moment) ? null : zone.dayOf(moment);
}

const ZONELESS = /^\d{4}-\d{2}-\d{2}[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?$/u;

/** A time of day and how far its zone is away: ` 08:00:00 UTC`, `T08:00:00.5Z`, ` 8:00+02`. */
const ZONED =
  /^[T ](?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:\.\d+)?)? ?(?:Z|UTC|GMT|(?<sign>[+-])(?<hours>\d{2})(?::?(?<minutes>\d{2}))?)$/iu;

function joinDay(year = "", month = "", date = ""): string {
  return `${year}-${month.padStart(2, "0")}-${date.padStart(2, "0")}`;
}
