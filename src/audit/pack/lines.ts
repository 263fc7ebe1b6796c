// Files of lines, read as they come. Knows nothing of what is in them.

/** A line is a row of the books or a digest: longer ones are not ours. */
const MAX_LINE_BYTES = 1024 * 1024;

export interface LineReader {
  /** Without its end; null behind the last. */
  next(): Promise<string | null>;
}

/** Throws where a line is longer than any of ours, or the last has no end. */
export function readLines(pieces: AsyncIterable<Uint8Array>): LineReader {
  const iterator = pieces[Symbol.asyncIterator]();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let at = 0;
  return {
    async next() {
      for (;;) {
        const end = text.indexOf("\n", at);
        if (end !== -1) {
          const line = text.slice(at, end);
          at = end + 1;
          return line;
        }
        text = text.slice(at);
        at = 0;
        if (text.length > MAX_LINE_BYTES) throw new Error("a line is longer than any that a pack holds");
        const piece = await iterator.next();
        if (piece.done === true) {
          if (text !== "") throw new Error("its last line has no end");
          return null;
        }
        text += decoder.decode(piece.value, { stream: true });
      }
    },
  };
}
