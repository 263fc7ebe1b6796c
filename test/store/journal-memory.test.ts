// A journal that lies in memory as it lies on the disk: what was acknowledged outlives the process, a full disk refuses before anything is stored, what
// is set aside is taken for nothing, and where none of this is safe, rows are written by calls.

import { expect, test } from "bun:test";
import { copyFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { BOOK_RULES, encodeEntryLine } from "../../src/ledger/index.ts";
import { countWritten, listDamaged, listSegments, nameSegment, realDisk } from "../../src/store/journal/disk.ts";
import { canMap } from "../../src/store/journal/memory.ts";
import { settleJournals } from "../../src/store/journal/settle.ts";
import { makeEntry } from "../ledger/entry.ts";
import { expectChain, idsIn, makeFile, readRows, start } from "./journal-process.ts";

const isSafe = canMap(dirname(await makeFile()));

const pathOf = (location: string): string => nameSegment(location, 0, listSegments(location, 0).at(-1) ?? -1);

/** A process that wrote rows and was killed, and where its journal lies. */
async function leave(ids: readonly string[]): Promise<{ location: string; path: string }> {
  const location = await makeFile();
  const { writer, kill } = start(location);
  for (const id of ids) await writer.add(makeEntry({ id, modelAsked: `model-of-${id}` }));
  kill();
  return { location, path: pathOf(location) };
}

test.skipIf(!isSafe)(
  "what a process said is durable is on the books after SIGKILL, at whatever moment that comes",
  async () => {
    for (const rows of [1, 40, 700, 3_000]) {
      const location = await makeFile();
      const script = fileURLToPath(new URL("journal-killed.ts", import.meta.url));
      const child = Bun.spawn([process.execPath, script, location], { stdio: ["ignore", "pipe", "inherit"] });
      let said = "";
      const decoder = new TextDecoder();
      for await (const bytes of child.stdout) {
        said += decoder.decode(bytes);
        // What it wrote until it is gone is read, too.
        if (said.includes(`row-${rows}\n`)) child.kill("SIGKILL");
      }
      await child.exited;
      const [isCheap, ...acknowledged] = said.split("\n").slice(0, -1);
      expect({ isCheap, signal: child.signalCode }).toEqual({ isCheap: "true", signal: "SIGKILL" });
      const { books, tidings } = start(location);
      expect(tidings.filter(({ type }) => type !== "flaw")).toEqual([]);
      expect(tidings.filter((tiding) => tiding.type === "flaw" && tiding.flaw.kind === "damage")).toEqual([]);
      const booked = new Set(idsIn(location));
      expect(acknowledged.length).toBeGreaterThan(rows);
      expect(acknowledged.filter((id) => !booked.has(id))).toEqual([]);
      // One may have been written and not yet been said to be.
      expect(booked.size - acknowledged.length).toBeOneOf([0, 1]);
      await books.close(0);
      expectChain(readRows(location));
    }
  },
  60_000,
);

test.skipIf(!isSafe)(
  "a disk that is full refuses once what was set aside is used up, nothing of what it refused is found, and it goes on once there is space",
  async () => {
    const location = await makeFile();
    let isFull = false;
    let isUsedUp = false;
    const write: typeof realDisk.write = (file, bytes, from, at) => {
      if (!isFull) return realDisk.write(file, bytes, from, at);
      // As much as there is room for, and then nothing.
      if (isUsedUp) throw Object.assign(new Error("full"), { code: "ENOSPC" });
      isUsedUp = true;
      return realDisk.write(file, bytes.subarray(0, 20_000), from, at);
    };
    const { books } = start(location, { disk: { ...realDisk, write } });
    const taken: string[] = [];
    const refused: string[] = [];
    const add = (id: string): void => {
      try {
        books.journal.append([encodeEntryLine(makeEntry({ id }))], () => []);
        taken.push(id);
      } catch (error) {
        expect(error).toHaveProperty("message", expect.stringContaining("the disk is full"));
        refused.push(id);
      }
    };
    add("first");
    const size = statSync(pathOf(location)).size;
    isFull = true;
    for (let row = 0; refused.length < 3; row++) add(`row-${row}`);
    expect(taken.length).toBeGreaterThan(100);
    // Nothing lies where there may be no room, and what was no whole step is left alone.
    expect([statSync(pathOf(location)).size, isUsedUp]).toEqual([size, true]);
    expect(countWritten(pathOf(location))).toBeLessThanOrEqual(64 * 1024);
    isFull = false;
    for (const id of ["again", "last"]) add(id);
    expect(refused.length).toBe(3);
    await books.flush(0);
    expect(idsIn(location)).toEqual(taken.toSorted());
    await books.close(0);
    expectChain(readRows(location));
  },
);

test.skipIf(!isSafe)(
  "a disk that was made read-only refuses at once where it was not asked of late, although memory takes all that is stored in it, and goes on once it is mended",
  async () => {
    const location = await makeFile();
    const state = { isReadOnly: false, nowMs: 0, stores: 0 };
    const disk: typeof realDisk = {
      ...realDisk,
      write(...bytes) {
        if (state.isReadOnly) throw Object.assign(new Error("read-only"), { code: "EROFS" });
        return realDisk.write(...bytes);
      },
      store(...what) {
        state.stores++;
        return realDisk.store(...what);
      },
      nowMs: () => state.nowMs,
    };
    const { books } = start(location, { disk });
    const add = (id: string): void => books.journal.append([encodeEntryLine(makeEntry({ id }))], () => []);
    add("first");
    add("second");
    state.isReadOnly = true;
    state.nowMs += 60_000;
    const { stores } = state;
    for (const id of ["third", "fourth"]) expect(() => add(id)).toThrow("cannot be opened for writing");
    // The system may end the process for it.
    expect(state.stores).toBe(stores);
    state.isReadOnly = false;
    add("fifth");
    await books.flush(0);
    expect(idsIn(location)).toEqual(["fifth", "first", "second"]);
    await books.close(0);
    expectChain(readRows(location));
  },
);

test.skipIf(!isSafe)(
  "where the next part could neither be had as memory nor be written, rows that the one before still takes are whole",
  async () => {
    const location = await makeFile();
    let isRefused = false;
    const disk: typeof realDisk = {
      ...realDisk,
      map: (...place) => (isRefused ? null : realDisk.map(...place)),
      write(file, bytes, from, at) {
        // What is set aside is taken, and what is written into it is not.
        if (isRefused && bytes[0] !== 0) throw Object.assign(new Error("full"), { code: "ENOSPC" });
        return realDisk.write(file, bytes, from, at);
      },
    };
    const { books, tidings } = start(location, { disk });
    const add = (id: string, length: number): void =>
      books.journal.append([encodeEntryLine(makeEntry({ id, modelAsked: "m".repeat(length) }))], () => []);
    // Of sixteen megabytes.
    add("most", 15_000_000);
    isRefused = true;
    expect(() => add("much", 3_000_000)).toThrow("the disk is full");
    isRefused = false;
    const small = Array.from({ length: 10 }, (_, row) => `small-${row}`);
    for (const id of small) add(id, 30_000);
    await books.flush(0);
    expect(tidings.filter(({ type }) => type === "flaw")).toEqual([]);
    expect(idsIn(location)).toEqual(["most", ...small]);
    await books.close(0);
  },
);

test.skipIf(!isSafe)("what is set aside is no row, no flaw and nothing to be bound, for whoever looks", async () => {
  const { location, path } = await leave(["a", "b"]);
  expect(statSync(path).size).toBeGreaterThan((countWritten(path) ?? 0) + 30_000);
  expect(await settleJournals(location, BOOK_RULES)).toBeNull();
  expect(idsIn(location)).toEqual(["a", "b"]);
  const { books, tidings } = start(location);
  expect([tidings, listDamaged(location)]).toEqual([[], []]);
  await books.close(0);
  expectChain(readRows(location));
});

test.skipIf(!isSafe)(
  "a command waits for what a process that runs has written, and not for what it set aside",
  async () => {
    const location = await makeFile();
    const { books, writer } = start(location);
    for (const id of ["a", "b"]) await writer.add(makeEntry({ id }));
    await books.flush(0);
    const startedMs = performance.now();
    expect(await settleJournals(location, BOOK_RULES)).toBeNull();
    expect(performance.now() - startedMs).toBeLessThan(900);
    await books.close(0);
  },
);

test.skipIf(!isSafe)("zeros in the middle are damage, and the rows behind them are on the books", async () => {
  const { location, path } = await leave(["a", "b", "c"]);
  const bytes = readFileSync(path);
  const from = bytes.indexOf("TKJ1", bytes.indexOf("model-of-a"));
  const to = bytes.indexOf("TKJ1", bytes.indexOf("model-of-b"));
  bytes.fill(0, from, to);
  writeFileSync(path, bytes);
  const { books, tidings } = start(location);
  expect(tidings).toEqual([{ type: "flaw", flaw: { kind: "damage", path, startsAt: from, endsAt: to } }]);
  expect(idsIn(location)).toEqual(["a", "c"]);
  await books.close(0);
});

test.skipIf(!isSafe)(
  "wherever a process dies in the middle of a frame, those before it are on the books, and of it there is nothing",
  async () => {
    const { location, path } = await leave(["a", "b"]);
    const bytes = readFileSync(path);
    const from = bytes.lastIndexOf("TKJ1");
    const end = countWritten(path) ?? 0;
    // Its head is stored from behind, and last.
    const cases = [end - 1, end - 200, from + 100, from + 17].map((to): [number, number] => [from + 16, to]);
    for (const head of [4, 8, 12]) cases.push([from + head, end]);
    for (const [first, last] of cases) {
      const place = await makeFile();
      copyFileSync(location, place);
      const torn = Buffer.from(bytes);
      torn.fill(0, from, first).fill(0, last);
      writeFileSync(nameSegment(place, 0, 1), torn);
      const { books, tidings } = start(place);
      expect(tidings).toMatchObject([{ type: "flaw", flaw: { kind: "torn", startsAt: from } }]);
      expect([idsIn(place), listDamaged(place)]).toEqual([["a"], []]);
      await books.close(0);
    }
  },
);

test.skipIf(!isSafe)("a journal that is shorter than its process said is damage, and holds nothing up", async () => {
  const location = await makeFile();
  // Written by calls: to cut a file that lies in memory would end this process.
  const { books, writer, tidings } = start(location, { disk: { ...realDisk, map: () => null } });
  for (const id of ["a", "b"]) await writer.add(makeEntry({ id }));
  const path = pathOf(location);
  truncateSync(path, readFileSync(path).lastIndexOf("TKJ1"));
  await books.flush(0);
  expect(tidings).toMatchObject([{ type: "flaw", flaw: { kind: "damage" } }]);
  expect(idsIn(location)).toEqual(["a"]);
  await books.close(0);
});

test.skipIf(!isSafe)("a part that is left, or closed while calls are open, is as long as what lies in it", async () => {
  const location = await makeFile();
  const { books, writer } = start(location, { segmentBytes: 30_000 });
  await writer.intend(makeEntry({ id: "open" })).durable;
  for (let row = 0; row < 500; row++) await writer.add(makeEntry({ id: `row-${row}` }));
  const segments = listSegments(location, 0);
  expect(segments.length).toBeGreaterThan(3);
  const isTrimmed = (segment: number): boolean => {
    const path = nameSegment(location, 0, segment);
    return statSync(path).size === countWritten(path);
  };
  expect(segments.map(isTrimmed)).toEqual(segments.map((segment) => segment !== segments.at(-1)));
  await books.close(0);
  expect(listSegments(location, 0).map(isTrimmed)).toEqual([true]);
});

test.skipIf(!isSafe)(
  "memory that was used is given back: what is mapped does not grow with what is written",
  async () => {
    const location = await makeFile();
    const { books } = start(location);
    const line = encodeEntryLine(makeEntry({ modelAsked: "m".repeat(400) }));
    const countMapped = (): number =>
      readFileSync("/proc/self/maps", "utf8")
        .split("\n")
        .filter((each) => each.includes(`${location}.journal-`)).length;
    for (let turn = 0; turn < 100; turn++) {
      // More than lies in memory at a time.
      for (let row = 0; row < 320; row++) books.journal.append([line], () => []);
      expect(countMapped()).toBe(1);
    }
    await books.close(0);
    expect(countMapped()).toBe(0);
  },
);

test.each([
  ["the system gives none", { disk: { ...realDisk, map: () => null } }],
  ["each write is to reach the disk", { durability: "disk" }],
  ["the system is not Linux", { platform: "darwin" }],
] as const)("rows are written by calls where %s, and nothing is set aside", async (_name, more) => {
  const location = await makeFile();
  const { books, writer, kill } = start(location, more);
  for (const id of ["a", "b"]) await writer.add(makeEntry({ id }));
  expect(books.journal.isCheap).toBe(false);
  kill();
  const next = start(location, more);
  expect([next.tidings, idsIn(location)]).toEqual([[], ["a", "b"]]);
  await next.books.close(0);
});

test("memory that the system gives no more in the middle of a part is done without, and no row is lost", async () => {
  const location = await makeFile();
  let given = 0;
  const map: typeof realDisk.map = (...asked) => (given++ < 1 ? realDisk.map(...asked) : null);
  const { books, writer, tidings, kill } = start(location, { disk: { ...realDisk, map } });
  expect(books.journal.isCheap).toBe(isSafe);
  const ids = Array.from({ length: 2_000 }, (_, row) => `row-${1_000 + row}`);
  for (const id of ids) await writer.add(makeEntry({ id }));
  expect(books.journal.isCheap).toBe(false);
  kill();
  const next = start(location);
  expect([...tidings, ...next.tidings]).toEqual([]);
  expect(idsIn(location)).toEqual(ids);
  await next.books.close(0);
});

test("only file systems whose blocks stay where they are lie in memory", () => {
  expect(canMap("/proc")).toBe(false);
  expect(canMap("/no/such/folder")).toBe(false);
  expect(canMap("/", "win32")).toBe(false);
  if (existsSync("/dev/shm")) expect(canMap("/dev/shm")).toBe(true);
});
