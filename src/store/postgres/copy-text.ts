// Rows as PostgreSQL copies them in and out as text: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2 . Knows no connection.

import type { ColumnPlan, TablePlan } from "../transfer/plan.ts";
import type { Cell, Row } from "../transfer/row.ts";

const ABSENT = "\\N";
const SPECIAL = /[\\\t\n\r]/u;
const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };
const MARKS: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** As lines that PostgreSQL copies in. What a column does not take is for the server to name. */
export function printLines({ columns }: TablePlan, rows: readonly Row[]): string {
  const kinds = columns.map(({ kind }) => kind);
  const cells: string[] = Array.from({ length: kinds.length });
  // Joined, and not put together piece by piece: that takes twice as long, by the million.
  const lines = rows.map((row) => {
    for (let at = 0; at < kinds.length; at++)
      cells[at] = printCell(kinds[at] as ColumnPlan["kind"], row[at] as Cell | undefined);
    return cells.join("\t");
  });
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function printCell(kind: ColumnPlan["kind"], cell: Cell | undefined): string {
  if (cell === null || cell === undefined) return ABSENT;
  if (kind === "time") return escape(printMoment(cell));
  if (typeof cell === "string") return escape(cell);
  if (typeof cell === "boolean") return cell ? "t" : "f";
  return String(cell);
}

function escape(text: string): string {
  return SPECIAL.test(text) ? text.replaceAll(/[\\\t\n\r]/gu, (mark) => ESCAPES[mark] ?? mark) : text;
}

/** As PostgreSQL reads it; what is none, for it to name: of itself it would take words such as now and today for the moment at which it reads them. */
export function printMoment(cell: Exclude<Cell, null>): string {
  return isMoment(cell) ? new Date(Number(cell)).toISOString().replace(/^\+0*/u, "") : `no moment: ${cell}`;
}

export function isMoment(cell: Cell): boolean {
  return typeof cell === "number" && !Number.isNaN(new Date(cell).getTime());
}

/** Columns to copy out. Moments are milliseconds. */
export function pickColumns({ columns }: TablePlan): string {
  return columns
    .map(({ name, kind }) => (kind === "time" ? `(extract(epoch from "${name}") * 1000)::float8` : `"${name}"`))
    .join(", ");
}

const NEWLINE = 10;

/** Takes pieces of what is copied out, cut anywhere; `read` answers the rows that are whole by then. */
export function makeLineReader({ columns }: TablePlan): { take(piece: Buffer): void; read(): Row[] } {
  const kinds = columns.map(({ kind }) => kind);
  let pieces: Buffer[] = [];
  return {
    take: (piece) => void pieces.push(piece),
    read() {
      const bytes = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
      const end = bytes.lastIndexOf(NEWLINE);
      pieces = end + 1 < bytes.length ? [bytes.subarray(end + 1)] : [];
      if (end === -1) return [];
      return bytes
        .toString("utf8", 0, end)
        .split("\n")
        .map((line) => readLine(kinds, line));
    },
  };
}

function readLine(kinds: readonly ColumnPlan["kind"][], line: string): Row {
  const fields = line.split("\t");
  const row: Cell[] = Array.from({ length: kinds.length });
  for (let at = 0; at < kinds.length; at++) row[at] = readCell(kinds[at] as ColumnPlan["kind"], fields[at] ?? ABSENT);
  return row;
}

function readCell(kind: ColumnPlan["kind"], field: string): Cell {
  if (field === ABSENT) return null;
  switch (kind) {
    case "bool":
      return field === "t";
    case "int":
      return readWhole(field);
    case "real":
    case "time":
      return Number(field);
    case "json":
    case "text":
      return field.includes("\\") ? unescape(field) : field;
    default:
      return kind satisfies never;
  }
}

/** One that JavaScript does not hold stays its digits. */
function readWhole(field: string): Cell {
  const number = Number(field);
  return Number.isSafeInteger(number) ? number : field;
}

function unescape(field: string): string {
  return field.replaceAll(/\\(?<mark>.)/gsu, (_, mark: string) => MARKS[mark] ?? mark);
}
