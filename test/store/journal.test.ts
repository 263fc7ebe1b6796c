// The journal and the file behind it where a world of processes uses them: what those leave that are gone, durability, rows that nobody takes, and the
// length of the log.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BOOK_RULES, encodeEntryLine, type LedgerPage } from "../../src/ledger/index.ts";
import { listSegments, nameSegment, realDisk } from "../../src/store/journal/disk.ts";
import { settleJournals } from "../../src/store/journal/settle.ts";
import { openStore } from "../../src/store/index.ts";
import { startCheckpoints } from "../../src/store/sqlite/checkpoint.ts";
import { makeEntry } from "../ledger/entry.ts";
import { expectChain, idsIn, makeFile, readRows, start } from "./journal-process.ts";

test("what a process leaves that is gone is taken over by the one that runs on, and of one that lives nothing is", async () => {
  const location = await makeFile();
  const first = start(location);
  const second = start(location);
  await first.writer.intend(makeEntry({ id: "open" })).durable;
  await first.writer.add(makeEntry({ id: "settled" }));
  await second.books.adopt();
  expect(idsIn(location)).toEqual([]);
  first.kill();
  await second.books.adopt();
  expect(second.tidings).toEqual([{ type: "interrupted", rows: 1, isOwn: false }]);
  const rows = readRows(location);
  expect(new Map(rows.map(({ id, errorKind }) => [id, errorKind]))).toEqual(
    new Map([
      ["open", "interrupted"],
      ["settled", null],
    ]),
  );
  // In its own chain, for that is the one that it signs.
  expect(new Set(rows.map(({ chain }) => chain))).toEqual(new Set([second.books.journal.chain]));
  expect(listSegments(location, 0)).toEqual([]);
  const third = start(location);
  expect(third.tidings).toEqual([]);
  for (const { books } of [second, third]) await books.close(0);
  expect(idsIn(location)).toEqual(["open", "settled"]);
});

test("what a process left that cannot be read is told of, and keeps nobody else's calls from the books", async () => {
  const location = await makeFile();
  const [first, second, third] = [start(location), start(location), start(location)];
  for (const [index, { writer }] of [first, second].entries()) {
    await writer.intend(makeEntry({ id: `open ${index}` })).durable;
    await writer.add(makeEntry({ id: `settled ${index}` }));
  }
  for (const { kill } of [first, second]) kill();
  const [segment = 0] = listSegments(location, 0);
  const path = nameSegment(location, 0, segment);
  const bytes = readFileSync(path);
  rmSync(path);
  mkdirSync(path);
  await expect(third.books.adopt()).rejects.toThrow();
  expect(idsIn(location)).toEqual(["open 1", "settled 1"]);
  expect(third.tidings).toEqual([{ type: "interrupted", rows: 1, isOwn: false }]);
  rmSync(path, { recursive: true });
  writeFileSync(path, bytes);
  await third.books.adopt();
  expect(idsIn(location)).toEqual(["open 0", "open 1", "settled 0", "settled 1"]);
  await third.books.close(0);
});

test("a command binds what a killed process wrote, and leaves calls that were open to the next gateway", async () => {
  const location = await makeFile();
  const first = start(location);
  await first.writer.intend(makeEntry({ id: "open" })).durable;
  await first.writer.add(makeEntry({ id: "settled" }));
  first.kill();
  expect(await settleJournals(location, BOOK_RULES)).toBeNull();
  expect(await settleJournals(location, BOOK_RULES)).toBeNull();
  expect(idsIn(location)).toEqual(["settled"]);
  const next = start(location);
  expect(idsIn(location)).toEqual(["open", "settled"]);
  await next.books.close(0);
  expectChain(readRows(location));
  expect(readdirSync(join(location, "..")).filter((name) => name.includes("journal"))).toEqual([]);
});

test("what is written in many small parts is there once and in order, and parts that are bound are gone", async () => {
  const location = await makeFile();
  const { books, writer, kill } = start(location, { segmentBytes: 3_000 });
  const { durable } = writer.intend(makeEntry({ id: "open-all-along" }));
  await durable;
  const ids = Array.from({ length: 200 }, (_, index) => `row-${1_000 + index}`);
  for (const [index, id] of ids.entries()) {
    await writer.add(makeEntry({ id }));
    if (index === 120) await books.flush(0);
  }
  const left = listSegments(location, 0);
  expect(left.length).toBeGreaterThan(5);
  await books.flush(0);
  expect(listSegments(location, 0)).toEqual(left.slice(-1));
  expect(idsIn(location)).toEqual(ids);
  kill();
  const next = start(location);
  expect(next.tidings).toEqual([{ type: "interrupted", rows: 1, isOwn: true }]);
  expectChain(readRows(location));
  await next.books.close(0);
});

