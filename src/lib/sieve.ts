// Which texts of a long list were there before, at 16 bytes and a little a text: by 96 bits of their hashes, of which no two are ever the same by
// chance. Knows no text of its own.

/** Low and high half of one hash, another hash, and the row; all 0 where there is nothing. */
const FIELDS = 4;
const FIRST_SLOTS = 1_024;

export interface Sieve {
  /** The row at which this text stood first; null where that is now. Rows count from 1. */
  claim(text: string, row: number): number | null;
}

/** @param seed unknown to whoever writes the texts, so that nobody can make two collide */
export function createSieve(seed: bigint): Sieve {
  const seed32 = Number(seed & 0xffff_ffffn);
  let table = new Uint32Array(FIRST_SLOTS * FIELDS);
  let used = 0;

  function grow(): void {
    const old = table;
    table = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += FIELDS) {
      if (old[at + 3] === 0) continue;
      const free = find(old[at] ?? 0, old[at + 1] ?? 0, old[at + 2] ?? 0);
      table.set(old.subarray(at, at + FIELDS), free);
    }
  }

  /** Where it stands, or the free place where it belongs. */
  function find(low: number, high: number, other: number): number {
    for (let at = (low * FIELDS) % table.length; ; at = (at + FIELDS) % table.length) {
      if (table[at + 3] === 0) return at;
      if (table[at] === low && table[at + 1] === high && table[at + 2] === other) return at;
    }
  }

  return {
    claim(text, row) {
      if (used * 4 >= (table.length / FIELDS) * 3) grow();
      const hash = Bun.hash.wyhash(text, seed);
      const [low, high] = [Number(hash & 0xffff_ffffn), Number(hash >> 32n)];
      const other = Bun.hash.xxHash32(text, seed32);
      const at = find(low, high, other);
      const first = table[at + 3] ?? 0;
      if (first !== 0) return first;
      table.set([low, high, other, row], at);
      used++;
      return null;
    },
  };
}
