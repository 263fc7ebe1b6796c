// A sheet: many sums of one stretch of time as columns of numbers, of which millions are added up in the time that a database takes for some
// ten thousand of its rows. Knows no SQL and no report.

import type { Sums } from "../ledger/index.ts";
import { printClasses, readClasses } from "../lib/spread.ts";
import type { RollupRow } from "./engine.ts";
import { SUM_FIELDS } from "./sums.ts";

/** What sums are described by. A sheet says each value once, and rows point at it. */
export const TERMS = [
  "userId",
  "apiKeyId",
  "tags",
  "modelAsked",
  "modelServed",
  "provider",
  "endpoint",
  "status",
  "direction",
] as const satisfies readonly (keyof RollupRow)[];
export type Term = (typeof TERMS)[number];
/** Tags are all of a row's, as JSON. */
export type Value = number | string | null;

/** In the numbers' own order; none where all of them are zero. */
export type Column = Float64Array | Uint8Array | Uint16Array | Uint32Array;

export interface Sheet {
  rows: number;
  /** Read when asked for: there may be many, and few are needed. */
  values(term: Term): readonly Value[];
  /** For each row the place of its value; null where that is the first for all. */
  terms: Readonly<Record<Term, Column | null>>;
  sums: Readonly<Record<keyof Sums, Column | null>>;
  latency: ClassColumns;
  ttft: ClassColumns;
}

/** `counts` says how many classes each row has; those of all rows follow each other in the others. */
export interface ClassColumns {
  counts: Column | null;
  classes: Column | null;
  calls: Column | null;
}

type Kind = 1 | 2 | 4 | 8;

interface Head {
  rows: number;
  /** Of each column its name, bytes a number and length, in the order in which they lie behind the head. */
  columns: [name: string, kind: Kind, length: number][];
}

const ALIGNED = 8;

export function packSheet(rows: readonly RollupRow[]): Uint8Array<ArrayBuffer> {
  const sorted = rows.toSorted(compare);
  const columns: { name: string; kind: Kind; numbers: readonly number[] }[] = [];
  const put = (name: string, numbers: readonly number[]): void => {
    if (numbers.some((number) => number !== 0)) columns.push({ name, kind: fit(numbers), numbers });
  };
  for (const term of TERMS) {
    const places = new Map<Value, number>();
    put(
      term,
      sorted.map((row) => {
        const value = toValue(row[term]);
        const place = places.get(value) ?? places.size;
        places.set(value, place);
        return place;
      }),
    );
    put(nameValues(term), [...new TextEncoder().encode(JSON.stringify([...places.keys()]))]);
  }
  for (const field of SUM_FIELDS)
    put(
      field,
      sorted.map((row) => row[field]),
    );
  for (const field of ["latencies", "ttfts"] as const) {
    const classes = sorted.map((row) => [...readClasses(row[field])]);
    put(
      `${field}.counts`,
      classes.map(({ length }) => length),
    );
    put(
      `${field}.classes`,
      classes.flatMap((own) => own.map(([place]) => place)),
    );
    put(
      `${field}.calls`,
      classes.flatMap((own) => own.map(([, calls]) => calls)),
    );
  }
  const head: Head = {
    rows: sorted.length,
    columns: columns.map(({ name, kind, numbers }) => [name, kind, numbers.length]),
  };
  const text = new TextEncoder().encode(JSON.stringify(head));
  const places = layOut(text.length, head.columns);
  const bytes = new Uint8Array(places.end);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  for (const [index, { kind, numbers }] of columns.entries())
    view(bytes, places.starts[index] ?? 0, { kind, length: numbers.length }).set(numbers);
  return bytes;
}

