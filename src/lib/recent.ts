// Remembers what was asked for of late, up to so much of it: in two halves, of which the older one goes where the newer one is full, or where so much
// time has passed. Knows no value, and the time by what it is told.

export interface Recent<Value> {
  get(key: string, atMs: number): Value | undefined;
  /** `weight`: of what there may be; more than half of it is not kept. */
  put(key: string, value: Value, init: { atMs: number; weight?: number }): void;
  clear(): void;
}

interface Entry<Value> {
  value: Value;
  weight: number;
}

/** What nobody asks for is forgotten after `ageMs`, or twice as long. */
export function createRecent<Value>({ most, ageMs }: { most: number; ageMs: number }): Recent<Value> {
  const half = most / 2;
  let newer = new Map<string, Entry<Value>>();
  let older: typeof newer = new Map();
  let total = 0;
  let turnedMs = Number.NEGATIVE_INFINITY;

  const turn = (): void => {
    older = newer;
    newer = new Map();
    total = 0;
  };

  const keep = (key: string, entry: Entry<Value>): void => {
    if (entry.weight > half) return;
    if (total + entry.weight > half) turn();
    total += entry.weight - (newer.get(key)?.weight ?? 0);
    newer.set(key, entry);
  };

  const pass = (atMs: number): void => {
    if (atMs - turnedMs < ageMs) return;
    turnedMs = atMs;
    turn();
  };

  return {
    get(key, atMs) {
      pass(atMs);
      const entry = newer.get(key);
      if (entry !== undefined) return entry.value;
      const former = older.get(key);
      if (former !== undefined) keep(key, former);
      return former?.value;
    },
    put(key, value, { atMs, weight = 1 }) {
      pass(atMs);
      keep(key, { value, weight });
    },
    clear() {
      turn();
      turn();
    },
  };
}
