// A sheet: many sums of one stretch of time as columns of numbers, of which millions are added up in the time that a database takes for some
// ten thousand of its rows. Knows no SQL and no report.

import type { Sums } from "../../ledger/index.ts";
import { type Classes, printClasses, readClasses } from "../../lib/spread.ts";
import type { PackedPart, RollupRow } from "../engine.ts";
import { type Column, type Columns, createColumns, openColumns, type Opened } from "./column.ts";
import { QUARTER_MS } from "./level.ts";
import { signSheet } from "./sign.ts";
import { SUM_FIELDS } from "../sums.ts";

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

/** A sum to be packed. */
export type SheetRow = Omit<RollupRow, "id" | "latencies" | "level" | "ttfts"> &
  Record<"latencies" | "ttfts", Classes | string>;

export interface Sheet extends Terms {
  rows: number;
  /** For each row how many quarters of an hour it begins behind the sheet; null where none does. */
  moments: Column | null;
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

const MOMENTS = "moments";

/** Sums that are alike should lie side by side, and those that are asked for together, too. */
export function packSheet(rows: readonly SheetRow[], startMs: number): PackedPart {
  const columns = createColumns();
  columns.put(
    MOMENTS,
    rows.map(({ startedAt }) => (startedAt.getTime() - startMs) / QUARTER_MS),
  );
  const sign = packTerms(columns, rows);
  for (const field of SUM_FIELDS)
    columns.put(
      field,
      rows.map((row) => row[field]),
    );
  for (const field of ["latencies", "ttfts"] as const) packClasses(field, rows, columns);
  return { body: columns.layDown(rows.length), sign };
}

/** Answers what they may be found by. */
export function packTerms(columns: Columns, rows: readonly Pick<SheetRow, Term>[]): Uint8Array<ArrayBuffer> {
  const known = TERMS.map((term) => {
    const values: Value[] = [];
    const places = new Map<Value, number>();
    /** Lists are mostly the same object, which spares printing it. */
    const known = new Map<unknown, number>();
    const find = (own: RollupRow[Term]): number => {
      const value = toValue(own);
      let place = places.get(value);
      if (place === undefined) {
        places.set(value, (place = places.size));
        values.push(value);
      }
      known.set(own, place);
      return place;
    };
    columns.put(
      term,
      rows.map((row) => known.get(row[term]) ?? find(row[term])),
    );
    columns.putJson(nameValues(term), values);
    return [term, values] as const;
  });
  return signSheet(known);
}

export interface Terms {
  /** Read when asked for: there may be many, and few are needed. */
  values(term: Term): readonly Value[];
  /** For each row the place of its value; null where that is the first for all. */
  terms: Readonly<Record<Term, Column | null>>;
}

export function openTerms({ find, readJson }: Opened): Terms {
  const known = new Map<Term, readonly Value[]>();
  return {
    values(term) {
      const values = known.get(term) ?? ((readJson(nameValues(term)) ?? []) as Value[]);
      known.set(term, values);
      return values;
    },
    terms: Object.fromEntries(TERMS.map((term) => [term, find(term)])) as Record<Term, Column | null>,
  };
}

function packClasses(field: "latencies" | "ttfts", rows: readonly SheetRow[], columns: Columns): void {
  const [counts, places, calls]: [number[], number[], number[]] = [[], [], []];
  for (const row of rows) {
    const own = row[field];
    const classes = typeof own === "string" ? readClasses(own) : own;
    counts.push(classes.size);
    for (const [place, count] of classes) {
      places.push(place);
      calls.push(count);
    }
  }
  columns.put(`${field}.counts`, counts);
  columns.put(`${field}.classes`, places);
  columns.put(`${field}.calls`, calls);
}

/** @param packed of `packSheet` */
export function openSheet(packed: Uint8Array): Sheet {
  const opened = openColumns(packed);
  const { rows, find } = opened;
  const pickClasses = (field: string): ClassColumns => ({
    counts: find(`${field}.counts`),
    classes: find(`${field}.classes`),
    calls: find(`${field}.calls`),
  });
  return {
    rows,
    moments: find(MOMENTS),
    ...openTerms(opened),
    sums: Object.fromEntries(SUM_FIELDS.map((field) => [field, find(field)])) as Record<keyof Sums, Column | null>,
    latency: pickClasses("latencies"),
    ttft: pickClasses("ttfts"),
  };
}

/** What it may be found by, made of what it holds. */
export function signBody(packed: Uint8Array): Buffer {
  const { values } = openTerms(openColumns(packed));
  return Buffer.from(signSheet(TERMS.map((term) => [term, values(term)])));
}

/** The rows of a sheet that begins then, as they were before; but for what names them. */
export function unpackSheet(packed: Uint8Array, startMs: number): Omit<RollupRow, "id" | "level">[] {
  const { rows, moments, values, terms, sums, latency, ttft } = openSheet(packed);
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
      startedAt: new Date(startMs + (moments?.[row] ?? 0) * QUARTER_MS),
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
