// The one form of a row that is compared, and what all rows of a table come to: each engine may write that form itself. Knows no connection.

import { hash } from "node:crypto";
import type { ColumnPlan, TablePlan } from "./plan.ts";
import { type Cell, type Row, printJsonCell } from "./row.ts";

/** What the engines print alike comes first, then numbers with a point, then JSON: each in the order of the table. */
export function orderColumns({ columns }: TablePlan): {
  plain: ColumnPlan[];
  reals: ColumnPlan[];
  jsons: ColumnPlan[];
} {
  const pick = (isWanted: (kind: ColumnPlan["kind"]) => boolean): ColumnPlan[] =>
    columns.filter(({ kind }) => isWanted(kind));
  return {
    plain: pick((kind) => kind !== "real" && kind !== "json"),
    reals: pick((kind) => kind === "real"),
    jsons: pick((kind) => kind === "json"),
  };
}

/** The same for rows that say the same, whatever engine they lie in. */
export function makePrinter(table: TablePlan): (row: Row) => string {
  const { plain, reals, jsons } = orderColumns(table);
  const steps = [...plain, ...reals, ...jsons].map((column) => ({ at: table.columns.indexOf(column), column }));
  return (row) => `[${steps.map(({ at, column }) => printCell(column.kind, row[at] ?? null)).join(",")}]`;
}

function printCell(kind: ColumnPlan["kind"], cell: Cell): string {
  if (kind === "json") return printJsonCell(cell);
  if (kind === "real" && typeof cell === "number") return printReal(cell);
  if (typeof cell === "boolean") return cell ? "1" : "0";
  // Beyond what a number of JavaScript holds they come as digits.
  if ((kind === "int" || kind === "time") && typeof cell === "string" && /^-?[1-9]\d*$/u.test(cell)) return cell;
  return JSON.stringify(cell);
}

/** One of the engines knows no minus nought. */
export function printReal(value: number): string {
  return value === 0 ? "0" : String(value);
}

export interface Digest {
  rows: number;
  /** SHA-256 of all rows added up, so that their order does not matter. */
  sum: string;
}

export interface Summing {
  /** A row as it is printed, or the bytes of that. */
  add(printed: Uint8Array | string): void;
  read(): Digest;
}

const BYTES = 32;
const BYTE = 256;

/** Adds rows up, in whatever order they come: as one number of 256 bits, without what goes beyond. */
export function createDigest(): Summing {
  // Of each byte apart, to be carried over from time to time: exact up to 2^53.
  const lanes = new Float64Array(BYTES);
  let rows = 0;
  return {
    add(printed) {
      const digest = hash("sha256", printed, "buffer");
      for (let at = 0; at < BYTES; at++) lanes[at] = (lanes[at] as number) + (digest[at] as number);
      rows++;
    },
    read: () => ({ rows, sum: carry(lanes) }),
  };
}

function carry(lanes: Float64Array): string {
  const bytes = Buffer.alloc(BYTES);
  let over = 0;
  for (let at = BYTES - 1; at >= 0; at--) {
    const sum = (lanes[at] as number) + over;
    bytes[at] = sum % BYTE;
    over = Math.floor(sum / BYTE);
  }
  return bytes.toString("hex");
}
