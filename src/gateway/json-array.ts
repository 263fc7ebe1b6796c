// A stream as one JSON array that grows, for clients that did not ask for server-sent events. Knows no format.

import { createFrameSplitter } from "../lib/sse.ts";

/** Each event's data becomes one element; comments have no place in JSON. */
export async function* toJsonArray(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  const splitter = createFrameSplitter();
  let mark = "[";
  for await (const piece of pieces) {
    let text = "";
    for (const { data } of splitter.push(piece)) {
      if (data === null) continue;
      text += `${mark}${data}`;
      mark = ",\n";
    }
    if (text !== "") yield text;
  }
  yield mark === "[" ? "[]" : "]";
}
