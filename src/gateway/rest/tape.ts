// Bytes that come once and may be needed again: kept while they go by, up to a bound. Knows no format.

import type { Spool } from "../../lib/spool.ts";
import type { Source } from "./sending.ts";

export interface Tape {
  /** From the first byte on. What has not come yet is waited for, by however many play it. */
  play(): Source;
  /** Whether it can be played again. */
  isWhole(): boolean;
  /** It is not played again: nothing more is kept. */
  stopKeeping(): void;
}

/** Of a longer body so much lies on the disk at most for one request; that is sent once, whatever becomes of it. */
const MAX_KEPT_BYTES = 128 * 1024 * 1024;

export function createTape(source: Source, spool: Spool): Tape {
  let bytes = 0;
  let isKept = true;
  let isOver = false;
  let broken: { by: unknown } | null = null;
  let pulling: Promise<void> | null = null;

  const pull = async (): Promise<void> => {
    try {
      const { done, value } = await source.next();
      isOver = done === true;
      if (value === undefined) return;
      await spool.write(value);
      bytes += value.byteLength;
      if (bytes > MAX_KEPT_BYTES) isKept = false;
    } catch (by) {
      broken = { by };
    } finally {
      pulling = null;
    }
  };

  return {
    async *play() {
      const next = spool.cursor();
      for (;;) {
        const piece = await next();
        if (piece !== null) {
          yield piece;
          continue;
        }
        if (broken !== null) throw broken.by;
        if (isOver) return undefined;
        if (!isKept && pulling === null) return yield* source;
        // Shared by all: a piece that one of them gave up waiting for is the next one's.
        pulling ??= pull();
        await pulling;
      }
    },
    isWhole: () => isKept,
    stopKeeping() {
      isKept = false;
    },
  };
}
