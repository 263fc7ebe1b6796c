// Bytes that come once and may be needed again: taken in as they come, whoever wants them by then, and kept up to a bound. Knows no format.

import { GatewayError } from "../../ir/index.ts";
import type { Spool } from "../../lib/spool.ts";
import { type Source, abandon } from "./sending.ts";

export interface Tape {
  /** From the first byte on. What has not come yet is waited for. Whoever plays it already comes to an end. */
  play(): Source;
  /** From now on a longer body is not kept: it is played once more, and then no more of it is taken in than is played. */
  bound(): void;
  /** Whether it can be played again. */
  isWhole(): boolean;
  /** It is not played again: nothing more is kept. */
  stopKeeping(): void;
  /** Nobody plays it any more, and whoever does all the same breaks off: what is not whole must not look so. Gives back what is held; at any time. */
  close(): Promise<void>;
}

/** Of a longer body so much lies on the disk at most for one request; that is sent once, whatever becomes of it. */
const MAX_KEPT_BYTES = 128 * 1024 * 1024;

export function createTape(source: Source, spool: Spool): Tape {
  let bytes = 0;
  let isBounded = false;
  let isKept = true;
  let isOver = false;
  let broken: { by: unknown } | null = null;
  let pulling: Promise<void> | null = null;
  let plays = 0;

  const measure = (): void => {
    if (isBounded && bytes > MAX_KEPT_BYTES) isKept = false;
  };

  const pull = async (): Promise<void> => {
    try {
      const { done, value } = await source.next();
      isOver = done === true;
      if (value === undefined) return;
      await spool.write(value);
      bytes += value.byteLength;
      measure();
    } catch (by) {
      broken = { by };
    } finally {
      pulling = null;
    }
  };

  /** Shared by all: a piece that one of them gave up waiting for is the next one's. */
  const advance = (): Promise<void> => (pulling ??= pull());

  /** Whoever takes it or not: only a client that is listened to is heard to leave. */
  const record = async (): Promise<void> => {
    while (isKept && !isOver && broken === null) await advance();
  };
  void record();

  return {
    async *play() {
      const own = ++plays;
      const next = spool.cursor();
      while (own === plays) {
        // What cannot be whole any more is not sent any further either.
        if (broken !== null) throw broken.by;
        // Looked at first: what is written while the spool is read is not seen by that reading.
        const isWritten = isOver;
        const isUnkept = !isKept && pulling === null;
        const piece = await next();
        if (piece !== null) yield piece;
        else if (isWritten) return undefined;
        else if (isUnkept) return yield* source;
        else if (!isOver) await advance();
      }
      return undefined;
    },
    bound() {
      isBounded = true;
      measure();
    },
    isWhole: () => isKept,
    stopKeeping() {
      isKept = false;
    },
    async close() {
      broken ??= { by: new GatewayError({ kind: "cancelled", message: "Nobody waits for this request any more." }) };
      await spool.close();
      await abandon(source);
    },
  };
}