test("a file that takes no rows holds nothing up; beyond what may wait new calls are refused, until it does", async () => {
  const location = await makeFile();
  let isLocked = false;
  const locked = (): never => {
    throw Object.assign(new Error("locked"), { code: "SQLITE_BUSY" });
  };
  const { books, writer, tidings } = start(location, {
    limits: { maxBacklogBytes: 20_000 },
    connect(path) {
      const database = new Database(path, { create: false, readwrite: true });
      const prepare = database.prepare.bind(database);
      return Object.assign(database, {
        prepare(sql: string) {
          const statement = prepare(sql);
          if (!sql.startsWith("BEGIN")) return statement;
          const run = statement.run.bind(statement);
          return Object.assign(statement, { run: () => (isLocked ? locked() : run()) });
        },
      });
    },
  });
  isLocked = true;
  const ids = Array.from({ length: 100 }, (_, index) => `row-${100 + index}`);
  for (const id of ids) await writer.add(makeEntry({ id }));
  await books.flush(0);
  await books.flush(0);
  expect([idsIn(location), books.refusal() instanceof Error]).toEqual([[], true]);
  expect(tidings.map(({ type }) => type)).toEqual(["stuck"]);
  isLocked = false;
  await books.flush(0);
  expect([idsIn(location), books.refusal(), books.backlog()]).toEqual([ids, null, 0]);
  expect(tidings.map(({ type }) => type)).toEqual(["stuck", "unstuck"]);
  await books.close(0);
});

test("a row that the file does not take is set aside, and holds up no other", async () => {
  const location = await makeFile();
  const { books, writer, tidings } = start(location);
  void writer.add(makeEntry({ id: "a" }));
  void writer.add({ ...makeEntry({ id: "bad" }), userId: null as unknown as string });
  await writer.add(makeEntry({ id: "b" }));
  await books.flush(0);
  expect(idsIn(location)).toEqual(["a", "b"]);
  expect(tidings).toMatchObject([{ type: "refused", refusal: { id: "entry/bad" } }]);
  expect(books.refused()).toBe(1);
  await books.close(0);
  expectChain(readRows(location));
});

test("calls that versions before the journal left open are closed, too", async () => {
  const location = await makeFile();
  const first = start(location);
  const { chain } = first.books.journal;
  first.kill();
  const db = new Database(location);
  const { requestId, createdAt, userId, apiKeyId, endpoint } = makeEntry();
  const body = JSON.stringify({ id: "old", requestId, createdAt, userId, apiKeyId, endpoint });
  db.run("insert into ledger_intents (number, chain, body) values (1, ?, ?)", [chain, body]);
  db.close();
  const { books } = start(location);
  expect(readRows(location)).toMatchObject([{ id: "old", errorKind: "interrupted", createdAt }]);
  await books.close(0);
});

test.each([
  ["process", 1, 0],
  ["disk", 2, 1],
] as const)(
  "durability %s is what SQLite has in force, and what each write is followed by",
  async (durability, level, syncs) => {
    const location = await makeFile();
    let db: Database | null = null;
    let synced = 0;
    const { books, writer } = start(location, {
      durability,
      connect: (path) => (db = new Database(path, { readwrite: true, create: false })),
      disk: { ...realDisk, sync: (file) => (synced++, realDisk.sync(file)) },
    });
    const read = (db as Database | null)?.query<{ synchronous: number }, []>("pragma synchronous").get();
    expect(read?.synchronous).toBe(level);
    await writer.add(makeEntry());
    const before = synced;
    await writer.add(makeEntry());
    expect(synced - before).toBe(syncs);
    await books.close(0);
  },
);

test("on macOS each write is followed by the sync that reaches the drive's own memory", async () => {
  const location = await makeFile();
  const { books, writer } = start(location, { durability: "disk", platform: "darwin", disk: undefined });
  for (const id of ["a", "b"]) await writer.add(makeEntry({ id }));
  await books.close(0);
  const db = new Database(`${location}.sync-0`, { readonly: true });
  // The beginning of the file and its rows.
  expect(db.query("select count from turn").get()).toEqual({ count: 3 });
  db.close();
});

