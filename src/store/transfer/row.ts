// Rows on their way from one engine to the other, in cells that both can give and take. Knows no connection.

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

/** Names of the columns in which they differ. */
export function listChanged({ columns }: TablePlan, left: Row, right: Row): string[] {
  const changed: string[] = [];
  for (let at = 0; at < columns.length; at++) {
    const [own = null, other = null] = [left[at], right[at]];
    if (own === other) continue;
    const { name, kind } = columns[at] as ColumnPlan;
    if (kind !== "json" || printJsonCell(own) !== printJsonCell(other)) changed.push(name);
  }
  return changed;
}

/** In its one form, so that two that say the same are the same. What is no JSON cannot pass for any. */
export function printJsonCell(cell: Cell): string {
  // JSON's own null is kept as none at all by one of the engines.
  if (cell === null) return "null";
  if (cell === "[]" || cell === "{}") return cell;
  try {
    return canonicalize(JSON.parse(String(cell)));
  } catch {
    return `!${JSON.stringify(cell)}`;
  }
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
