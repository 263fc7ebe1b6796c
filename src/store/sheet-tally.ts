// Adds up sheets by what a report asks for. Each value is looked up once a sheet, and each row costs some array reads. Knows no SQL.

import type { Dimension, Direction, ReportQuery, Sums } from "../ledger/index.ts";
import { type Classes, NO_CLASSES } from "../lib/spread.ts";
import { cleanText } from "../lib/text.ts";
import { type Piece, spreadTags } from "./report-piece.ts";
import type { ClassColumns, Column, Sheet, Term, Value } from "./sheet.ts";
import { pickSums, SUM_FIELDS } from "./sums.ts";

/** Of each dimension but the model, which two of them name. */
const TERM_OF = {
  direction: "direction",
  endpoint: "endpoint",
  key: "apiKeyId",
  provider: "provider",
  status: "status",
  tag: "tags",
  user: "userId",
} as const satisfies Record<Exclude<Dimension, "model">, Term>;

/** Two whole numbers as one: small ones, which are looked up faster, as long as both are; and no two alike. */
function join(at: number, id: number): number {
  return at < 2 ** 19 && id < 2 ** 12 ? at * 2 ** 12 + id : 2 ** 31 + at * 2 ** 26 + id;
}

export interface Tally {
  /** @param piece of time that the sheet counts for */
  add(sheet: Sheet, piece: number): void;
  pieces(): Piece[];
}

export function createTally({ by, filter }: Pick<ReportQuery, "by" | "filter">): Tally {
  const steps: Dimension[] = ["direction", ...by];
  const known = steps.map(() => new Map<Value, number>());
  const names = steps.map((): Value[] => []);
  /** From what a group was told apart by so far, and the next value, to what it is told apart by then. */
  const paths = steps.map(() => new Map<number, number>());
  const roots = new Map<number, number>();
  const groups: { piece: number; ids: readonly number[] }[] = [];
  const sums = createSums();
  const spreads = { latency: createSpreads(), ttft: createSpreads() };

  const identify = (step: number, value: Value): number => {
    const own = known[step] ?? new Map<Value, number>();
    let id = own.get(value);
    if (id === undefined) {
      own.set(value, (id = own.size));
      names[step]?.push(value);
    }
    return id;
  };
  const findGroup = (piece: number, ids: readonly number[]): number => {
    let at = roots.get(piece);
    if (at === undefined) roots.set(piece, (at = roots.size));
    for (const [step, id] of ids.entries()) {
      const own = paths[step] ?? new Map<number, number>();
      const key = join(at, id);
      let next = own.get(key);
      if (next === undefined) {
        own.set(key, (next = own.size));
        if (step === ids.length - 1) groups.push({ piece, ids: [...ids] });
      }
      at = next;
    }
    return at;
  };
  /** Rows that the filter lets through, and their groups. */
  const placeRows = (sheet: Sheet, piece: number): Placed => {
    const rows = listPassing(sheet, filter);
    const placed = new Int32Array(rows.length);
    const readers = steps.map((step, index) => readDimension(sheet, step, (value) => identify(index, value)));
    const ids = readers.map(() => -1);
    let group = -1;
    for (const [index, row] of rows.entries()) {
      let isOther = false;
      for (let step = 0; step < readers.length; step++) {
        const id = readers[step]?.(row) ?? 0;
        if (id === ids[step]) continue;
        ids[step] = id;
        isOther = true;
      }
      if (isOther) group = findGroup(piece, ids);
      placed[index] = group;
    }
    return { rows, groups: placed };
  };

  return {
    add(sheet, piece) {
      const placed = placeRows(sheet, piece);
      if (placed.rows.length === 0) return;
      sums.add(sheet.sums, placed, groups.length);
      spreads.latency.add(sheet.latency, placed, groups.length);
      spreads.ttft.add(sheet.ttft, placed, groups.length);
    },
    pieces() {
      const place = by.indexOf("tag");
      return groups.flatMap(({ piece, ids }, group) => {
        const [direction, ...keys] = ids.map((id, step) => names[step]?.[id] ?? null);
        const found = { piece, direction: direction as Direction, keys };
        return (place === -1 ? [found] : spreadTags(found, place)).map((each) => ({
          ...each,
          sums: sums.read(group),
          // Each its own, for it may be added to.
          spread: { latency: spreads.latency.read(group), ttft: spreads.ttft.read(group) },
        }));
      });
    },
  };
}