/** @param bytes of `packSheet`; its columns are looked at where they lie */
export function openSheet(packed: Uint8Array): Sheet {
  // Numbers of several bytes must lie where they would in an array of them.
  const bytes = packed.byteOffset % ALIGNED === 0 ? packed : new Uint8Array(packed);
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  // Of our own making.
  const { rows, columns } = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size))) as Head;
  const { starts } = layOut(size, columns);
  const found = new Map(
    columns.map(([name, kind, length], index) => [name, view(bytes, starts[index] ?? 0, { kind, length })]),
  );
  const pick = <Name extends string>(names: readonly Name[]) =>
    Object.fromEntries(names.map((name) => [name, found.get(name) ?? null])) as Record<Name, Column | null>;
  const pickClasses = (field: string): ClassColumns => ({
    counts: found.get(`${field}.counts`) ?? null,
    classes: found.get(`${field}.classes`) ?? null,
    calls: found.get(`${field}.calls`) ?? null,
  });
  const known = new Map<Term, readonly Value[]>();
  const readValues = (term: Term): readonly Value[] => {
    const text = found.get(nameValues(term));
    return text === undefined ? [] : (JSON.parse(new TextDecoder().decode(text)) as Value[]);
  };
  return {
    rows,
    values(term) {
      const values = known.get(term) ?? readValues(term);
      known.set(term, values);
      return values;
    },
    terms: pick(TERMS),
    sums: pick(SUM_FIELDS),
    latency: pickClasses("latencies"),
    ttft: pickClasses("ttfts"),
  };
}

/** The rows of a sheet, as they were before; but for what names them. */
export function unpackSheet(packed: Uint8Array): Omit<RollupRow, "id" | "level" | "startedAt">[] {
  const { rows, values, terms, sums, latency, ttft } = openSheet(packed);
  const [latencies, ttfts] = [listClasses(rows, latency), listClasses(rows, ttft)];
  return Array.from({ length: rows }, (_, row) => {
    const described = TERMS.map((term) => [term, values(term)[terms[term]?.[row] ?? 0] ?? null] as const);
    const tags = values("tags")[terms.tags?.[row] ?? 0];
    return {
      ...(Object.fromEntries(described) as unknown as Omit<RollupRow, "tags">),
      tags: typeof tags === "string" ? (JSON.parse(tags) as string[]) : null,
      ...(Object.fromEntries(SUM_FIELDS.map((field) => [field, sums[field]?.[row] ?? 0])) as unknown as Sums),
      latencies: latencies[row] ?? "",
      ttfts: ttfts[row] ?? "",
    };
  });
}

function listClasses(rows: number, { counts, classes, calls }: ClassColumns): string[] {
  let at = 0;
  return Array.from({ length: rows }, (_, row) => {
    const own = new Map<number, number>();
    for (const end = at + (counts?.[row] ?? 0); at < end; at++) own.set(classes?.[at] ?? 0, calls?.[at] ?? 0);
    return printClasses(own);
  });
}

function nameValues(term: Term): string {
  return `${term}.values`;
}

function toValue(value: RollupRow[Term]): Value {
  return Array.isArray(value) ? JSON.stringify(value) : value;
}

/** What is alike lies side by side. */
function compare(left: RollupRow, right: RollupRow): number {
  if (left.userId !== right.userId) return left.userId < right.userId ? -1 : 1;
  if (left.apiKeyId !== right.apiKeyId) return left.apiKeyId < right.apiKeyId ? -1 : 1;
  if (left.modelAsked !== right.modelAsked) return left.modelAsked < right.modelAsked ? -1 : 1;
  return left.id < right.id ? -1 : 1;
}

/** The fewest bytes that hold each of them. */
function fit(numbers: readonly number[]): Kind {
  let most = 0;
  for (const number of numbers) {
    if (number < 0) return 8;
    if (number > most) most = number;
  }
  if (most < 2 ** 8) return 1;
  if (most < 2 ** 16) return 2;
  return most < 2 ** 32 ? 4 : 8;
}

function layOut(headBytes: number, columns: Head["columns"]): { starts: number[]; end: number } {
  let end = align(4 + headBytes);
  const starts = columns.map(([, kind, length]) => {
    const start = end;
    end = align(end + kind * length);
    return start;
  });
  return { starts, end };
}

function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNED) * ALIGNED;
}

function view(
  { buffer, byteOffset }: Uint8Array,
  start: number,
  { kind, length }: { kind: Kind; length: number },
): Column {
  const at = byteOffset + start;
  switch (kind) {
    case 1:
      return new Uint8Array(buffer, at, length);
    case 2:
      return new Uint16Array(buffer, at, length);
    case 4:
      return new Uint32Array(buffer, at, length);
    case 8:
      return new Float64Array(buffer, at, length);
    default:
      return kind satisfies never;
  }
}
