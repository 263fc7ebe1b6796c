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

/** Places in the array are ranks. May have holes. */
export function createRankTable(tokens: readonly (Uint8Array | undefined)[]): RankTable {
  const starts = new Uint32Array(tokens.length + 1);
  for (const [rank, token] of tokens.entries()) starts[rank + 1] = (starts[rank] ?? 0) + (token?.length ?? 0);
  const store = new Uint8Array(starts[tokens.length] ?? 0);
  // Half of it is empty, so that what is not there is soon missed.
  const size = 2 ** Math.ceil(Math.log2(Math.max(2, tokens.length * 2)));
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

  for (const [rank, token] of tokens.entries()) {
    if (token === undefined || token.length === 0) continue;
    store.set(token, starts[rank]);
    let hash = FNV_OFFSET;
    for (const byte of token) hash = Math.imul(hash ^ byte, FNV_PRIME);
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