/** Some rows in order, and the group of each. */
interface Placed {
  rows: Int32Array;
  groups: Int32Array;
}

/** What a row has in that dimension, as `identify` names it. */
function readDimension(
  sheet: Sheet,
  dimension: Dimension,
  identify: (value: Value) => number,
): (row: number) => number {
  if (dimension === "model") {
    const asked = sheet.values("modelAsked").map(identify);
    // No name is none.
    const served = sheet.values("modelServed").map((value) => (value === null || value === "" ? -1 : identify(value)));
    const [ofAsked, ofServed] = [sheet.terms.modelAsked, sheet.terms.modelServed];
    return (row) => {
      const id = served[ofServed === null ? 0 : (ofServed[row] ?? 0)] ?? -1;
      return id === -1 ? (asked[ofAsked === null ? 0 : (ofAsked[row] ?? 0)] ?? 0) : id;
    };
  }
  const term = TERM_OF[dimension];
  const ids = Int32Array.from(sheet.values(term), identify);
  const places = sheet.terms[term];
  return places === null ? () => ids[0] ?? 0 : (row) => ids[places[row] ?? 0] ?? 0;
}

/** Rows that pass what `matchFilter` says in SQL. Times are the sheet's. */
function listPassing(sheet: Sheet, filter: ReportQuery["filter"]): Int32Array {
  const { model, status, tags = [] } = filter;
  const passes = new Uint8Array(sheet.rows).fill(1);
  const look = (term: Term, isRight: (value: Value) => boolean): Uint8Array => {
    const right = Uint8Array.from(sheet.values(term), (value) => (isRight(value) ? 1 : 0));
    return readMarks(right, sheet.terms[term], sheet.rows);
  };
  const narrow = (found: Uint8Array): void => {
    for (let row = 0; row < passes.length; row++) passes[row] = (passes[row] ?? 0) & (found[row] ?? 0);
  };
  const equal = (term: Term, asked: string | undefined): void => {
    if (asked === undefined) return;
    const clean = cleanText(asked);
    narrow(look(term, (value) => value === clean));
  };
  equal("provider", filter.provider);
  equal("apiKeyId", filter.apiKeyId);
  equal("userId", filter.userId);
  equal("endpoint", filter.endpoint);
  equal("direction", filter.direction);
  // One digit is a class.
  if (status !== undefined && status >= 10) narrow(look("status", (value) => value === status));
  else if (status !== undefined) narrow(look("status", (value) => Math.floor(Number(value) / 100) === status));
  if (tags.length > 0) {
    const clean = tags.map(cleanText);
    const bears = (value: Value): boolean => {
      const own: unknown = typeof value === "string" ? JSON.parse(value) : [];
      return Array.isArray(own) && clean.every((tag) => own.includes(tag));
    };
    narrow(look("tags", bears));
  }
  if (model !== undefined) {
    const clean = cleanText(model);
    const [asked, served] = [
      look("modelAsked", (value) => value === clean),
      look("modelServed", (value) => value === clean),
    ];
    narrow(asked.map((isAsked, row) => isAsked | (served[row] ?? 0)));
  }
  return listMarked(passes);
}

/** For each row what its value has. */
function readMarks(right: Uint8Array, places: Column | null, rows: number): Uint8Array {
  const marks = new Uint8Array(rows);
  if (places === null) return marks.fill(right[0] ?? 0);
  for (let row = 0; row < rows; row++) marks[row] = right[places[row] ?? 0] ?? 0;
  return marks;
}

