// A journal that is not as it was written: what can be read of it is on the books, what cannot is named, and nothing is made up.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { countWritten, listDamaged, listSegments } from "../../src/store/journal/disk.ts";
import { BOOK_RULES } from "../../src/ledger/index.ts";
import { settleJournals } from "../../src/store/journal/settle.ts";
import { makeEntry } from "../ledger/entry.ts";
import { expectChain, idsIn, makeFile, readRows, start } from "./journal-process.ts";

const segmentOf = (location: string): string =>
  join(location, "..", `${basename(location)}.journal-0-${listSegments(location, 0).at(-1)}`);

/** A process that wrote three rows and was killed, and where its journal lies. */
async function leaveThree(): Promise<{ location: string; path: string }> {
  const location = await makeFile();
  const { writer, kill } = start(location);
  for (const id of ["a", "b", "c"]) await writer.add(makeEntry({ id, modelAsked: `model-of-${id}` }));
  kill();
  return { location, path: segmentOf(location) };
}

test("a frame that was changed is named and kept, and the rows on both sides of it are on the books", async () => {
  const { location, path } = await leaveThree();
  const bytes = readFileSync(path);
  bytes[bytes.indexOf("model-of-b")] = 0x4d;
  writeFileSync(path, bytes);
  const { books, tidings } = start(location);
  expect(tidings).toMatchObject([{ type: "flaw", flaw: { kind: "damage", path } }]);
  expect(idsIn(location)).toEqual(["a", "c"]);
  expect(listDamaged(location)).toEqual([`${path}.damaged`]);
  expect(readFileSync(`${path}.damaged`).equals(bytes)).toBe(true);
  expectChain(readRows(location));
  await books.close(0);
  // Whoever reads the books is told, as long as it lies there.
  expect(await settleJournals(location, BOOK_RULES)).toContain(`${path}.damaged can no longer be read`);
  rmSync(`${path}.damaged`);
  expect(await settleJournals(location, BOOK_RULES)).toBeNull();
});

test("one changed bit anywhere is named, or is the end of the last frame and said to be torn; no row is altered", async () => {
  const { location, path } = await leaveThree();
  const end = countWritten(path) ?? 0;
  // And some of what is set aside behind it.
  const bytes = readFileSync(path).subarray(0, end + 4_096);
  const ids = ["a", "b", "c"];
  for (let at = 0; at < end; at += 7) {
    const place = await makeFile();
    copyFileSync(location, place);
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
    writeFileSync(`${place}.journal-0-1`, changed);
    const { books, tidings } = start(place);
    expect({ at, told: tidings.length }).toEqual({ at, told: 1 });
    for (const { id, modelAsked } of readRows(place)) expect(modelAsked).toBe(`model-of-${id}`);
    expect(ids.filter((id) => !idsIn(place).includes(id)).length).toBeLessThanOrEqual(1);
    await books.close(0);
  }
}, 60_000);

test("an end that was never wholly written is no row and no damage", async () => {
  const { location, path } = await leaveThree();
  const bytes = readFileSync(path).subarray(0, countWritten(path) ?? 0);
  for (const end of [bytes.length - 1, bytes.length - 200, bytes.lastIndexOf("TKJ1") + 5]) {
    const place = await makeFile();
    copyFileSync(location, place);
    writeFileSync(`${place}.journal-0-1`, bytes.subarray(0, end));
    const { books, tidings } = start(place);
    expect(tidings).toMatchObject([{ type: "flaw", flaw: { kind: "torn" } }]);
    expect(idsIn(place)).toEqual(["a", "b"]);
    expect(listDamaged(place)).toEqual([]);
    await books.close(0);
  }
});

test("a file that is put in the place of one that knew more takes what the journal still has", async () => {
  const location = await makeFile();
  const place = await makeFile();
  const { books, writer, kill } = start(location);
  copyFileSync(location, place);
  for (const id of ["a", "b"]) await writer.add(makeEntry({ id }));
  await books.flush(0);
  copyFileSync(segmentOf(location), `${place}.journal-0-1`);
  kill();
  const next = start(place);
  expect(next.tidings).toEqual([]);
  expect(idsIn(place)).toEqual(["a", "b"]);
  // Which it did not know: it is the one that the journal names.
  expect(new Set(readRows(place).map(({ chain }) => chain))).toEqual(new Set([books.journal.chain]));
  expectChain(readRows(place));
  await next.books.close(0);
});

test.each(["'x'", "1.5", "-3", "9223372036854775807"])(
  "a chain that stands at %s is not gone on with, for no row could follow",
  async (seq) => {
    const location = await makeFile();
    const first = start(location);
    await first.writer.add(makeEntry({ id: "a" }));
    await first.books.close(1_000);
    const db = new Database(location);
    db.run(`update ledger_chains set seq = ${seq}`);
    db.close();
    const second = start(location, { now: new Date(1) });
    await second.writer.add(makeEntry({ id: "b" }));
    await second.books.close(1_000);
    const rows = readRows(location);
    expect(rows.map(({ id }) => id).toSorted()).toEqual(["a", "b"]);
    expect(rows.map((row) => row.seq)).toEqual([1, 1]);
    expect(second.books.beginning).toBe("rewound");
  },
);

test("what merely looks like a journal is left alone, and of one that cannot be read the start and the reader name the file", async () => {
  const location = await makeFile();
  const strange = ["00-01", "0-99999999999999999999", "0-9007199254740993", "0--1", "0-1.bak"];
  for (const name of strange) writeFileSync(`${location}.journal-${name}`, "strange");
  const { books, writer } = start(location);
  await writer.add(makeEntry({ id: "a" }));
  await books.close(0);
  expect(idsIn(location)).toEqual(["a"]);
  for (const name of strange) expect(readFileSync(`${location}.journal-${name}`, "utf8")).toBe("strange");
  expect(await settleJournals(location, BOOK_RULES)).toBeNull();
  for (const make of [mkdirSync, (path: string) => symlinkSync("/nowhere", path)]) {
    const path = `${location}.journal-0-77`;
    make(path);
    expect(() => start(location)).toThrow(`${path} has the name of a journal and cannot be read`);
    expect(await settleJournals(location, BOOK_RULES)).toContain(`${path} has the name of a journal`);
    rmSync(path, { recursive: true });
  }
  await start(location).books.close(0);
});
