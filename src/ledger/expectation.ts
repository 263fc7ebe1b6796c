// Counts rows that are still to come, so that a stop can wait for them. Knows no row.

export interface Expectation {
  /** Announces a row that is still to come; the answer is to be called once it was given, or never will be. */
  expect(): () => void;
  /** Something that waits for its time and is to be done before the end, should that come first. `name`: of what. The answer calls it off. */
  beforeEnd(action: () => void, name: string): () => void;
  /** What waits for its time. */
  pending(): string[];
  /** Resolves once no announced row is outstanding, or after `limitMs`. */
  settled(limitMs: number): Promise<void>;
}

export function createExpectation(after: (delayMs: number, action: () => void) => unknown): Expectation {
  let expected = 0;
  let onNone: (() => void) | null = null;
  const last = new Map<() => void, string>();
  return {
    expect() {
      expected++;
      let isDone = false;
      return () => {
        if (isDone) return;
        isDone = true;
        expected--;
        if (expected === 0) onNone?.();
      };
    },
    beforeEnd(action, name) {
      last.set(action, name);
      return () => void last.delete(action);
    },
    pending: () => [...last.values()],
    async settled(limitMs) {
      for (const action of last.keys()) action();
      if (expected === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      onNone = resolve;
      after(limitMs, resolve);
      await promise;
    },
  };
}
