// Remembers what was found out about a long text, without the text: a conversation comes again with each turn, and its beginning with each
// conversation. Knows no tokenizer.

export interface Memory<Found> {
  /** What is known of the text; else `find` is asked. Short ones are not worth it. */
  recall(text: string, find: () => Found): Found;
}

const LEAST_LENGTH = 256;
/** A power of two. */
const PLACES = 16_384;

const PLACE_BITS = Math.log2(PLACES);

export function createMemory<Found>(): Memory<Found> {
  // Each text has one place, which the next one takes: lists of fixed length, where a map of so many would be walked through by every collection.
  const keys = new BigUint64Array(PLACES);
  const known: (Found | undefined)[] = Array.from({ length: PLACES });
  // By a hash that nobody outside can foresee, so that no text is made to look like another.
  const seed = crypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n;
  return {
    recall(text, find) {
      if (text.length < LEAST_LENGTH) return find();
      const key = Bun.hash.wyhash(text, seed);
      const place = Number(BigInt.asUintN(PLACE_BITS, key));
      const before = known[place];
      if (before !== undefined && keys[place] === key) return before;
      const found = find();
      keys[place] = key;
      known[place] = found;
      return found;
    },
  };
}
