// The attested bytes of rows, put together by SQLite as far as it writes JSON as RFC 8785 does. Real numbers come out as they are and are
// encoded here; with care, texts too. JSON is attested as it is stored, byte by byte. Knows no connection.

import type { Column } from "drizzle-orm";
import type { ChainRules, ChainTable, NamedRow } from "../../audit/verify/reader.ts";
import { canonicalize, quote } from "../../lib/canonical-json.ts";

interface PlanInit {
  /** Of the table, by field. */
  columns: Record<string, Column>;
  rules: ChainRules;
  /** Bytes of texts are looked at here: slowly, and none passes for another. */
  isCareful: boolean;
}

export interface TextPlan {
  /** Columns to select: `seq`, `hash`, the payload's four, then the pieces of the text. */
  select: string;
  toRow(values: readonly unknown[]): Omit<NamedRow, "id">;
}

interface Piece {
  sql: string;
  /** What stands before a value that is encoded here; null for text that is ready. */
  start: string | null;
  encode: (value: unknown) => string;
}

const FIXED_COLUMNS = 6;

export function planText(table: ChainTable, { columns, rules, isCareful }: PlanInit): TextPlan {
  const pieces: Piece[] = [];
  let ready: string[] = [];
  const flush = (): void => {
    if (ready.length > 0) pieces.push({ sql: `concat(${ready.join(", ")})`, start: null, encode: String });
    ready = [];
  };
  for (const [index, field] of rules.fields[table].entries()) {
    const column = columns[field];
    if (column === undefined) throw new TypeError(`${field} is no column`);
    const name = `"${column.name}"`;
    const start = `${index === 0 ? "{" : ","}"${field}":`;
    const encode = findEncoder(column, isCareful);
    if (encode !== null) {
      flush();
      pieces.push({ sql: column.dataType === "number" ? name : takeBytes(name), start, encode });
      continue;
    }
    const json = isCareful ? quoteCarefully(column, name) : quoteQuickly(column, name);
    if (column.notNull) ready.push(`'${start}'`, json);
    // What is null is left out, its name too.
    else ready.push(`case when ${name} is not null then '${start}' || ${json} end`);
  }
  ready.push("'}'");
  flush();
  return {
    select: [`"seq"`, `"hash"`, ...selectPayload(columns), ...pieces.map(({ sql }) => sql)].join(", "),
    toRow: (values) => toRow({ table, rules, pieces }, values),
  };
}

/** Null where the database writes the JSON. */
function findEncoder(column: Column, isCareful: boolean): Piece["encode"] | null {
  if (column.getSQLType() === "real") return (value) => (typeof value === "number" ? canonicalize(value) : mark(value));
  if (!isCareful) return null;
  if (column.dataType === "json") return (value) => (value instanceof Uint8Array ? keepJson(value) : mark(value));
  if (column.dataType === "string") return (value) => (value instanceof Uint8Array ? quoteText(value) : mark(value));
  return null;
}

/** What no column of ours ever holds: as such it gives no hash that it had. */
function mark(value: unknown): string {
  return `!${value instanceof Uint8Array ? Buffer.from(value).toString("hex") : String(value)}`;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function quoteText(bytes: Uint8Array): string {
  try {
    return quote(strict.decode(bytes));
  } catch {
    return mark(bytes);
  }
}

/** As it is, where it is one value and no more: what stands behind it could pass for the next field. */
function keepJson(bytes: Uint8Array): string {
  try {
    const text = strict.decode(bytes);
    JSON.parse(text);
    return text;
  } catch {
    return mark(bytes);
  }
}

/** `json_quote` tells numbers from text, so that no row passes for another, and fails on a blob, which costs the careful some time. */
function quoteQuickly(column: Column, name: string): string {
  if (column.dataType === "json") return `iif(json_valid(${name}) and ${isText(name)}, ${name}, '!')`;
  return quoteBoolean(column, name, `json_quote(${name})`);
}

function quoteCarefully(column: Column, name: string): string {
  return quoteBoolean(column, name, quoteAll(name));
}

function quoteBoolean(column: Column, name: string, otherwise: string): string {
  if (column.dataType !== "boolean") return otherwise;
  return `case ${name} when 1 then 'true' when 0 then 'false' else ${otherwise} end`;
}

function quoteAll(name: string): string {
  return `iif(typeof(${name}) = 'blob', '"blob:' || hex(${name}) || '"', json_quote(${name}))`;
}

/** Of a text; what is none comes as a text. */
function takeBytes(name: string): string {
  return `case when ${isText(name)} then cast(${name} as blob) when ${name} is not null then ${quoteAll(name)} end`;
}

function isText(name: string): string {
  return `typeof(${name}) = 'text'`;
}

/** Tables without payloads have none. */
function selectPayload(columns: Record<string, Column>): string[] {
  return ["payloadDigest", "payloadSalt", "requestHash", "responseHash"].map((field) => columns[field]?.name ?? "null");
}

interface Printing {
  table: ChainTable;
  rules: ChainRules;
  pieces: readonly Piece[];
}

function toRow({ table, rules, pieces }: Printing, values: readonly unknown[]): Omit<NamedRow, "id"> {
  let text = "";
  for (let index = 0; index < pieces.length; index++) {
    const value = values[index + FIXED_COLUMNS];
    const { start, encode } = pieces[index] as Piece;
    if (start === null) text += value as string;
    else if (value !== null) text += start + encode(value);
  }
  // The first field may be missing in a row that somebody made.
  if (!text.startsWith("{")) text = `{${text.slice(1)}`;
  const [seq, hash, digest, salt, request, response] = values as [number, ...(string | null)[]];
  return {
    table,
    seq,
    hash: hash ?? null,
    text,
    digest: rules.digest(text),
    payload: rules.judgePayload({
      digest: digest ?? null,
      salt: salt ?? null,
      request: request ?? null,
      response: response ?? null,
    }),
  };
}
