// Remembers what was found out about a long text, without the text: a conversation comes again with each turn, and its beginning with each
// conversation. Knows no tokenizer.

export interface Memory<Found> {
  /** What is known of the text; else `find` is asked. Short ones are not worth it. */
  recall(text: string, find: () => Found): Found;
}

const LEAST_LENGTH = 256;
const MAX_TEXTS = 20_000;

export function createMemory<Found>(): Memory<Found> {
  const known = new Map<bigint, Found>();
  // By a hash that nobody outside can foresee, so that no text is made to look like another.
  const seed = crypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n;
  return {
    recall(text, find) {
      if (text.length < LEAST_LENGTH) return find();
      const key = Bun.hash.wyhash(text, seed);
      const before = known.get(key);
      if (before !== undefined) return before;
      const found = find();
      if (known.size >= MAX_TEXTS) known.clear();
      known.set(key, found);
      return found;
    },
  };
}
