// A body that comes once is whole for whoever needs it again, also where the one before gave up in its middle.

import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Source } from "../../src/gateway/rest/sending.ts";
import { createTape } from "../../src/gateway/rest/tape.ts";
import { type Spool, createSpool } from "../../src/lib/spool.ts";

const folder = mkdtempSync(join(tmpdir(), "tokligence-tape-"));
afterAll(() => rmSync(folder, { recursive: true }));

const spools: Spool[] = [];
afterEach(async () => {
  for (const spool of spools.splice(0)) await spool.close();
});

function openSpool(memory: number): Spool {
  const spool = createSpool(folder, memory);
  spools.push(spool);
  return spool;
}

/** Gives a piece whenever it is handed one. */
function openSource() {
  const waiting: ((piece: Uint8Array | null) => void)[] = [];
  const pieces: (Uint8Array | null)[] = [];
  async function* read(): Source {
    for (;;) {
      const given = pieces.shift();
      const piece = given === undefined ? await new Promise<Uint8Array | null>((done) => waiting.push(done)) : given;
      if (piece === null) return undefined;
      yield piece;
    }
  }
  const give = (text: string | null): void => {
    const piece = text === null ? null : Buffer.from(text);
    const next = waiting.shift();
    if (next === undefined) pieces.push(piece);
    else next(piece);
  };
  return { source: read(), give };
}

async function readAll(source: Source): Promise<string> {
  let text = "";
  for await (const piece of source) text += Buffer.from(piece).toString();
  return text;
}

test.each([0, 4, 1_000])("with %d bytes of memory", async (memory) => {
  const { source, give } = openSource();
  const tape = createTape(source, openSpool(memory));
  const first = tape.play();
  give("one ");
  give("two ");
  expect(Buffer.from((await first.next()).value ?? []).toString()).toBe("one ");
  await first.next();
  // Waits for a piece that the next one will need, and gives up meanwhile.
  const lost = first.next();
  void first.return(undefined);
  const second = readAll(tape.play());
  give("three ");
  give("four");
  give(null);
  expect(await second).toBe("one two three four");
  expect(tape.isWhole()).toBe(true);
  expect(await readAll(tape.play())).toBe("one two three four");
  await lost;
});

test("what breaks off breaks off for all", async () => {
  async function* fail(): Source {
    await Promise.resolve();
    yield Buffer.from("half");
    throw new Error("gone");
  }
  const tape = createTape(fail(), openSpool(10));
  await expect(readAll(tape.play())).rejects.toThrow("gone");
  await expect(readAll(tape.play())).rejects.toThrow("gone");
});

test("what is not kept any more goes by, and is not played again", async () => {
  const { source, give } = openSource();
  const tape = createTape(source, openSpool(10));
  const only = readAll(tape.play());
  give("one ");
  await new Promise(setImmediate);
  tape.stopKeeping();
  give("two");
  give(null);
  expect(await only).toBe("one two");
  expect(tape.isWhole()).toBe(false);
});
