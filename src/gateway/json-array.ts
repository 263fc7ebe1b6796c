// A stream as one JSON array that grows, for clients that did not ask for server-sent events. Knows no format.

import { type Frame, createFrameSplitter } from "../lib/sse.ts";

/** Each event's data becomes one element; comments have no place in JSON. */
export async function* toJsonArray(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  const splitter = createFrameSplitter();
  let mark = "[";
  const print = (frames: readonly Frame[]): string => {
    let text = "";
    for (const { data } of frames) {
      if (data === null) continue;
      text += `${mark}${data}`;
      mark = ",\n";
    }
    return text;
  };
  for await (const piece of pieces) {
    const text = print(splitter.push(piece));
    if (text !== "") yield text;
  }
  // Whether a LF belonged to a last CR is known only now.
  const rest = print(splitter.end());
  yield `${rest}${mark === "[" ? "[]" : "]"}`;
}
