// Bytes that wait come back in order, from memory and from a file that nobody else sees.

import { afterAll, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSpool } from "../../src/lib/spool.ts";

const folder = mkdtempSync(join(tmpdir(), "tokligence-spool-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.each([0, 10, 1_000_000])(
  "%d bytes in memory, the rest on disk: all come back in order, and no file stays",
  async (memory) => {
    const spool = createSpool(folder, memory);
    const pieces = Array.from({ length: 40 }, (_, index) => Buffer.alloc(index * 500, index));
    for (const piece of pieces) await spool.write(piece);
    expect(readdirSync(folder)).toEqual([]);
    const read: Uint8Array[] = [];
    for await (const chunk of spool.read()) read.push(chunk);
    expect(Buffer.concat(read).equals(Buffer.concat(pieces))).toBe(true);
    await spool.close();
    expect(readdirSync(folder)).toEqual([]);
  },
);

/** Systems give the lowest one that is free. */
function nextDescriptor(): number {
  const descriptor = openSync(import.meta.path, "r");
  closeSync(descriptor);
  return descriptor;
}

test("one that is closed in the middle of its work gives its file back", async () => {
  const before = nextDescriptor();
  for (let round = 0; round < 40; round++) {
    const spool = createSpool(folder, 0);
    await spool.write(Buffer.alloc(1_000_000));
    const next = spool.cursor();
    const work = round % 2 === 0 ? [spool.write(Buffer.alloc(1_000_000))] : [next(), next()];
    await spool.close();
    await Promise.all(work);
  }
  expect(nextDescriptor() - before).toBeLessThan(20);
});

test("one that is closed before its file is there gives it back, too", async () => {
  const before = nextDescriptor();
  for (let round = 0; round < 40; round++) {
    const spool = createSpool(folder, 0);
    const work = spool.write(Buffer.alloc(1_000_000));
    await spool.close();
    await work;
    expect(await spool.cursor()()).toBeNull();
  }
  expect(nextDescriptor() - before).toBeLessThan(20);
});
