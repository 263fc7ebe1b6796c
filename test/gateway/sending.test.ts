// A body on its way: a sender that gives up in the middle has a reason of its own, and what comes or breaks afterwards is none.

import { expect, test } from "bun:test";
import { type Source, toStream } from "../../src/gateway/rest/sending.ts";

/** One piece, and then whatever the test says. */
function openSource() {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  async function* read(): Source {
    yield Buffer.from("first");
    yield await promise;
    return undefined;
  }
  return { source: read(), resolve, reject };
}

let progress = 0;
const WATCH = { progressed: () => void progress++, checkReference: () => Promise.resolve() };

test.each(["comes", "breaks"])("a piece that %s once nobody wants it is no failure", async (what) => {
  progress = 0;
  const { source, resolve, reject } = openSource();
  const { stream, failure } = toStream(source, WATCH);
  const reader = stream.getReader();
  await reader.read();
  // The next piece is asked for already.
  const read = reader.read();
  await new Promise(setImmediate);
  await reader.cancel();
  if (what === "comes") resolve(Buffer.from("second"));
  else reject(new Error("broken"));
  for (let round = 0; round < 10; round++) await new Promise(setImmediate);
  expect(failure()).toBeNull();
  expect((await read).done).toBe(true);
  expect(progress).toBe(1);
});

test("what breaks on the way is", async () => {
  const { source, reject } = openSource();
  const { stream, failure } = toStream(source, WATCH);
  const text = new Response(stream).text();
  reject(new Error("broken"));
  await expect(text).rejects.toThrow();
  expect(failure()).toMatchObject({ kind: "internal" });
});
