// What a socket did not take at once, until it can: in order, and without copies where none is needed. Knows nothing of what the bytes mean.

interface Sink {
  write(bytes: Uint8Array): number;
}

export interface Outbox {
  /** `stays`: the bytes will not change, so what has to wait need not be copied. */
  send(bytes: Uint8Array, stays: boolean): void;
  /** The socket can take more. */
  drain(): void;
}

export function createOutbox(sink: Sink): Outbox {
  let waiting: Uint8Array[] = [];
  const write = (bytes: Uint8Array, stays: boolean): void => {
    // A socket that is closed says -1; that it is closed comes as an event.
    const written = Math.max(0, sink.write(bytes));
    if (written < bytes.length) waiting.push(keep(bytes.subarray(written), stays));
  };
  return {
    send(bytes, stays) {
      if (waiting.length === 0) write(bytes, stays);
      else waiting.push(keep(bytes, stays));
    },
    drain() {
      const due = waiting;
      waiting = [];
      for (const bytes of due) {
        if (waiting.length === 0) write(bytes, true);
        else waiting.push(bytes);
      }
    },
  };
}

/** A `Buffer`'s own `slice` is no copy. */
function keep(bytes: Uint8Array, stays: boolean): Uint8Array {
  return stays ? bytes : new Uint8Array(bytes);
}
