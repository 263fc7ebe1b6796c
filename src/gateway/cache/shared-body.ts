// One answer's bytes for several readers: read from its source as fast as the fastest wants them, and held for the others up to a bound. Knows
// no format.

import { GatewayError } from "../../ir/index.ts";

export interface SharedBody {
  /** Piece number `index`, from 0; undefined after the last. Rejects where the source broke, or where the piece was not held so long. */
  at(index: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Whether another reader can still have all of it. */
  isWhole(): boolean;
  /** All of it; null where it is not there. */
  all(): Uint8Array<ArrayBuffer> | null;
  /** Nobody reads it any more. */
  drop(): void;
}

/** What is held of all bodies together. */
export interface Held {
  bytes: number;
  readonly maxBytes: number;
}

/** How far a reader may be behind the fastest: far more than any chat is long. */
const MAX_BEHIND_BYTES = 8 * 1024 * 1024;

type Piece = Uint8Array<ArrayBuffer>;

/** `onEnd` is called once, when the source has come to its end without breaking. */
export function shareBody(source: ReadableStream<Piece>, held: Held, onEnd: () => void): SharedBody {
  const reader = source.getReader();
  let pieces: Piece[] = [];
  /** Number of the first that is held. */
  let first = 0;
  let bytes = 0;
  let isOver = false;
  let isDropped = false;
  let broken: { by: unknown } | null = null;
  let pulling: Promise<void> | null = null;

  const release = (piece: Piece): void => {
    bytes -= piece.byteLength;
    held.bytes -= piece.byteLength;
  };

  const push = (piece: Piece): void => {
    pieces.push(piece);
    bytes += piece.byteLength;
    held.bytes += piece.byteLength;
    // The last one stays: whoever asked for it is about to take it.
    while (pieces.length > 1 && (bytes > MAX_BEHIND_BYTES || held.bytes > held.maxBytes)) {
      const [oldest] = pieces.splice(0, 1);
      first++;
      if (oldest !== undefined) release(oldest);
    }
  };

  const pull = async (): Promise<void> => {
    try {
      const { done, value } = await reader.read();
      // What comes as the last one leaves is nobody's.
      if (!done) return isDropped ? undefined : push(value);
      isOver = true;
      onEnd();
    } catch (error) {
      isOver = true;
      broken = { by: error };
    }
  };

  return {
    async at(index) {
      for (;;) {
        if (index < first) {
          throw new GatewayError({ kind: "overloaded", message: "The answer was taken too slowly to be shared." });
        }
        const piece = pieces[index - first];
        if (piece !== undefined) return piece;
        if (broken !== null) throw broken.by;
        if (isOver) return undefined;
        await (pulling ??= pull().finally(() => (pulling = null)));
      }
    },
    isWhole: () => first === 0,
    all: () => (isOver && broken === null && first === 0 ? new Uint8Array(Buffer.concat(pieces)) : null),
    drop() {
      isDropped = true;
      for (const piece of pieces) release(piece);
      first += pieces.length;
      pieces = [];
      if (!isOver) reader.cancel().catch(() => undefined);
    },
  };
}
