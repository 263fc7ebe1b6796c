// What is due at a steady pace, for very many at once: those that wait stand in a line, as all wait equally long. Knows nothing of what is done.

interface Turn {
  dueMs: number;
  /** Whether it is to have another turn. */
  act: () => boolean;
}

export interface Pace {
  add(act: () => boolean): void;
  /** Looks at the clock. */
  tick(): void;
  waiting(): number;
}

export function createPace(gapMs: number, nowMs: () => number): Pace {
  let line: Turn[] = [];
  let first = 0;
  return {
    add(act) {
      line.push({ dueMs: nowMs() + gapMs, act });
    },
    tick() {
      const now = nowMs();
      for (;;) {
        const turn = line[first];
        if (turn === undefined || turn.dueMs > now) break;
        first++;
        // Due from when it was due, not from when it was seen: else every turn would come a little later.
        if (turn.act()) line.push({ dueMs: turn.dueMs + gapMs, act: turn.act });
      }
      if (first > 4_096 && first * 2 > line.length) {
        line = line.slice(first);
        first = 0;
      }
    },
    waiting: () => line.length - first,
  };
}
