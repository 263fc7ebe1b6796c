// Rows as PostgreSQL copies them out in its binary form, printed as they are compared (transfer/digest.ts) without a value in between. Knows no
// connection.

import { orderColumns } from "../transfer/digest.ts";
import type { ColumnPlan, TablePlan } from "../transfer/plan.ts";
import { CanonicalBytes } from "./canonical-bytes.ts";
import { type CopiedKind, putValue, readInt, readStart } from "./copy-row.ts";

export interface PrintPlan {
  /** Columns to copy out. */
  select: string;
  /** Takes pieces of what comes, cut anywhere; answers how many rows came whole. */
  take(piece: Buffer): number;
}

const ABSENT = -1;
const CUT = -1;
const COMMA = 44;
const OPEN_LIST = 91;

/** Types are named, so that a column that was given another one is read by its value or not at all. */
export function planPrint(table: TablePlan, add: (printed: Uint8Array) => void): PrintPlan {
  const { plain, reals, jsons } = orderColumns(table);
  const columns = [...plain, ...reals, ...jsons];
  const kinds = columns.map(findKind);
  const bytes = new CanonicalBytes();
  let rest: Buffer | null = null;
  let isBegun = false;

  /** The columns that begin there; answers where they end, or CUT where they have not come as a whole. */
  const print = (row: Buffer, start: number): number => {
    let at = start;
    bytes.clear();
    for (let index = 0; index < kinds.length; index++) {
      if (at + 4 > row.length) return CUT;
      const length = readInt(row, at);
      at += 4;
      bytes.putByte(index === 0 ? OPEN_LIST : COMMA);
      if (length === ABSENT) {
        bytes.putAscii("null");
        continue;
      }
      if (at + length > row.length) return CUT;
      putValue(bytes, kinds[index] as CopiedKind, row, at, at + length);
      at += length;
    }
    bytes.putAscii("]");
    add(bytes.written);
    return at;
  };

  return {
    select: columns.map(pick).join(", "),
    take(piece) {
      const stream = rest === null ? piece : Buffer.concat([rest, piece]);
      let [at, rows] = [0, 0];
      rest = null;
      const begin = isBegun ? 0 : readStart(stream);
      if (begin !== CUT) {
        isBegun = true;
        at = begin;
      }
      while (isBegun && at + 2 <= stream.length) {
        // Of the end, which says so in the place of how many columns come, nothing is left.
        if (stream.readInt16BE(at) === -1) {
          at += 2;
          continue;
        }
        const end = print(stream, at + 2);
        if (end === CUT) break;
        at = end;
        rows++;
      }
      if (at < stream.length) rest = stream.subarray(at);
      return rows;
    },
  };
}

/** Nought has no sign. */
function pick({ name, kind, type }: ColumnPlan): string {
  if (kind === "bool") return `"${name}"::int`;
  if (kind === "real") return `"${name}"::float8 + 0`;
  return `"${name}"::${kind === "time" ? "timestamptz" : type}`;
}

function findKind({ kind }: ColumnPlan): CopiedKind {
  if (kind === "bool") return "int";
  return kind === "real" ? "double" : kind;
}
