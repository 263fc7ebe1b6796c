// Counts rows that are still to come, so that a stop can wait for them. Knows no row.

export interface Expectation {
  /** Announces a row that is still to come; the answer is to be called once it was given, or never will be. */
  expect(): () => void;
  /** Something that waits for its time and is to be done before the end, should that come first. The answer calls it off. */
  beforeEnd(action: () => void): () => void;
  /** Resolves once no announced row is outstanding, or after `limitMs`. */
  settled(limitMs: number): Promise<void>;
}

export function createExpectation(after: (delayMs: number, action: () => void) => unknown): Expectation {
  let expected = 0;
  let onNone: (() => void) | null = null;
  const last = new Set<() => void>();
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
    beforeEnd(action) {
      last.add(action);
      return () => void last.delete(action);
    },
    async settled(limitMs) {
      for (const action of last) action();
      if (expected === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      onNone = resolve;
      after(limitMs, resolve);
      await promise;
    },
  };
}
