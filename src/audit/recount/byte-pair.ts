// Counts the tokens of a text by a byte-pair vocabulary, in time that no text can draw out. Knows no model and no message.

export interface ByteVocabulary {
  /** The bytes of each token, as text where they are text; its place is its rank. May have holes. */
  ranks: readonly (string | readonly number[] | undefined)[];
  /** Cuts a text into pieces that are merged each by itself. */
  split: RegExp;
}

/** Counts the tokens of a text. Marks such as an end-of-text in it are text like any other. */
export type Count = (text: string) => number;

/** Words come again and again. */
const MAX_REMEMBERED = 50_000;
const MAX_REMEMBERED_LENGTH = 64;

/** Below so many bytes looking through all pairs is faster than keeping them in order. */
const SHORT = 48;

/**
 * Bytes are handled as characters 0–255. The package that brings the vocabularies merges a piece in quadratic time: a million times
 * the same letter would keep it busy for an hour, which is why the merge is made here.
 */
export function createByteCounter({ ranks, split }: ByteVocabulary): Count {
  const known = new Map<string, number>();
  for (const [rank, token] of ranks.entries()) if (token !== undefined) known.set(toBytes(token), rank);
  const remembered = new Map<string, number>();

  const countPiece = (piece: string): number => {
    const bytes = toBytes(piece);
    if (known.has(bytes)) return 1;
    if (bytes.length > MAX_REMEMBERED_LENGTH) return merge(bytes, known);
    const before = remembered.get(bytes);
    if (before !== undefined) return before;
    const count = merge(bytes, known);
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(bytes, count);
    return count;
  };

  return (text) => {
    let tokens = 0;
    for (const [piece] of text.toWellFormed().matchAll(split)) tokens += countPiece(piece);
    return tokens;
  };
}

function merge(bytes: string, known: ReadonlyMap<string, number>): number {
  return bytes.length <= SHORT ? mergeShort(bytes, known) : mergeLong(bytes, known);
}

/** The pair of lowest rank becomes one, the leftmost of equals first, until no pair is a token. */
function mergeShort(bytes: string, known: ReadonlyMap<string, number>): number {
  const parts = bytes.split("");
  for (;;) {
    let lowest = Number.POSITIVE_INFINITY;
    let at = -1;
    for (let index = 0; index + 1 < parts.length; index++) {
      const rank = known.get(`${parts[index]}${parts[index + 1]}`) ?? Number.POSITIVE_INFINITY;
      if (rank < lowest) [lowest, at] = [rank, index];
    }
    if (at === -1) return parts.length;
    parts.splice(at, 2, `${parts[at]}${parts[at + 1]}`);
  }
}

/** The same with a heap of pairs over a linked list: n·log n. Pairs that are no more are passed over when they come up. */
function mergeLong(bytes: string, known: ReadonlyMap<string, number>): number {
  const { length } = bytes;
  const end = new Int32Array(length);
  const previous = new Int32Array(length);
  /** Of the pair that begins there; -1 where there is none, or the place is inside a token. */
  const ranks = new Int32Array(length).fill(-1);
  const heap = createHeap();
  const offer = (left: number): void => {
    const right = end[left] ?? length;
    const rank = right < length ? (known.get(bytes.slice(left, end[right])) ?? -1) : -1;
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
// eslint-disable-next-line no-control-regex -- what has one byte a character is left as it is
const ASCII = /^[\u0000-\u007f]*$/u;

function toBytes(token: string | readonly number[]): string {
  if (typeof token === "string") {
    if (ASCII.test(token)) return token;
    return Buffer.from(encoder.encode(token)).toString("latin1");
  }
  return String.fromCharCode(...token);
}
