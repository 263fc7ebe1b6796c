// The attested bytes of rows, put together by the database as far as it writes JSON as RFC 8785 does. Where it does not (real numbers,
// JSON of its own making), the value comes out as it is and is encoded here. Knows no connection.

import { type Column, getTableColumns, type Table } from "drizzle-orm";
import type { RawRow } from "../audit/verify/reader.ts";
import { canonicalize } from "../lib/canonical-json.ts";

export interface Dialect {
  /** SQL whose value is the column's JSON, or null where the column is; null where it has to be encoded here. */
  toJson(column: Column, name: string): string | null;
  /** SQL for what is encoded here: a number, or JSON as text. */
  toValue(column: Column, name: string): string;
}

export interface TextPlan {
  /** Columns to select: `seq`, `hash`, the payload's, then the pieces of the text. */
  select: string;
  toRow(values: readonly unknown[]): RawRow;
}

interface Piece {
  sql: string;
  /** What stands before a value that is encoded here; null for text that is ready. */
  start: string | null;
}

const FIXED_COLUMNS = 4;

export function planText(table: Table, fields: readonly string[], dialect: Dialect): TextPlan {
  const columns = getTableColumns(table);
  const pieces: Piece[] = [];
  let ready: string[] = [];
  const flush = (): void => {
    if (ready.length > 0) pieces.push({ sql: `concat(${ready.join(", ")})`, start: null });
    ready = [];
  };
  for (const field of fields) {
    const column = columns[field];
    if (column === undefined) throw new TypeError(`${field} is no column`);
    const name = `"${column.name}"`;
    const start = `,"${field}":`;
    const json = dialect.toJson(column, name);
    if (json !== null) {
      // Null swallows its name: what is null is left out.
      ready.push(`'${start}' || ${json}`);
      continue;
    }
    flush();
    pieces.push({ sql: dialect.toValue(column, name), start });
  }
  flush();
  const starts = pieces.map(({ start }) => start);
  const payload = selectPayload(columns);
  return {
    select: [`"seq"`, `"hash"`, ...payload, ...pieces.map(({ sql }) => sql)].join(", "),
    toRow: (values) => toRow(values, starts),
  };
}

/** Tables without payloads have none. */
function selectPayload(columns: Record<string, Column>): [string, string] {
  if (columns["payloadSalt"] === undefined) return ["null", "null"];
  return [`payload_salt || '.' || coalesce(request_hash, '') || '.' || coalesce(response_hash, '')`, "payload_digest"];
}

function toRow(values: readonly unknown[], starts: readonly (string | null)[]): RawRow {
  let text = "";
  for (let index = 0; index < starts.length; index++) {
    const value = values[index + FIXED_COLUMNS];
    const start = starts[index];
    if (start === null) text += value as string;
    else if (value !== null) text += start + encodeValue(value);
  }
  return {
    seq: Number(values[0]),
    hash: values[1] as string | null,
    text: `{${text.slice(1)}}`,
    payload: values[2] as string | null,
    payloadDigest: values[3] as string | null,
  };
}

function encodeValue(value: unknown): string {
  if (typeof value !== "string") return canonicalize(value);
  try {
    return canonicalize(JSON.parse(value));
  } catch {
    // No JSON any more: as text it gives no hash that it had.
    return JSON.stringify(value);
  }
}
