// The writer of the books: one commit a tick, nothing acknowledged before it is written, nothing lost when writing fails.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { createLedgerWriter } from "../../src/ledger/writer.ts";
import { makeEntry } from "./entry.ts";

/** A writer whose ticks and retries are run by hand. */
function makeRig(append: (ids: string[]) => void | Promise<void>, schedule?: (action: () => void) => void) {
  const ticks: (() => void)[] = [];
  const later: (() => void)[] = [];
  const faults: string[] = [];
  const writer = createLedgerWriter({
    store: { append: (entries) => append(entries.map((entry) => entry.id)) },
    schedule: schedule ?? ((action) => void ticks.push(action)),
    after: (_delay, action) => void later.push(action),
    onFault: (error) => void faults.push(error.message),
    onRecovery: (rows) => void faults.push(`recovered ${rows}`),
  });
  const run = (queue: (() => void)[]): void => {
    for (const action of queue.splice(0)) action();
  };
  return { writer, faults, tick: () => run(ticks), retry: () => run(later) };
}

test("rows of one tick go in one batch, and are acknowledged after it", async () => {
  const batches: string[][] = [];
  const { writer, tick } = makeRig((ids) => void batches.push(ids));
  let acknowledged = 0;
  const waiting = ["a", "b"].map((id) => writer.add(makeEntry({ id })).then(() => acknowledged++));
  await Promise.resolve();
  expect(acknowledged).toBe(0);
  tick();
  await Promise.all(waiting);
  expect(batches).toEqual([["a", "b"]]);
  expect(acknowledged).toBe(2);
});

test("with an asynchronous store one batch is under way at a time, and the next one gathers meanwhile", async () => {
  const batches: string[][] = [];
  const gates: (() => void)[] = [];
  const { writer, tick } = makeRig((ids) => {
    batches.push(ids);
    return new Promise<void>((resolve) => gates.push(resolve));
  });
  const first = writer.add(makeEntry({ id: "a" }));
  tick();
  const second = writer.add(makeEntry({ id: "b" }));
  const third = writer.add(makeEntry({ id: "c" }));
  tick();
  expect(batches).toEqual([["a"]]);
  gates[0]?.();
  await first;
  await Promise.resolve();
  tick();
  expect(batches).toEqual([["a"], ["b", "c"]]);
  gates[1]?.();
  await Promise.all([second, third]);
});

test("a failed row is refused to its caller, kept, and written when it can be", async () => {
  let full = true;
  const written: string[] = [];
  const { writer, faults, tick, retry } = makeRig((ids) => {
    if (full) throw new Error("disk full");
    written.push(...ids);
  });
  const refused = writer.add(makeEntry({ id: "a" }));
  tick();
  await expect(refused).rejects.toThrow("disk full");
  expect(writer.fault()?.message).toBe("disk full");
  retry();
  expect(writer.fault()).not.toBeNull();
  full = false;
  retry();
  expect(writer.fault()).toBeNull();
  expect(written).toEqual(["a"]);
  expect(faults).toEqual(["disk full", "recovered 1"]);
});

test("a later row carries the kept ones with it, in order", async () => {
  let full = true;
  const written: string[] = [];
  const { writer, tick } = makeRig((ids) => {
    if (full) throw new Error("disk full");
    written.push(...ids);
  });
  const refused = writer.add(makeEntry({ id: "a" }));
  tick();
  await expect(refused).rejects.toThrow();
  full = false;
  const accepted = writer.add(makeEntry({ id: "b" }));
  tick();
  await accepted;
  expect(written).toEqual(["a", "b"]);
});

test("drain waits for what is open, and says so where it cannot be written", async () => {
  const written: string[] = [];
  const { writer } = makeRig((ids) => void written.push(...ids));
  void writer.add(makeEntry({ id: "a" }));
  await writer.drain();
  expect(written).toEqual(["a"]);
  const broken = makeRig(() => {
    throw new Error("gone");
  });
  broken.writer.add(makeEntry({ id: "x" })).catch(() => undefined);
  await expect(broken.writer.drain()).rejects.toThrow("gone");
});

test("whatever fails whenever: every acknowledged row is written exactly once, every row in the end", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 30 }), fc.boolean(), async (failures, isAsync) => {
      const outcomes = [...failures];
      const stored = new Set<string>();
      const { writer, retry } = makeRig((ids) => {
        const fails = outcomes.shift() ?? false;
        if (!isAsync && fails) throw new Error("no");
        if (isAsync)
          return fails ? Promise.reject(new Error("no")) : Promise.resolve(void ids.map((id) => stored.add(id)));
        for (const id of ids) stored.add(id);
        return undefined;
      }, setImmediate);
      const acknowledged: string[] = [];
      for (let index = 0; index < failures.length; index++) {
        const id = `row-${index}`;
        const added = writer.add(makeEntry({ id })).then(
          () => acknowledged.push(id),
          () => undefined,
        );
        await added;
        if (index % 3 === 0) retry();
      }
      for (const id of acknowledged) expect(stored.has(id)).toBe(true);
      outcomes.length = 0;
      await writer.drain();
      expect(stored.size).toBe(failures.length);
    }),
    { numRuns: 60 },
  );
});