test("a clock that jumps both ways leaves every row once, in the chain's order and without a gap", async () => {
  const location = await makeFile();
  const { books, writer } = start(location);
  const day = 86_400_000;
  let wallMs = Date.UTC(2026, 0, 1);
  const given: string[] = [];
  for (const jump of [0, 1, -3 * day, 400 * day, 0, -800 * day, 0, 5, 5_000 * day, -5_000 * day, 0]) {
    wallMs += jump;
    const ids = Array.from({ length: 20 }, () => Bun.randomUUIDv7("hex", wallMs));
    given.push(...ids);
    await Promise.all(ids.map((id) => writer.add(makeEntry({ id, createdAt: new Date(wallMs) }))));
  }
  await books.close(0);
  const links = readRows(location).toSorted((left, right) => Number(left.seq) - Number(right.seq));
  expect(links.map(({ id }) => id)).toEqual(given);
  expectChain(links);
  // Pages go by id: each row stands on one of them, wherever its clock put it.
  const database = { maxConnections: 1, maxIdleMs: 0, maxLifetimeMs: 0 };
  const store = await openStore({ identityPath: location, ledgerPath: location, database });
  const read: string[] = [];
  let cursor: string | null = null;
  do {
    const page: LedgerPage = await store.ledger.page({}, 33, cursor);
    read.push(...page.entries.map(({ id }) => id));
    cursor = page.nextCursor;
  } while (cursor !== null);
  await store.close();
  expect(read).toEqual(given.toSorted().toReversed());
});

test("the log is kept short by the thread, and by nobody else", async () => {
  const location = await makeFile();
  const { books } = start(location, { checkpoints: "thread" });
  const wal = `${location}-wal`;
  const write = async (): Promise<void> => {
    const rows = Array.from({ length: 40 }, () => makeEntry({ modelAsked: "m".repeat(512) }));
    books.journal.append(rows.map(encodeEntryLine), () => []);
    await books.flush(0);
  };
  // Far beyond the thousand pages at which SQLite would have moved them in the middle of a commit.
  while (statSync(wal).size < 50 * 2 ** 20) await write();
  const before = statSync(location).size;
  const faults: Error[] = [];
  const checkpoints = startCheckpoints([location], {
    onFault: (error) => faults.push(error),
    onRecover: () => undefined,
  });
  // Its last act is a checkpoint.
  await checkpoints.stop();
  expect(faults).toEqual([]);
  expect(statSync(location).size).toBeGreaterThan(before);
  // What follows begins the log anew.
  const longest = statSync(wal).size;
  for (let turn = 0; turn < 20; turn++) await write();
  expect(statSync(wal).size).toBe(longest);
  await books.close(0);
}, 60_000);

test("an outbox in which nothing waits is never full, however small it may be", async () => {
  let isDown = true;
  const { books, writer } = start(await makeFile(), {
    limits: { maxBytes: 1_024, whenFull: "refuse" },
    async deliver() {
      if (isDown) throw new Error("down");
    },
  });
  expect(books.refusal()).toBeNull();
  await writer.add(makeEntry({ id: "a" }));
  await books.flush(1);
  expect(books.refusal()).toMatchObject({ code: "ledger_outbox_full" });
  isDown = false;
  await books.flush(1_000);
  expect(books.refusal()).toBeNull();
  await books.close(0);
});

test("a row that the other database does not take is set aside, and those behind it arrive", async () => {
  const arrived: string[] = [];
  const location = await makeFile();
  const { books, writer, tidings } = start(location, {
    async deliver({ entries }) {
      if (entries.some(({ id }) => id === "bad"))
        throw Object.assign(new Error("value out of range"), { code: "22003" });
      arrived.push(...entries.map(({ id }) => id));
    },
  });
  for (const id of ["a", "bad", "b"]) await writer.add(makeEntry({ id }));
  await books.flush(1_000);
  await writer.add(makeEntry({ id: "c" }));
  await books.flush(1_000);
  expect(arrived).toEqual(["a", "b", "c"]);
  expect(tidings).toEqual([{ type: "refused", refusal: { id: "entry/bad", reason: "value out of range" } }]);
  expect([books.waiting(), books.refused(), idsIn(location)]).toEqual([0, 1, ["bad"]]);
  await books.close(0);
});

test("however many rows the other database does not take, the next start counts those that wait, and they arrive", async () => {
  const location = await makeFile();
  const db = new Database(location);
  db.run(`with recursive rows (n) as (select 1 union all select n + 1 from rows where n < 260000)
    insert into ledger_refused (id, reason, refused_at) select 'entry/gone-' || n, 'out of range', 0 from rows`);
  db.close();
  const arrived: string[] = [];
  const { books, writer } = start(location, {
    deliver: async ({ entries }) => void arrived.push(...entries.map(({ id }) => id)),
  });
  await writer.add(makeEntry({ id: "a" }));
  await books.flush(1_000);
  expect([arrived, books.waiting(), books.refused()]).toEqual([["a"], 0, 260_000]);
  await books.close(0);
});
