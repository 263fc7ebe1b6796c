// Rows as PostgreSQL copies them out in its binary form, made into the bytes that a chain attests and hashed as they come: no field becomes
// a value in between. https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4 . Knows no connection.

import type { Column } from "drizzle-orm";
import type { ChainRules, ChainTable, NamedRow, RawRow } from "../../audit/verify/reader.ts";
import { quote } from "../../lib/canonical-json.ts";
import { CanonicalBytes } from "./canonical-bytes.ts";

interface PlanInit {
  table: ChainTable;
  /** Of the table, by field. */
  columns: Record<string, Column>;
  rules: ChainRules;
  /** Field of the id. */
  id: string;
}

export interface CopyPlan {
  /** Columns to select. */
  select: string;
  makeReader(chain: string): CopyReader;
}

export interface CopyReader {
  /** Pieces of the stream, cut anywhere: each row is shown once it is whole. `name` works until the next one is. */
  take(piece: Buffer, show: (row: RawRow, name: () => NamedRow) => void): void;
}

export type CopiedKind = "bool" | "double" | "int" | "json" | "text" | "time";

const HEADER_BYTES = 19;
const ABSENT = -1;

/** Types are named, so that a column that was given another one is read by its value or not at all. */
export function planCopy({ table, columns, rules, id }: PlanInit): CopyPlan {
  const pick = (field: string): string => {
    const column = columns[field];
    return column === undefined ? "null::text" : `"${column.name}"::${nameType(column)}`;
  };
  const payload = ["payloadSalt", "requestHash", "responseHash"];
  const fields = rules.fields[table];
  // The chain is what is asked for.
  const read = fields.filter((field) => field !== "chain");
  const kinds = read.map((field) => findKind(columns[field]));
  return {
    select: ["seq", "hash", ...payload, ...read].map(pick).join(", "),
    makeReader: (chain) => makeReader({ table, chain, rules, kinds, id }),
  };
}

function findKind(column: Column | undefined): CopiedKind {
  const type = column?.getSQLType() ?? "";
  if (type === "bigint" || type === "integer") return "int";
  if (type === "boolean") return "bool";
  if (type === "double precision") return "double";
  if (type === "jsonb") return "json";
  if (type === "text") return "text";
  if (type.startsWith("timestamp")) return "time";
  throw new TypeError(`A column of type ${type} cannot be attested.`);
}

function nameType(column: Column): string {
  const type = column.getSQLType();
  return type.startsWith("timestamp") ? "timestamptz" : type;
}

interface ReaderInit {
  table: ChainTable;
  chain: string;
  rules: ChainRules;
  /** Of the fields that are read. */
  kinds: readonly CopiedKind[];
  id: string;
}

interface Found {
  idFrom: number;
  idTo: number;
  digest: string | null;
}

