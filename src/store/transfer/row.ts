// Rows on their way from one engine to the other: cells that both can give and take, and the one form of a row that is compared. Knows no
// connection.

import { hash } from "node:crypto";
import { canonicalize } from "../../lib/canonical-json.ts";
import { cleanJson, cleanText } from "../../lib/text.ts";
import type { ColumnPlan, TablePlan } from "./plan.ts";

/** Moments are milliseconds; JSON is its text. A number that JavaScript does not hold is its digits. */
export type Cell = boolean | number | string | null;
export type Row = readonly Cell[];

/** Escapes that PostgreSQL refuses in JSON. */
const UNSAFE = /\\u(?:0000|[dD][89a-fA-F])/u;

/** As the databases are meant to hold it: nothing that one of them refuses. */
export function toCell(kind: ColumnPlan["kind"], value: unknown): Cell {
  if (value === null || value === undefined) return null;
  switch (kind) {
    case "bool":
      return value === 1 ? true : value === 0 ? false : toPlain(value);
    case "int":
    case "time":
      return toNumber(value);
    case "json":
      return cleanJsonText(typeof value === "string" ? value : JSON.stringify(value));
    case "real":
    case "text":
      return toPlain(value);
    default:
      return kind satisfies never;
  }
}

function toPlain(value: unknown): Cell {
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString("hex")}`;
  return cleanText(String(value));
}

function toNumber(value: unknown): Cell {
  if (typeof value === "number") return value;
  const number = Number(value);
  return typeof value === "string" && value !== "" && Number.isSafeInteger(number) ? number : toPlain(value);
}

function cleanJsonText(text: string): string {
  const clean = cleanText(text);
  if (!UNSAFE.test(clean)) return clean;
  try {
    return JSON.stringify(cleanJson(JSON.parse(clean)));
  } catch {
    return clean;
  }
}

/** The same for rows that say the same, whatever engine they lie in. */
export function printRow({ columns }: TablePlan, row: Row): string {
  return JSON.stringify(row.map((cell, at) => (columns[at]?.kind === "json" ? printJsonCell(cell) : cell)));
}

/** Names of the columns in which they differ. */
export function listChanged({ columns }: TablePlan, left: Row, right: Row): string[] {
  return columns.flatMap(({ name, kind }, at) => {
    const [own = null, other = null] = [left[at], right[at]];
    const isSame = kind === "json" ? printJsonCell(own) === printJsonCell(other) : own === other;
    return isSame ? [] : [name];
  });
}

function printJsonCell(cell: Cell): Cell {
  if (cell === null || cell === "[]" || cell === "{}") return cell;
  try {
    const value: unknown = JSON.parse(String(cell));
    // JSON's own null is kept as none at all by one of the engines.
    return value === null ? null : canonicalize(value);
  } catch {
    return `!${String(cell)}`;
  }
}

export interface Digest {
  rows: number;
  /** SHA-256 of all rows added up, so that their order does not matter. */
  sum: string;
}

const BITS = 2n ** 256n;

/** Adds rows up, in whatever order they come. */
export function createDigest(table: TablePlan): { add(row: Row): void; read(): Digest } {
  let sum = 0n;
  let rows = 0;
  return {
    add(row) {
      sum = (sum + BigInt(`0x${hash("sha256", printRow(table, row))}`)) % BITS;
      rows++;
    },
    read: () => ({ rows, sum: sum.toString(16).padStart(64, "0") }),
  };
}

/** As both engines order texts by their bytes. */
export function compareIds(left: string, right: string): number {
  if (left === right) return 0;
  // Halves of pairs stand before some characters that are encoded in fewer bytes.
  if (/[\uD800-\uFFFF]/u.test(left + right)) return Buffer.compare(Buffer.from(left), Buffer.from(right));
  return left < right ? -1 : 1;
}

export function readId({ idAt }: TablePlan, row: Row): string {
  return String(row[idAt]);
}