function listMarked(marks: Uint8Array): Int32Array {
  const rows = new Int32Array(marks.length);
  let count = 0;
  for (let row = 0; row < marks.length; row++) if (marks[row] === 1) rows[count++] = row;
  return rows.subarray(0, count);
}

/** Doubled until it holds as many, so that it is seldom copied. */
function grow<Numbers extends Float64Array | Int32Array>(
  numbers: Numbers,
  length: number,
  make: (length: number) => Numbers,
): Numbers {
  if (numbers.length >= length) return numbers;
  const grown = make(Math.max(length, numbers.length * 2));
  grown.set(numbers);
  return grown;
}

const makeFloats = (length: number): Float64Array => new Float64Array(length);

function createSums() {
  const width = SUM_FIELDS.length;
  let totals = makeFloats(64 * width);
  return {
    add(columns: Sheet["sums"], placed: Placed, groups: number): void {
      totals = grow(totals, groups * width, makeFloats);
      for (const [place, field] of SUM_FIELDS.entries()) {
        const column = columns[field];
        if (column !== null) addColumn(totals, column, placed, { width, place });
      }
    },
    read(group: number): Sums {
      const sums = pickSums({});
      for (const [place, field] of SUM_FIELDS.entries()) sums[field] = totals[group * width + place] ?? 0;
      return sums;
    },
  };
}

function addColumn(
  totals: Float64Array,
  column: Column,
  { rows, groups }: Placed,
  { width, place }: { width: number; place: number },
): void {
  for (let index = 0; index < rows.length; index++) {
    const at = (groups[index] ?? 0) * width + place;
    totals[at] = (totals[at] ?? 0) + (column[rows[index] ?? 0] ?? 0);
  }
}

/** Classes lie close together: each group has a block of counts for those sixteen that it needs. */
const BLOCK = 16;
/** Of a time of a year and more; there are no blocks for those beyond. */
const CLASSES = 256;
const BLOCKS_A_GROUP = CLASSES / BLOCK;

function createSpreads() {
  /** From a group and sixteen classes to their block; 0 where there is none. */
  let blocks = new Int32Array(64 * BLOCKS_A_GROUP);
  let calls = makeFloats(64 * BLOCK);
  let used = 1;
  const rare = new Map<number, Map<number, number>>();

  const count = (group: number, place: number, more: number): void => {
    if (place >= CLASSES) {
      const own = rare.get(group) ?? new Map<number, number>();
      rare.set(group, own.set(place, (own.get(place) ?? 0) + more));
      return;
    }
    const at = group * BLOCKS_A_GROUP + (place >> 4);
    let block = blocks[at] ?? 0;
    if (block === 0) {
      blocks[at] = block = used++;
      calls = grow(calls, used * BLOCK, makeFloats);
    }
    const own = block * BLOCK + (place & 15);
    calls[own] = (calls[own] ?? 0) + more;
  };

  return {
    add({ counts, classes, calls: column }: ClassColumns, placed: Placed, groups: number): void {
      blocks = grow(blocks, groups * BLOCKS_A_GROUP, (length) => new Int32Array(length));
      if (counts === null || column === null) return;
      let row = 0;
      let at = 0;
      for (let index = 0; index < placed.rows.length; index++) {
        for (const next = placed.rows[index] ?? 0; row < next; row++) at += counts[row] ?? 0;
        const group = placed.groups[index] ?? 0;
        for (const end = at + (counts[row] ?? 0); at < end; at++)
          count(group, classes === null ? 0 : (classes[at] ?? 0), column[at] ?? 0);
        row++;
      }
    },
    read(group: number): Classes {
      const found = new Map<number, number>(rare.get(group));
      for (let index = 0; index < BLOCKS_A_GROUP; index++) {
        const block = blocks[group * BLOCKS_A_GROUP + index] ?? 0;
        if (block === 0) continue;
        for (let place = 0; place < BLOCK; place++) {
          const own = calls[block * BLOCK + place] ?? 0;
          if (own !== 0) found.set(index * BLOCK + place, own);
        }
      }
      return found.size === 0 ? NO_CLASSES : found;
    },
  };
}
