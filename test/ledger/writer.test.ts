// The writer of the books: one commit a tick, nothing acknowledged before it is written, nothing lost when writing fails, no gap in the chain.

import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  createLedgerWriter,
  decodeLine,
  encodeEntryLine,
  encodeRecountLine,
  type Intent,
  type LedgerEntry,
  LINE_FIELDS,
  type Recount,
  type StoredIntent,
} from "../../src/ledger/index.ts";
import { makeEntry } from "./entry.ts";

/** What one write to the journal holds. */
interface Batch {
  entries: LedgerEntry[];
  intents: { number: number; intent: StoredIntent }[];
  over: number[];
}

function readBatch(lines: readonly string[]): Batch {
  const read = lines.map((line) => decodeLine(line, LINE_FIELDS));
  return {
    entries: read.flatMap((line) => (line?.type === "entry" ? [line.entry] : [])),
    intents: read.flatMap((line) => (line?.type === "intent" ? [line] : [])),
    over: read.flatMap((line) => (line?.type === "over" ? line.numbers : [])),
  };
}

/** A writer whose ticks and retries are run by hand. */
function makeRig(
  onCommit: (batch: Batch) => void,
  {
    schedule,
    reserve = 0,
    isCheap = false,
  }: { schedule?: (action: () => void) => void; reserve?: number; isCheap?: boolean } = {},
) {
  const ticks: (() => void)[] = [];
  const later: (() => void)[] = [];
  const faults: string[] = [];
  const rows: LedgerEntry[] = [];
  const intents = new Map<number, StoredIntent>();
  const carried: string[][] = [];
  const space = { reserves: reserve, canRestore: false };
  const writer = createLedgerWriter({
    journal: {
      chain: "c",
      isCheap,
      append(lines, open) {
        const batch = readBatch(lines);
        onCommit(batch);
        carried.push([...open()]);
        rows.push(...batch.entries);
        for (const { number, intent } of batch.intents) intents.set(number, intent);
        for (const number of batch.over) expect(intents.delete(number)).toBe(true);
      },
      relieve: () => space.reserves-- > 0,
      restore: () => space.canRestore,
    },
    schedule: schedule ?? ((action) => void ticks.push(action)),
    after: (_delay, action) => void later.push(action),
    nowMs: () => 0,
    onFault: (error) => void faults.push(error.message),
    onRecovery: (count) => void faults.push(`recovered ${count}`),
  });
  const run = (queue: (() => void)[]): void => {
    for (const action of queue.splice(0)) action();
  };
  const written = (): string[] => rows.map(({ id }) => id);
  return { writer, faults, written, rows, intents, carried, space, tick: () => run(ticks), retry: () => run(later) };
}

const idsOf = (batch: Batch): string[] => batch.entries.map(({ id }) => id);

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

test("where a write is cheap, the first of a tick waits for nobody, and those behind it go together at its end", async () => {
  const batches: string[][] = [];
  const { writer, intents, tick } = makeRig((batch) => void batches.push(idsOf(batch)), { isCheap: true });
  const { ticket, durable } = writer.intend(makeIntent("i"));
  await durable;
  expect([...intents.values()].map(({ id }) => id)).toEqual(["i"]);
  const second = writer.add(makeEntry({ id: "i" }), ticket);
  const third = writer.add(makeEntry({ id: "b" }));
  expect(batches).toEqual([[]]);
  tick();
  await Promise.all([second, third]);
  expect(batches).toEqual([[], ["i", "b"]]);
  expect(intents.size).toBe(0);
  await writer.add(makeEntry({ id: "c" }));
  expect(batches.at(-1)).toEqual(["c"]);
  tick();
  await writer.drain();
  expect(batches.flat()).toEqual(["i", "b", "c"]);
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
  expect([...intents.values()].map(({ id }) => id)).toEqual(["a"]);
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
  const open = (): (string | null)[] => [...intents.values()].map(({ provider }) => provider ?? null);
  const first = writer.intend(makeIntent("a"));
  tick();
  await first.durable;
  const second = writer.intend({ ...makeIntent("a"), provider: "q" }, first.ticket);
  tick();
  await second.durable;
  expect([open(), writer.figures().openIntents]).toEqual([["q"], 1]);
  expect(writer.figures().intents).toBe(1);
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

test("a row comes back from its line as it was given, times, nulls and what a call used too", async () => {
  const { writer, rows, tick } = makeRig(() => undefined);
  const attempt = { provider: "p", model: "m", status: 200, errorKind: null, upstreamRequestId: null, latencyMs: 1.5 };
  const given = makeEntry({ tags: ["a:b"], units: { images: 2 }, attempts: [attempt], modelAsked: "\n\ud800\u0000é" });
  void writer.add(given);
  tick();
  await writer.drain();
  expect(rows).toEqual([given]);
});

test("each value of a line stands where its name does, also in a journal of another version", () => {
  const createdAt = new Date(7);
  const values = Object.fromEntries(LINE_FIELDS.entry.map((name) => [name, `value of ${name}`]));
  const line = encodeEntryLine({ ...values, createdAt } as unknown as LedgerEntry);
  expect(decodeLine(line, LINE_FIELDS)).toEqual({
    type: "entry",
    isPlain: true,
    entry: { ...values, createdAt } as never,
  });
  const names = LINE_FIELDS.recount.map((name) => [name, `value of ${name}`]);
  const recount = { ...Object.fromEntries(names), createdAt } as unknown as Recount;
  expect(decodeLine(encodeRecountLine(recount), LINE_FIELDS)).toEqual({ type: "recount", isPlain: true, recount });
  const older = { ...LINE_FIELDS, entry: LINE_FIELDS.entry.slice(0, 20) };
  const read = decodeLine(line, older);
  expect(read).toMatchObject({
    entry: { id: "value of id", reasoningTokens: "value of reasoningTokens", units: null },
  });
});

test("with each write come the intents that were open before it, for a file that begins with them", async () => {
  const { writer, carried, tick } = makeRig(() => undefined);
  const first = writer.intend(makeIntent("a"));
  tick();
  await first.durable;
  const second = writer.intend(makeIntent("b"));
  writer.add(makeEntry({ id: "a" }), first.ticket).catch(() => undefined);
  tick();
  await second.durable;
  void writer.add(makeEntry({ id: "c" }));
  tick();
  const ids = carried.map((lines) => lines.map((line) => (JSON.parse(line) as [string, number, Intent])[2].id));
  expect(ids).toEqual([[], ["a"], ["b"]]);
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

test("drain ends intents, too, that were withdrawn while nothing could be written", async () => {
  let isFull = false;
  const { writer, intents, tick } = makeRig(() => {
    if (isFull) throw new Error("disk full");
  });
  const { ticket, durable } = writer.intend(makeIntent("a"));
  tick();
  await durable;
  isFull = true;
  writer.withdraw(ticket);
  tick();
  await expect(writer.drain()).rejects.toThrow("disk full");
  isFull = false;
  await writer.drain();
  expect([intents.size, writer.figures().openIntents]).toEqual([0, 0]);
});

test("whatever fails whenever: every acknowledged row is written exactly once, every row in the end", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 30 }), fc.boolean(), async (failures, isCheap) => {
      const outcomes = [...failures];
      const { writer, written, retry } = makeRig(
        () => {
          if (outcomes.shift() ?? false) throw new Error("no");
        },
        { schedule: setImmediate, isCheap },
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
