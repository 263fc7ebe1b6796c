// What becomes of a provider's body once the answer in it is whole: for a moment it may come to its end by itself, since a connection at its end
// serves the next call, and one that is hung up on serves none. Knows no format.

import type { AnswerDecoder } from "../wire/index.ts";
import type { Line } from "./send.ts";
import type { Deadline } from "./way/deadline.ts";

/** What may still come behind the end of an answer, such as its usage, comes with it or soon after. */
const SILENCE_MS = 5_000;

const LINGER: Deadline = Object.freeze({ name: "idle", ms: 1_000, setting: null });

/** The same pieces. Whoever wants no more of them has let go of the body, at once unless the answer is whole; nobody waits for it. */
export function letEnd(
  body: AsyncIterable<Uint8Array>,
  { line, isWhole }: { line: Line; isWhole: () => boolean },
): AsyncIterable<Uint8Array> {
  const pieces = body[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => pieces.next(),
      async return() {
        if (isWhole()) void readOn(pieces, line);
        else await pieces.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}

/** Never rejects: what is cut or broken is over, too. */
async function readOn(pieces: AsyncIterator<Uint8Array>, line: Line): Promise<void> {
  line.arm(LINGER);
  try {
    for (let piece = await pieces.next(); piece.done !== true;) piece = await pieces.next();
  } catch {
    return;
  } finally {
    line.rest();
  }
}

/**
 * How long the next piece of a stream is waited for, and whether it was the end that none came: where the answer has said why it ended, nothing is
 * missing of it. Some servers say so with every piece: they get the time that all others get.
 */
export function watchSilence({
  decoder,
  idle,
  line,
}: {
  decoder: Pick<AnswerDecoder, "endsInSilence" | "hasEnded">;
  idle: Deadline;
  line: Pick<Line, "late">;
}): { next(hasOutput: boolean): Deadline; isEnd(): boolean } {
  const short = decoder.endsInSilence === true && idle.ms > SILENCE_MS ? { ...idle, ms: SILENCE_MS } : idle;
  let hasEnded = false;
  let isEarly = false;
  return {
    next(hasOutput) {
      isEarly ||= hasEnded && hasOutput;
      hasEnded = decoder.hasEnded?.() === true;
      return hasEnded && !isEarly ? short : idle;
    },
    isEnd: () => hasEnded && line.late() !== null,
  };
}
