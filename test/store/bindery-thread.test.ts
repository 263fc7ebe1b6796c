// Binding in a thread of its own: as on this one, and also after it ended in the middle.

import { expect, test } from "bun:test";
import { startBinderyThread } from "../../src/cli/bindery.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { startBindery } from "../../src/store/bindery-thread.ts";
import { listSegments } from "../../src/store/journal/disk.ts";
import { makeEntry } from "../ledger/entry.ts";
import { expectChain, idsIn, makeFile, readRows, start } from "./journal-process.ts";

test("a thread that ends is followed by another, and every row is bound once", async () => {
  const location = await makeFile();
  const threads: Worker[] = [];
  const startThread = (): Worker => {
    const thread = startBinderyThread();
    threads.push(thread);
    return thread;
  };
  const { books, writer, tidings } = start(location, {
    after: systemClock.after,
    start: (order, hear) => startBindery(startThread, { ...order, ledger: null }, hear),
  });
  await writer.add(makeEntry({ id: "a" }));
  await books.flush(10_000);
  expect([idsIn(location), books.backlog(), books.head().seq]).toEqual([["a"], 0, 1]);
  threads[0]?.terminate();
  await writer.add(makeEntry({ id: "b" }));
  while (threads.length < 2) {
    await books.flush(10_000);
    await new Promise(setImmediate);
  }
  await writer.add(makeEntry({ id: "c" }));
  await books.flush(10_000);
  expect(idsIn(location)).toEqual(["a", "b", "c"]);
  expectChain(readRows(location));
  expect(tidings).toMatchObject([
    { type: "stuck", at: "binding" },
    { type: "unstuck", at: "binding" },
  ]);
  await books.close(1_000);
  expect(listSegments(location, 0)).toEqual([]);
}, 30_000);

test("a head is kept by the thread, and what it cannot keep it says", async () => {
  const location = await makeFile();
  const { books } = start(location, {
    after: systemClock.after,
    start: (order, hear) => startBindery(startBinderyThread, { ...order, ledger: null }, hear),
  });
  const head = { id: "c/0/start", chain: "c", seq: 0, hash: "", reason: "start", signedAt: new Date(1) } as const;
  await books.keepHead({ ...head, previous: null, publicKey: "p", signature: "s" });
  const bad = { ...head, id: "bad", previous: null, publicKey: null as unknown as string, signature: "s" };
  expect(await books.keepHead(bad).then(() => null, String)).toContain("NOT NULL");
  await books.close(1_000);
});
