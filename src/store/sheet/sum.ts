// Figures of many rows added up by groups, column by column. Knows neither values nor SQL.

import type { Sums } from "../../ledger/index.ts";
import { type Classes, NO_CLASSES } from "../../lib/spread.ts";
import type { ClassColumns, Sheet } from "./sheet.ts";
import type { Column } from "./column.ts";
import { pickSums, SUM_FIELDS } from "../sums.ts";

/** Some rows in order, and the group of each. */
export interface Placed {
  rows: Int32Array;
  groups: Int32Array;
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

export function createColumnSums() {
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

export function createSpreads() {
  /** From a group and sixteen classes to their block; 0 where there is none. */
  let blocks = new Int32Array(64 * BLOCKS_A_GROUP);
  let calls = makeFloats(64 * BLOCK);
  let used = 1;
  const rare = new Map<number, Map<number, number>>();

  const countRare = (group: number, place: number, more: number): void => {
    const own = rare.get(group) ?? new Map<number, number>();
    rare.set(group, own.set(place, (own.get(place) ?? 0) + more));
  };
  const addBlock = (at: number): number => {
    const block = used++;
    blocks[at] = block;
    calls = grow(calls, used * BLOCK, makeFloats);
    return block;
  };

  return {
    add({ counts, classes, calls: column }: ClassColumns, placed: Placed, groups: number): void {
      blocks = grow(blocks, groups * BLOCKS_A_GROUP, (length) => new Int32Array(length));
      if (counts === null || column === null) return;
      const { rows, groups: groupOf } = placed;
      let row = 0;
      let at = 0;
      for (let index = 0; index < rows.length; index++) {
        for (const next = rows[index] ?? 0; row < next; row++) at += counts[row] ?? 0;
        const group = groupOf[index] ?? 0;
        for (const end = at + (counts[row] ?? 0); at < end; at++) {
          const place = classes === null ? 0 : (classes[at] ?? 0);
          if (place >= CLASSES) {
            countRare(group, place, column[at] ?? 0);
            continue;
          }
          const own = group * BLOCKS_A_GROUP + (place >> 4);
          const block = blocks[own] || addBlock(own);
          const cell = block * BLOCK + (place & 15);
          calls[cell] = (calls[cell] ?? 0) + (column[at] ?? 0);
        }
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
