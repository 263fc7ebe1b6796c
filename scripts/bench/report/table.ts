// Figures as a table that reads well in a terminal and is Markdown, too. Knows no measurement.

import type { Spread } from "./statistic.ts";

/** Columns in which nothing stands are left out; the first is words, the others are numbers. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const kept = head.map((_, column) => column).filter((column) => rows.some((row) => (row[column] ?? "") !== ""));
  const lines = [head, ...rows].map((row) => kept.map((column) => row[column] ?? ""));
  const widths = kept.map((_, index) => Math.max(3, ...lines.map((line) => line[index]?.length ?? 0)));
  const print = (cells: readonly string[]): string =>
    `| ${cells.map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0))).join(" | ")} |`;
  const rule = widths.map((width, index) => (index === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  const [first = [], ...rest] = lines;
  return [print(first), print(rule), ...rest.map(print)].join("\n");
}

/** `12,345 ±3%`: half of what the rounds lie apart. */
export function printCount(value: Spread | null): string {
  if (value === null) return "";
  const share = value.median === 0 ? 0 : (value.most - value.least) / 2 / Math.abs(value.median);
  return `${Math.round(value.median).toLocaleString("en-US")} ±${Math.round(share * 100)}%`;
}

/** Of microseconds, in milliseconds: `0.123 ±0.004`. */
export function printMs(value: Spread | null): string {
  return value === null ? "" : printNumber(value, 1e-3, findDigits(value.median / 1e3));
}

/** In microseconds: `35.1 ±0.4`. */
export function printUs(value: Spread | null): string {
  return value === null ? "" : printNumber(value, 1, Math.abs(value.median) >= 100 ? 0 : 1);
}

export function printMegabytes(bytes: number): string {
  return Number.isNaN(bytes) ? "" : (bytes / 1e6).toFixed(0);
}

function printNumber({ median, least, most }: Spread, factor: number, digits: number): string {
  return `${(median * factor).toFixed(digits)} ±${(((most - least) / 2) * factor).toFixed(digits)}`;
}

function findDigits(value: number): number {
  if (Math.abs(value) >= 100) return 0;
  if (Math.abs(value) >= 10) return 1;
  return Math.abs(value) >= 1 ? 2 : 3;
}
