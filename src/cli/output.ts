// How commands speak: data on stdout, talk on stderr, plain text wherever nobody sits at a terminal. Knows no command.

import { once } from "node:events";
import type { Json } from "../ir/index.ts";
import { escapeUnseen, showUnseen, showUnseenInLines } from "../lib/unseen.ts";

/** Data for people. What strangers wrote in it steers no terminal. */
export function print(text: string): void {
  process.stdout.write(`${showUnseenInLines(text)}\n`);
}

/** Prints a text of any length when whoever reads it is ready for more, if anybody still is. The line ends are the caller's. */
export type PrintSteadily = (text: string) => Promise<void>;

/** Does work to its end of which somebody may have read enough before: what is half done by then is worse than what nobody reads. */
export async function outliveReader<T>(work: (print: PrintSteadily) => Promise<T>): Promise<T> {
  const { stdout } = process;
  const ends = stdout.listeners("error") as ((error: Error) => void)[];
  const lost = Promise.withResolvers<void>();
  let isLost = false;
  const lose = (): void => {
    isLost = true;
    lost.resolve();
  };
  for (const end of ends) stdout.off("error", end);
  stdout.on("error", lose);
  try {
    return await work(async (text) => {
      if (isLost || stdout.write(text)) return;
      await Promise.race([once(stdout, "drain").catch(lose), lost.promise]);
    });
  } finally {
    for (const end of ends) stdout.on("error", end);
    stdout.off("error", lose);
  }
}

/** A piece of a long text or file, no faster than it is read. Where nobody reads any more, the process is about to end, and nothing goes on here. */
export async function printPiece(piece: string | Uint8Array): Promise<void> {
  if (process.stdout.write(piece)) return;
  await once(process.stdout, "drain").catch((error: NodeJS.ErrnoException) =>
    error.code === "EPIPE" ? new Promise<never>(() => undefined) : Promise.reject(error),
  );
}

/** Data for programs: indented at a terminal, one line elsewhere. */
export function printJson(value: unknown): void {
  const text = JSON.stringify(value, null, process.stdout.isTTY ? 2 : 0);
  print(text.replaceAll(/[^\n]+/gu, (line) => escapeUnseen(line)));
}

/** Talk: notes, warnings, errors. Never data. */
export function say(text: string): void {
  process.stderr.write(`${showUnseenInLines(text)}\n`);
}

/** Aligned columns below a line of their names; numbers stand right. An empty cell is a dash. */
export function printTable<Row extends object>(rows: readonly Row[], columns: readonly (keyof Row & string)[]): void {
  const cells = rows.map((row) => columns.map((column) => printCell(row[column])));
  const heads = columns.map((column) => column.replaceAll("_", " ").toUpperCase());
  const widths = heads.map((head, index) =>
    cells.reduce((width, line) => Math.max(width, Bun.stringWidth(line[index] ?? "")), Bun.stringWidth(head)),
  );
  const isNumber = columns.map((column) => rows.some((row) => typeof row[column] === "number"));
  for (const line of [heads, ...cells]) {
    const padded = line.map((cell, index) => {
      const gap = " ".repeat((widths[index] ?? 0) - Bun.stringWidth(cell));
      return isNumber[index] === true ? gap + cell : cell + gap;
    });
    print(padded.join("  ").trimEnd());
  }
}

function printCell(value: unknown): string {
  if (value === null || value === undefined || value === "") return "-";
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.length === 0 ? "-" : value.map(printCell).join(",");
  return makePlain(typeof value === "string" ? value : JSON.stringify(value));
}

/** A part of printed JSON in a sentence. */
export function printWord(value: Json | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

/** Text of strangers must neither steer the terminal nor look like other text. */
export function makePlain(text: string): string {
  return showUnseen(text);
}

export interface Progress {
  /** @param note stands behind the figures */
  update(done: number, total: number, note?: string): void;
  end(): void;
}

/** A line on stderr that is rewritten as things move on; silent where stderr is no terminal. */
export function startProgress(label: string): Progress {
  if (!process.stderr.isTTY) return { update: () => undefined, end: () => undefined };
  const clearLine = "\r\u001B[K";
  return {
    update: (done, total, note = "") =>
      void process.stderr.write(`${clearLine}${label} ${drawBar(done, total)} ${done}/${total}${note}`),
    end: () => void process.stderr.write(clearLine),
  };
}

const BAR_CELLS = 24;

function drawBar(done: number, total: number): string {
  const full = total === 0 ? BAR_CELLS : Math.min(BAR_CELLS, Math.floor((done / total) * BAR_CELLS));
  return `[${"#".repeat(full)}${"-".repeat(BAR_CELLS - full)}]`;
}

/** `1 row`, `2 rows`. */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
