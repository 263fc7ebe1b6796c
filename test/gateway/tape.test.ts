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

async function settle(): Promise<void> {
  for (let round = 0; round < 30; round++) await new Promise(setImmediate);
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
  let heard = "";
  while (heard.length < "one two ".length) heard += Buffer.from((await first.next()).value ?? []).toString();
  expect(heard).toBe("one two ");
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

test("it goes on where nobody takes anything", async () => {
  const { source, give } = openSource();
  const spool = openSpool(10);
  const tape = createTape(source, spool);
  const only = tape.play();
  give("one ");
  await only.next();
  give("two ");
  give("three");
  give(null);
  const kept = spool.cursor();
  const expected = "one two three";
  let text = "";
  while (text.length < expected.length) {
    text += Buffer.from((await kept()) ?? []).toString();
    await new Promise(setImmediate);
  }
  expect(text).toBe(expected);
  expect(await readAll(only)).toBe("two three");
});

test("what comes while the spool is read is not left out", async () => {
  const { source, give } = openSource();
  const spool = openSpool(1_000);
  const slow: Spool = {
    ...spool,
    cursor() {
      const next = spool.cursor();
      return async () => {
        const piece = await next();
        await settle();
        return piece;
      };
    },
  };
  const all = readAll(createTape(source, slow).play());
  await settle();
  give("the only one");
  give(null);
  expect(await all).toBe("the only one");
});

test("what is closed before its end breaks off, and does not look whole", async () => {
  const { source, give } = openSource();
  const tape = createTape(source, openSpool(10));
  const only = tape.play();
  give("one ");
  await only.next();
  await tape.close();
  give("two");
  give(null);
  await expect(readAll(only)).rejects.toThrow("Nobody waits");
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
