// The writer of the books: one commit a tick, nothing acknowledged before it is written, nothing lost when writing fails, no gap in the chain.

import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  type ChainHead,
  type Intent,
  type JournalBatch,
  closeAbandoned,
  createLedgerWriter,
  digestRow,
  linkTo,
} from "../../src/ledger/index.ts";
import { makeEntry } from "./entry.ts";

/** A writer whose ticks and retries are run by hand. */
function makeRig(
  onCommit: (batch: JournalBatch) => "busy" | void,
  { schedule, reserve = 0 }: { schedule?: (action: () => void) => void; reserve?: number } = {},
) {
  const ticks: (() => void)[] = [];
  const later: (() => void)[] = [];
  const faults: string[] = [];
  const chain: { id: string; seq: number; hash: string }[] = [];
  const intents = new Map<number, string>();
  const space = { number: 0, nowMs: 0, reserves: reserve, canRestore: false };
  const headNow = (): ChainHead => ({ chain: "c", seq: chain.length, hash: chain.at(-1)?.hash ?? "" });
  const writer = createLedgerWriter({
    journal: {
      head: headNow(),
      abandoned: [],
      beginning: "none",
      continues: null,
      lastHead: null,
      keepHead: () => undefined,
      nextNumber: () => ++space.number,
      commit(batch) {
        for (const { id } of batch.entries) if (chain.some((row) => row.id === id)) return { duplicate: id };
        if (onCommit(batch) === "busy") return "busy";
        for (const entry of batch.entries) {
          const { id, seq, hash } = entry;
          expect(seq).toBe(chain.length + 1);
          expect(hash).toBe(linkTo(chain.at(-1)?.hash ?? "", digestRow(entry)));
          chain.push({ id, seq: seq ?? 0, hash: hash ?? "" });
        }
        expect(batch.head).toEqual(headNow());
        for (const { number, body } of batch.intents) intents.set(number, body);
        for (const over of batch.over) intents.delete(over);
        return "written";
      },
      reread: headNow,
      relieve: () => space.reserves-- > 0,
      restore: () => space.canRestore,
    },
    schedule: schedule ?? ((action) => void ticks.push(action)),
    after: (_delay, action) => void later.push(action),
    nowMs: () => space.nowMs,
    onFault: (error) => void faults.push(error.message),
    onRecovery: (rows) => void faults.push(`recovered ${rows}`),
    onDuplicate: (id) => void faults.push(`duplicate ${id}`),
  });
  const run = (queue: (() => void)[]): void => {
    for (const action of queue.splice(0)) action();
  };
  const written = (): string[] => chain.map(({ id }) => id);
  return { writer, faults, written, intents, space, tick: () => run(ticks), retry: () => run(later) };
}

const idsOf = (batch: JournalBatch): string[] => batch.entries.map(({ id }) => id);

function makeIntent(id: string): Intent {
  const { requestId, createdAt, userId, apiKeyId, endpoint } = makeEntry();
  return { id, requestId, createdAt, userId, apiKeyId, endpoint, modelAsked: "m", provider: "p", streamed: true };
}

test("rows of one tick go in one batch, and are acknowledged after it", async () => {
  const batches: string[][] = [];
  const { writer, tick } = makeRig((batch) => void batches.push(idsOf(batch)));
  let acknowledged = 0;
  const waiting = ["a", "b"].map((id) => writer.add(makeEntry({ id })).then(() => acknowledged++));
  await Promise.resolve();
  expect(acknowledged).toBe(0);
  tick();
  await Promise.all(waiting);
  expect(batches).toEqual([["a", "b"]]);
  expect(acknowledged).toBe(2);
});

