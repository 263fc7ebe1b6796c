// A table that holds as many bytes as it may: what was not asked for the longest goes first, and what is too old is not there. Knows no value.

export interface Lru<Value> {
  get(key: string): Value | undefined;
  /** Takes no more than fits; `bytes` is its size. */
  put(key: string, value: Value, init: { bytes: number; expiresMs: number }): void;
  /** How many there were. */
  clear(): number;
  count(): number;
  bytes(): number;
}

interface Held<Value> {
  value: Value;
  bytes: number;
  expiresMs: number;
}

/** What an entry costs besides its value: the key, the table's own place, and the objects around both. */
const ENTRY_BYTES = 400;

/** `nowMs` is of the same clock as `expiresMs`. */
export function createLru<Value>({ maxBytes, nowMs }: { maxBytes: number; nowMs: () => number }): Lru<Value> {
  /** In the order of use: a map keeps the order in which its keys were put. */
  const held = new Map<string, Held<Value>>();
  let total = 0;

  const remove = (key: string, { bytes }: Held<Value>): void => {
    held.delete(key);
    total -= bytes;
  };

  return {
    get(key) {
      const found = held.get(key);
      if (found === undefined) return undefined;
      if (found.expiresMs <= nowMs()) {
        remove(key, found);
        return undefined;
      }
      held.delete(key);
      held.set(key, found);
      return found.value;
    },
    put(key, value, { bytes: own, expiresMs }) {
      const before = held.get(key);
      if (before !== undefined) remove(key, before);
      const bytes = own + ENTRY_BYTES;
      if (bytes > maxBytes) return;
      held.set(key, { value, bytes, expiresMs });
      total += bytes;
      // What is too old goes as well, or a table in which nothing is asked for again would grow to the last byte.
      const now = nowMs();
      for (const [oldest, entry] of held) {
        if (total <= maxBytes && entry.expiresMs > now) break;
        remove(oldest, entry);
      }
    },
    clear() {
      const { size } = held;
      held.clear();
      total = 0;
      return size;
    },
    count: () => held.size,
    bytes: () => total,
  };
}