function makeReader({ table, chain, rules, kinds, id }: ReaderInit): CopyReader {
  const bytes = new CanonicalBytes();
  const fields = rules.fields[table];
  const names = fields.map((field) => encoder.encode(`,"${field}":`));
  const chainAt = fields.indexOf("chain");
  const [idAt, digestAt] = [fields.indexOf(id), fields.indexOf("payloadDigest")];
  /** In the row at hand. */
  const found: Found = { idFrom: 0, idTo: 0, digest: null };
  const ownChain = encoder.encode(quote(chain));
  let rest: Buffer | null = null;
  let isBegun = false;

  /** The attested columns, which begin there; answers where they end, or CUT where they have not come as a whole. */
  const encode = (row: Buffer, start: number): number => {
    let at = start;
    bytes.clear();
    found.digest = null;
    found.idTo = found.idFrom;
    for (let index = 0, column = 0; index < names.length; index++) {
      const name = names[index] as Uint8Array;
      if (index === chainAt) {
        bytes.put(name);
        bytes.put(ownChain);
        continue;
      }
      if (at + 4 > row.length) return CUT;
      const length = readInt(row, at);
      at += 4;
      const kind = kinds[column++] as CopiedKind;
      if (length === ABSENT) continue;
      if (at + length > row.length) return CUT;
      bytes.put(name);
      putValue(bytes, kind, row, at, at + length);
      if (index === digestAt) found.digest = row.toString("utf8", at, at + length);
      else if (index === idAt) [found.idFrom, found.idTo] = [at, at + length];
      at += length;
    }
    bytes.putAscii("}");
    // In the place of the first comma.
    bytes.written[0] = OPEN_OBJECT;
    return at > row.length ? CUT : at;
  };

  /** Answers as `encode` does. */
  const read = (row: Buffer, start: number, show: Parameters<CopyReader["take"]>[1]): number => {
    let at = start;
    const next = (): string | null => {
      if (at + 4 > row.length) {
        at = row.length;
        return null;
      }
      const length = readInt(row, at);
      at += 4;
      if (length === ABSENT) return null;
      at += length;
      return row.toString("utf8", at - length, at);
    };
    if (at + 4 > row.length) return CUT;
    const seqAt = at + 4;
    at += 4 + Math.max(0, readInt(row, at));
    const [own, salt, request, response] = [next(), next(), next(), next()];
    const end = encode(row, at);
    if (end === CUT) return CUT;
    const payload = rules.judgePayload({ digest: found.digest, salt, request, response });
    const digest = rules.digest(bytes.written);
    const raw: RawRow = { table, seq: readLong(row, seqAt), hash: own, digest, payload };
    show(raw, () => ({
      ...raw,
      id: row.toString("utf8", found.idFrom, found.idTo),
      text: decoder.decode(bytes.written),
    }));
    return end;
  };

  return {
    take(piece, show) {
      const stream = rest === null ? piece : Buffer.concat([rest, piece]);
      let at = 0;
      rest = null;
      const begin = isBegun ? 0 : readStart(stream);
      if (begin !== CUT) {
        isBegun = true;
        at = begin;
      }
      while (isBegun && at + 2 <= stream.length) {
        const isRow = stream.readInt16BE(at) !== TRAILER;
        const end = isRow ? read(stream, at + 2, show) : at + 2;
        if (end === CUT) break;
        at = end;
      }
      if (at < stream.length) rest = stream.subarray(at);
    },
  };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const OPEN_OBJECT = 123;

const CUT = -1;
const TRAILER = -1;

export function putValue(bytes: CanonicalBytes, kind: CopiedKind, row: Buffer, from: number, to: number): void {
  switch (kind) {
    case "bool":
      return bytes.putAscii(row[from] === 1 ? "true" : "false");
    case "double":
      return bytes.putNumber(row.readDoubleBE(from));
    case "int":
      return putWhole(bytes, row, from, to);
    case "json":
      // Behind the version of its form.
      return bytes.putJson(row.subarray(from + 1, to));
    case "text":
      return bytes.putText(row, from, to);
    case "time":
      return putTime(bytes, row, from);
    default:
      return kind satisfies never;
  }
}

/** Of 32 or 64 bits. */
function putWhole(bytes: CanonicalBytes, row: Buffer, from: number, to: number): void {
  const number = to - from === 4 ? readInt(row, from) : readLong(row, from);
  if (Number.isSafeInteger(number)) bytes.putWhole(number);
  else bytes.putAscii(String(row.readBigInt64BE(from)));
}

/** Microseconds since 2000 as milliseconds since 1970. What is no whole number of them, or no time, is none of ours. */
function putTime(bytes: CanonicalBytes, row: Buffer, from: number): void {
  const micros = readLong(row, from);
  if (Number.isSafeInteger(micros) && micros % 1_000 === 0) bytes.putWhole(micros / 1_000 + Y2K_MS);
  else bytes.putAscii(`"${row.readBigInt64BE(from)}us"`);
}

/** Exact as far as it is a safe integer. */
function readLong(row: Buffer, at: number): number {
  return readInt(row, at) * 2 ** 32 + (readInt(row, at + 4) >>> 0);
}

const Y2K_MS = Date.UTC(2000, 0, 1);

/** Where the first row begins; CUT where that has not come. */
export function readStart(stream: Buffer): number {
  return stream.length < HEADER_BYTES ? CUT : HEADER_BYTES + readInt(stream, HEADER_BYTES - 4);
}

export function readInt(bytes: Buffer, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}
