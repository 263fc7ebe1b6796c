// The local file of the books where a world of processes uses it: intents of those that are gone, durability, and the length of the log.

import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLedgerWriter, digestRow, type LedgerPage, linkTo, sealAll } from "../../src/ledger/index.ts";
import { openStore } from "../../src/store/index.ts";
import type { Chest, JournalOptions } from "../../src/store/journal.ts";
import { boundOutbox } from "../../src/store/outbox.ts";
import { startCheckpoints } from "../../src/store/sqlite/checkpoint.ts";
import { openJournal } from "../../src/store/sqlite/journal.ts";
import { openSqlite } from "../../src/store/sqlite/open.ts";
import { makeEntry } from "../ledger/entry.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function makeFile(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "tokligence-journal-"));
  folders.push(folder);
  const location = join(folder, "ledger.db");
  const database = { maxConnections: 1, maxIdleMs: 0, maxLifetimeMs: 0 };
  await (await openSqlite({ location, database })).close();
  return location;
}

const OPTIONS = {
  durability: "process",
  key: { id: "key", publicKey: "" },
  findHead: () => null,
  now: new Date(0),
} as const;

function openAt(location: string, more: Partial<JournalOptions> = {}): Chest {
  return openJournal({ ...OPTIONS, location, ...more });
}

function announce(chest: Chest, body: string): number {
  const number = chest.nextNumber();
  const { head } = chest;
  expect(chest.commit({ head, entries: [], recounts: [], intents: [{ number, body }], over: [] })).toBe("written");
  return number;
}

test("intents of a process that is gone are found by the one that runs on, those of one that lives by nobody", async () => {
  const location = await makeFile();
  const first = openAt(location);
  const second = openAt(location);
  const number = announce(first, "of the first");
  announce(second, "of the second");
  expect(second.adopt().intents).toEqual([]);
  first.close();
  const adopted = second.adopt();
  expect(adopted.intents).toEqual([{ number, body: "of the first" }]);
  // While they are being closed, whoever starts next takes another place.
  const third = openAt(location);
  expect(third.abandoned).toEqual([]);
  adopted.release();
  const fourth = openAt(location);
  expect(fourth.abandoned).toEqual([{ number, body: "of the first" }]);
  for (const chest of [second, third, fourth]) chest.close();
});

test("numbers of intents are never those of another process", async () => {
  const location = await makeFile();
  const chests = Array.from({ length: 3 }, () => openAt(location));
  const numbers = chests.flatMap((chest) => Array.from({ length: 50 }, () => announce(chest, "{}")));
  expect(new Set(numbers).size).toBe(numbers.length);
  for (const chest of chests) chest.close();
});

test.each([
  ["process", 1],
  ["disk", 2],
] as const)("durability %s is what SQLite has in force", async (durability, level) => {
  const location = await makeFile();
  let db: Database | null = null;
  const connect = (path: string): Database => (db = new Database(path, { readwrite: true, create: false }));
  const chest = openAt(location, { durability, connect });
  const read = (db as Database | null)?.query<{ synchronous: number }, []>("pragma synchronous").get();
  expect(read?.synchronous).toBe(level);
  chest.close();
});

test("a clock that jumps both ways leaves every row once, in the chain's order and without a gap", async () => {
  const location = await makeFile();
  const chest = openAt(location);
  const writer = createLedgerWriter({
    journal: chest,
    schedule: setImmediate,
    after: () => undefined,
    nowMs: () => 0,
    onFault: (error) => {
      throw error;
    },
    onRecovery: () => undefined,
    onDuplicate: (id) => {
      throw new Error(id);
    },
  });
  const day = 86_400_000;
  let wallMs = Date.UTC(2026, 0, 1);
  const given: string[] = [];
  for (const jump of [0, 1, -3 * day, 400 * day, 0, -800 * day, 0, 5, 5_000 * day, -5_000 * day, 0]) {
    wallMs += jump;
    const ids = Array.from({ length: 20 }, () => Bun.randomUUIDv7("hex", wallMs));
    given.push(...ids);
    await Promise.all(ids.map((id) => writer.add(makeEntry({ id, createdAt: new Date(wallMs) }))));
  }
  const { entries } = chest.take(1_000);
  chest.close();
  const links = entries.toSorted((left, right) => Number(left.seq) - Number(right.seq));
  expect(links.map(({ id }) => id)).toEqual(given);
  expect(links.map(({ seq }) => seq)).toEqual(given.map((_, index) => index + 1));
  let last = "";
  for (const row of links) expect(row.hash).toBe((last = linkTo(last, digestRow(row))));
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
  const chest = openAt(location, { checkpoints: "thread" });
  const wal = `${location}-wal`;
  let { head } = chest;
  const write = (): void => {
    const sealed = sealAll(
      head,
      Array.from({ length: 40 }, () => makeEntry({ modelAsked: "m".repeat(512) })),
    );
    head = sealed.head;
    expect(chest.commit({ head, entries: sealed.sealed, recounts: [], intents: [], over: [] })).toBe("written");
  };
  // Far beyond the thousand pages at which SQLite would have moved them in the middle of a commit.
  while (statSync(wal).size < 50 * 2 ** 20) write();
  const before = statSync(location).size;
  const faults: Error[] = [];
  const checkpoints = startCheckpoints([location], (error) => faults.push(error));
  // Its last act is a checkpoint.
  await checkpoints.stop();
  expect(faults).toEqual([]);
  expect(statSync(location).size).toBeGreaterThan(before);
  // What follows begins the log anew.
  const longest = statSync(wal).size;
  for (let turn = 0; turn < 20; turn++) write();
  expect(statSync(wal).size).toBe(longest);
  chest.close();
}, 60_000);

test("an outbox in which nothing waits is never full, however small it may be", async () => {
  const chest = openAt(await makeFile());
  const outbox = boundOutbox(chest, { maxBytes: 1_024, whenFull: "refuse" });
  expect(outbox.refusal()).toBeNull();
  const { head, sealed } = sealAll(chest.head, [makeEntry({ id: "a" })]);
  const entries = sealed.filter((row) => "attempts" in row);
  expect(outbox.commit({ head, entries, recounts: [], intents: [], over: [] })).toBe("written");
  expect(outbox.refusal()?.code).toBe("ledger_outbox_full");
  outbox.drop(outbox.take(10));
  expect(outbox.refusal()).toBeNull();
  chest.close();
});
