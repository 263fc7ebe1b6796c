// Counts the tokens of a text by a byte-pair vocabulary, in time that no text can draw out. Knows no model and no message.

import { createMemory } from "./memory.ts";
import type { RankTable } from "./rank-table.ts";
import type { Split } from "./split.ts";

export interface ByteVocabulary {
  table: RankTable;
  /** Cuts a text into pieces that are merged each by itself. */
  split: RegExp | Split;
}

/** Counts the tokens of a text. Marks such as an end-of-text in it are text like any other. */
export type Count = (text: string) => number;

/** Words come again and again. */
const MAX_REMEMBERED = 20_000;
const MAX_REMEMBERED_LENGTH = 64;

/** Below so many bytes looking through all pairs is faster than keeping them in order. */
const SHORT = 48;

/**
 * The package that brings the vocabularies merges a piece in quadratic time: a million times the same letter would keep it busy for an hour,
 * which is why the merge is made here.
 */
export function createByteCounter({ table, split }: ByteVocabulary): Count {
  const remembered = new Map<string, number>();
  const room = new Uint8Array(3 * MAX_REMEMBERED_LENGTH);

  const countMerged = (piece: string): number => {
    if (piece.length > MAX_REMEMBERED_LENGTH) {
      const bytes = encoder.encode(piece);
      return table.find(bytes, 0, bytes.length) === -1 ? merge(bytes, bytes.length, table) : 1;
    }
    const before = remembered.get(piece);
    if (before !== undefined) return before;
    const { written } = encoder.encodeInto(piece, room);
    const count = table.find(room, 0, written) === -1 ? merge(room, written, table) : 1;
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    // A piece of a text would keep the whole of it alive.
    remembered.set(Buffer.from(piece).toString(), count);
    return count;
  };

  const cut: Split = split instanceof RegExp ? cutBy(split) : split;
  const countText = (text: string): number => {
    const formed = text.toWellFormed();
    let tokens = 0;
    cut(formed, (start, end, isPlain) => {
      tokens += isPlain && table.findPlain(formed, start, end) !== -1 ? 1 : countMerged(formed.slice(start, end));
    });
    return tokens;
  };

  const counted = createMemory<number>();
  return (text) => counted.recall(text, () => countText(text));
}

function cutBy(pattern: RegExp): Split {
  return (text, take) => {
    for (const { 0: piece, index } of text.matchAll(pattern)) take(index, index + piece.length, ASCII.test(piece));
  };
}

function merge(bytes: Uint8Array, length: number, table: RankTable): number {
  return length <= SHORT ? mergeShort(bytes, length, table) : mergeLong(bytes, length, table);
}

/** The pair of lowest rank becomes one, the leftmost of equals first, until no pair is a token. */
function mergeShort(bytes: Uint8Array, length: number, table: RankTable): number {
  /** Where each part begins, and where the last one ends. */
  const edges = Array.from({ length: length + 1 }, (_, place) => place);
  for (;;) {
    let lowest = Number.POSITIVE_INFINITY;
    let at = -1;
    for (let index = 0; index + 2 < edges.length; index++) {
      const rank = table.find(bytes, edges[index] ?? 0, edges[index + 2] ?? 0);
      if (rank !== -1 && rank < lowest) [lowest, at] = [rank, index];
    }
    if (at === -1) return edges.length - 1;
    edges.splice(at + 1, 1);
  }
}

/** The same with a heap of pairs over a linked list: n·log n. Pairs that are no more are passed over when they come up. */
function mergeLong(bytes: Uint8Array, length: number, table: RankTable): number {
  const end = new Int32Array(length);
  const previous = new Int32Array(length);
  /** Of the pair that begins there; -1 where there is none, or the place is inside a token. */
  const ranks = new Int32Array(length).fill(-1);
  const heap = createHeap();
  const offer = (left: number): void => {
    const right = end[left] ?? length;
    const rank = right < length ? table.find(bytes, left, end[right] ?? length) : -1;
    ranks[left] = rank;
    if (rank !== -1) heap.push(rank * PLACES + left);
  };
  for (let index = 0; index < length; index++) {
    end[index] = index + 1;
    previous[index] = index - 1;
  }
  for (let index = 0; index < length; index++) offer(index);
  let count = length;
  for (let pair = heap.pop(); pair !== -1; pair = heap.pop()) {
    const left = pair % PLACES;
    // Either half has been merged with another since.
    if (ranks[left] !== Math.floor(pair / PLACES)) continue;
    const right = end[left] ?? length;
    const stop = end[right] ?? length;
    end[left] = stop;
    ranks[right] = -1;
    if (stop < length) previous[stop] = left;
    count--;
    offer(left);
    const before = previous[left] ?? -1;
    if (before >= 0) offer(before);
  }
  return count;
}

/** A pair is one number, its rank and then its place, so that the order of numbers is that of merging. */
const PLACES = 2 ** 32;

function createHeap() {
  const items: number[] = [];
  return {
    push(item: number): void {
      let at = items.push(item) - 1;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        const above = items[parent] ?? 0;
        if (above <= item) break;
        items[at] = above;
        at = parent;
      }
      items[at] = item;
    },
    /** -1 where it is empty. */
    pop(): number {
      const least = items[0] ?? -1;
      const item = items.pop() ?? -1;
      const { length } = items;
      if (length === 0) return least;
      let at = 0;
      for (let child = 1; child < length; child = 2 * at + 1) {
        if (child + 1 < length && (items[child + 1] ?? 0) < (items[child] ?? 0)) child++;
        const below = items[child] ?? 0;
        if (below >= item) break;
        items[at] = below;
        at = child;
      }
      items[at] = item;
      return least;
    },
  };
}

const encoder = new TextEncoder();
// eslint-disable-next-line no-control-regex -- what has one byte a character
const ASCII = /^[\u0000-\u007f]*$/u;
