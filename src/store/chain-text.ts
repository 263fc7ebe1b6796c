// The attested bytes of rows, put together by the database as far as it writes JSON as RFC 8785 does. Where it does not (real numbers,
// JSON of its own making), the value comes out as it is and is encoded here. Knows no connection.

import type { Column } from "drizzle-orm";
import type { ChainTable, RawRow } from "../audit/verify/reader.ts";
import { canonicalize } from "../lib/canonical-json.ts";

export interface Dialect {
  /** SQL whose value is the JSON of a column that is not null; null where it has to be encoded here. */
  toJson(column: Column, name: string): string | null;
  /** SQL for what is encoded here: a number, or JSON as text. */
  toValue(column: Column, name: string): string;
}

interface PlanInit {
  /** Of the table, by field. */
  columns: Record<string, Column>;
  fields: readonly string[];
  dialect: Dialect;
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

export function planText(table: ChainTable, { columns, fields, dialect }: PlanInit): TextPlan {
  const pieces: Piece[] = [];
  let ready: string[] = [];
  const flush = (): void => {
    if (ready.length > 0) pieces.push({ sql: `concat(${ready.join(", ")})`, start: null });
    ready = [];
  };
  for (const [index, field] of fields.entries()) {
    const column = columns[field];
    if (column === undefined) throw new TypeError(`${field} is no column`);
    const name = `"${column.name}"`;
    const start = `${index === 0 ? "{" : ","}"${field}":`;
    const json = dialect.toJson(column, name);
    if (json === null) {
      flush();
      pieces.push({ sql: dialect.toValue(column, name), start });
    } else if (column.notNull) ready.push(`'${start}'`, json);
    // What is null is left out, its name too.
    else ready.push(`case when ${name} is not null then '${start}' || ${json} end`);
  }
  ready.push("'}'");
  flush();
  const starts = pieces.map(({ start }) => start);
  return {
    select: [`"seq"`, `"hash"`, ...selectPayload(columns), ...pieces.map(({ sql }) => sql)].join(", "),
    toRow: (values) => toRow(table, values, starts),
  };
}

/** Tables without payloads have none. */
function selectPayload(columns: Record<string, Column>): [string, string] {
  if (columns["payloadSalt"] === undefined) return ["null", "null"];
  return [`payload_salt || '.' || coalesce(request_hash, '') || '.' || coalesce(response_hash, '')`, "payload_digest"];
}

function toRow(table: ChainTable, values: readonly unknown[], starts: readonly (string | null)[]): RawRow {
  let text = "";
  for (let index = 0; index < starts.length; index++) {
    const value = values[index + FIXED_COLUMNS];
    const start = starts[index];
    if (start === null) text += value as string;
    else if (value !== null) text += start + encodeValue(value);
  }
  return {
    table,
    seq: Number(values[0]),
    hash: values[1] as string | null,
    // The first field may be missing in a row that somebody made.
    text: text.startsWith("{") ? text : `{${text.slice(1)}`,
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
