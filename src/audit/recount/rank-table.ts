// The tokens of a vocabulary with their ranks, found by their bytes: flat arrays, as two hundred thousand strings would be walked through by
// every collection of garbage, and asked for with a string made for each word of a text. Knows no text.

export interface RankTable {
  /** The rank of the token that these bytes are; -1 where they are none. */
  find(bytes: Uint8Array, start: number, end: number): number;
  /** Likewise of characters that are ASCII all. */
  findPlain(text: string, start: number, end: number): number;
}

const FNV_OFFSET = 0x81_1c_9d_c5;
const FNV_PRIME = 0x01_00_01_93;

/**
 * From a file as tiktoken writes it: a line a token, its bytes in base64, a blank, and its rank, which is the place of the line. Throws a RangeError
 * where it is not that. No token becomes a value of its own on the way: two hundred thousand of them would take a hundred megabytes, to be thrown away.
 */
export function readRankTable(file: Uint8Array): RankTable {
  const { starts, store } = readTokens(file);
  const count = starts.length - 1;
  // Half of it is empty, so that what is not there is soon missed.
  const size = 2 ** Math.ceil(Math.log2(Math.max(2, count * 2)));
  const mask = size - 1;
  const slots = new Int32Array(size).fill(-1);

  const isAt = (rank: number, bytes: Uint8Array, start: number, end: number): boolean => {
    const from = starts[rank] ?? 0;
    if ((starts[rank + 1] ?? 0) - from !== end - start) return false;
    for (let place = start; place < end; place++) if (store[from + place - start] !== bytes[place]) return false;
    return true;
  };

  const find = (bytes: Uint8Array, start: number, end: number): number => {
    let hash = FNV_OFFSET;
    for (let place = start; place < end; place++) hash = Math.imul(hash ^ (bytes[place] ?? 0), FNV_PRIME);
    for (let slot = mix(hash) & mask; ; slot = (slot + 1) & mask) {
      const rank = slots[slot] ?? -1;
      if (rank === -1 || isAt(rank, bytes, start, end)) return rank;
    }
  };

  for (let rank = 0; rank < count; rank++) {
    let hash = FNV_OFFSET;
    const end = starts[rank + 1] ?? 0;
    for (let place = starts[rank] ?? 0; place < end; place++) hash = Math.imul(hash ^ (store[place] ?? 0), FNV_PRIME);
    let slot = mix(hash) & mask;
    while (slots[slot] !== -1) slot = (slot + 1) & mask;
    slots[slot] = rank;
  }

  return {
    find,
    findPlain(text, start, end) {
      let hash = FNV_OFFSET;
      // oxlint-disable-next-line unicorn/prefer-code-point -- the inner loop
      for (let place = start; place < end; place++) hash = Math.imul(hash ^ text.charCodeAt(place), FNV_PRIME);
      const length = end - start;
      for (let slot = mix(hash) & mask; ; slot = (slot + 1) & mask) {
        const rank = slots[slot] ?? -1;
        if (rank === -1) return -1;
        const from = starts[rank] ?? 0;
        if ((starts[rank + 1] ?? 0) - from !== length) continue;
        let place = 0;
        // oxlint-disable-next-line unicorn/prefer-code-point
        while (place < length && store[from + place] === text.charCodeAt(start + place)) place++;
        if (place === length) return rank;
      }
    },
  };
}

/** The lower bits of the product know little of the last bytes. */
function mix(hash: number): number {
  return hash ^ (hash >>> 15);
}

const BLANK = 32;
const LINE_END = 10;
const ZERO = 48;
const NONE = 255;
/** Of characters: what they stand for in base64. */
const VALUES = new Uint8Array(256).fill(NONE);
for (const [value, character] of Buffer.from(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
).entries())
  VALUES[character] = value;
const PADDING = 61;

/** The bytes of all tokens in one piece, and where each begins; behind the last, where it ends. */
function readTokens(file: Uint8Array): { starts: Uint32Array; store: Uint8Array } {
  const { lines, bytes } = measureTokens(file);
  const starts = new Uint32Array(lines + 1);
  const store = new Uint8Array(bytes);
  let at = 0;
  let end = 0;
  for (let rank = 0; rank < starts.length - 1; rank++) {
    let held = 0;
    let bits = 0;
    for (; at < file.length && file[at] !== BLANK; at++) {
      const character = file[at] ?? 0;
      if (character === PADDING) continue;
      const value = VALUES[character] ?? NONE;
      if (value === NONE) throw broken(rank);
      held = (held << 6) | value;
      bits += 6;
      if (bits < 8) continue;
      bits -= 8;
      store[end++] = held >> bits;
      held &= (1 << bits) - 1;
    }
    let read = 0;
    for (at++; at < file.length && file[at] !== LINE_END; at++) read = read * 10 + (file[at] ?? 0) - ZERO;
    at++;
    if (read !== rank) throw broken(rank);
    starts[rank + 1] = end;
  }
  return { starts, store };
}

function broken(rank: number): RangeError {
  return new RangeError(`line ${rank + 1} of a vocabulary is no token of rank ${rank}`);
}

function measureTokens(file: Uint8Array): { lines: number; bytes: number } {
  let lines = 0;
  let bytes = 0;
  for (let at = 0; at < file.length; lines++) {
    let digits = 0;
    for (; at < file.length && file[at] !== BLANK; at++) if (file[at] !== PADDING) digits++;
    // Six bits each; what is left over of them is none.
    bytes += (digits * 6) >> 3;
    while (at < file.length && file[at++] !== LINE_END);
  }
  return { lines, bytes };
}