test("a failed row is refused to its caller, kept, and written when it can be", async () => {
  let full = true;
  const { writer, faults, written, tick, retry } = makeRig(() => {
    if (full) throw new Error("disk full");
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
  expect(written()).toEqual(["a"]);
  expect(faults).toEqual(["disk full", "recovered 1"]);
});

test("a later row carries the kept ones with it, in order", async () => {
  let full = true;
  const { writer, written, tick } = makeRig(() => {
    if (full) throw new Error("disk full");
  });
  const refused = writer.add(makeEntry({ id: "a" }));
  tick();
  await expect(refused).rejects.toThrow();
  full = false;
  const accepted = writer.add(makeEntry({ id: "b" }));
  tick();
  await accepted;
  expect(written()).toEqual(["a", "b"]);
});

test("an intent is durable before it is acknowledged, and over with its row", async () => {
  const { writer, intents, tick } = makeRig(() => undefined);
  const { ticket, durable } = writer.intend(makeIntent("a"));
  tick();
  await durable;
  expect([...intents.values()].map((body) => (JSON.parse(body) as Intent).id)).toEqual(["a"]);
  expect(writer.figures().openIntents).toBe(1);
  const settled = writer.add(makeEntry({ id: "a" }), ticket);
  tick();
  await settled;
  expect(intents.size).toBe(0);
  expect(writer.figures()).toMatchObject({ openIntents: 0, settledRows: 1, intents: 1 });
});

test("an intent that is withdrawn leaves nothing; one that cannot be written is refused and forgotten", async () => {
  let full = true;
  const { writer, intents, written, tick, retry } = makeRig(() => {
    if (full) throw new Error("disk full");
  });
  const refused = writer.intend(makeIntent("a"));
  tick();
  await expect(refused.durable).rejects.toThrow("disk full");
  full = false;
  retry();
  expect(writer.fault()).toBeNull();
  const { ticket, durable } = writer.intend(makeIntent("b"));
  tick();
  await durable;
  writer.withdraw(ticket);
  tick();
  await writer.drain();
  expect([intents.size, written().length]).toEqual([0, 0]);
});

test("an intent takes another's place in one commit: where it cannot be written, the other stands until the row is there", async () => {
  let full = false;
  const { writer, intents, written, tick, retry } = makeRig(() => {
    if (full) throw new Error("disk full");
  });
  const open = (): (string | null)[] =>
    [...intents.values()].map((body) => (JSON.parse(body) as Intent).provider ?? null);
  const first = writer.intend(makeIntent("a"));
  tick();
  await first.durable;
  const second = writer.intend({ ...makeIntent("a"), provider: "q" }, first.ticket);
  tick();
  await second.durable;
  expect([open(), writer.figures().openIntents]).toEqual([["q"], 1]);
  full = true;
  const third = writer.intend({ ...makeIntent("a"), provider: "r" }, second.ticket);
  tick();
  await expect(third.durable).rejects.toThrow("disk full");
  full = false;
  retry();
  expect([writer.fault(), open()]).toEqual([null, ["q"]]);
  const settled = writer.add(makeEntry({ id: "a" }), third.ticket);
  tick();
  await settled;
  expect([open(), written(), writer.figures().openIntents]).toEqual([[], ["a"], 0]);
});

test("what was announced when the gateway died is closed as interrupted, with what was known", async () => {
  const batches: JournalBatch[] = [];
  const { writer, tick } = makeRig((batch) => void batches.push(batch));
  const first = writer.intend(makeIntent("a"));
  tick();
  await first.durable;
  const closing = closeAbandoned([{ number: 1, body: JSON.stringify(makeIntent("a")) }], writer);
  tick();
  expect(await closing).toBe(1);
  const last = batches.at(-1);
  expect(last?.over).toEqual([1]);
  expect(last?.entries[0]).toMatchObject({
    id: "a",
    errorKind: "interrupted",
    status: 500,
    modelAsked: "m",
    provider: "p",
    streamed: true,
    createdAt: makeEntry().createdAt,
    outputTokens: null,
    costNanos: null,
    usageSource: "none",
  });
});

test("on a full disk, rows of calls that run go into the space set aside; new calls are refused until there is space again", async () => {
  let full = false;
  const { writer, intents, written, space, faults, tick, retry } = makeRig(
    (batch) => {
      if (full && batch.intents.length > 0) throw new Error("disk full");
    },
    { reserve: 1 },
  );
  const running = writer.intend(makeIntent("running"));
  tick();
  await running.durable;
  full = true;
  const refused = writer.intend(makeIntent("new"));
  const settled = writer.add(makeEntry({ id: "running" }), running.ticket);
  tick();
  await settled;
  await expect(refused.durable).rejects.toThrow("disk full");
  expect([written(), intents.size, writer.fault()?.message]).toEqual([["running"], 0, "disk full"]);
  // Refused at once, and nothing of it is written.
  await expect(writer.intend(makeIntent("newer")).durable).rejects.toThrow("disk full");
  const late = writer.add(makeEntry({ id: "late" }));
  tick();
  await late;
  retry();
  expect(writer.fault()).not.toBeNull();
  full = false;
  space.canRestore = true;
  retry();
  expect([writer.fault(), written(), faults]).toEqual([null, ["running", "late"], ["disk full", "recovered 0"]]);
});

test("while another process writes, a commit waits without holding anything up; after five seconds it is a fault", async () => {
  let isBusy = true;
  const { writer, written, space, tick, retry } = makeRig(() => (isBusy ? "busy" : undefined));
  const first = writer.add(makeEntry({ id: "a" }));
  tick();
  const second = writer.add(makeEntry({ id: "b" }));
  retry();
  expect([written(), writer.fault()]).toEqual([[], null]);
  isBusy = false;
  retry();
  await Promise.all([first, second]);
  expect(written()).toEqual(["a", "b"]);
  isBusy = true;
  const late = writer.add(makeEntry({ id: "c" }));
  tick();
  space.nowMs += 5_000;
  retry();
  await expect(late).rejects.toThrow("Another process");
  isBusy = false;
  retry();
  expect([written(), writer.fault()]).toEqual([["a", "b", "c"], null]);
});

test("a row that is there already is left out, and leaves no gap", async () => {
  const { writer, faults, written, tick } = makeRig(() => undefined);
  const first = writer.add(makeEntry({ id: "a" }));
  tick();
  await first;
  const more = ["a", "b"].map((id) => writer.add(makeEntry({ id })));
  tick();
  await Promise.all(more);
  expect(written()).toEqual(["a", "b"]);
  expect(faults).toEqual(["duplicate a"]);
});

test("drain waits for what is open, and says so where it cannot be written", async () => {
  const { writer, written } = makeRig(() => undefined);
  void writer.add(makeEntry({ id: "a" }));
  await writer.drain();
  expect(written()).toEqual(["a"]);
  const broken = makeRig(() => {
    throw new Error("gone");
  });
  broken.writer.add(makeEntry({ id: "x" })).catch(() => undefined);
  await expect(broken.writer.drain()).rejects.toThrow("gone");
});

test("whatever fails whenever: every acknowledged row is written exactly once, every row in the end", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 30 }), async (failures) => {
      const outcomes = [...failures];
      const { writer, written, retry } = makeRig(
        () => {
          if (outcomes.shift() ?? false) throw new Error("no");
        },
        { schedule: setImmediate },
      );
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
      for (const id of acknowledged) expect(written()).toContain(id);
      outcomes.length = 0;
      await writer.drain();
      expect(written().toSorted()).toEqual(failures.map((_, index) => `row-${index}`).toSorted());
    }),
    { numRuns: 60 },
  );
});
