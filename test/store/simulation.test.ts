// The writer, the journal, the file and the delivery to PostgreSQL as they are, on a world that breaks at any step: a system call or a statement that
// fails before or after it ran or half-way, a process that ends there, a disk that is full, a database that loses its answers. Seeded, so that what
// was found can be run again.

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { closeSync, copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  BOOK_RULES,
  createLedgerWriter,
  digestRow,
  type LedgerWriter,
  linkTo,
  type SealedEntry,
  type Ticket,
} from "../../src/ledger/index.ts";
import { listSlots } from "../../src/store/journal/disk.ts";
import { openJournal } from "../../src/store/journal/open.ts";
import type { Shipment } from "../../src/store/shipper.ts";
import { openSqlite } from "../../src/store/sqlite/open.ts";
import { runNow, toDb } from "../../src/store/sqlite/query.ts";
import { ledgerEntries } from "../../src/store/sqlite/schema.ts";
import { claimSlot, type Slot } from "../../src/store/sqlite/slot.ts";
import { makeEntry } from "../ledger/entry.ts";
import { breakable, breakableDisk, type Fault, makeBreaker } from "./breaker.ts";

let folder = "";
let template = "";
beforeAll(async () => {
  // In memory where there is such a folder: thousands of syncs would prove nothing more.
  const place = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  folder = mkdtempSync(join(place, "tokligence-simulation-"));
  template = join(folder, "template.db");
  await (
    await openSqlite({ location: template, database: { maxConnections: 4, maxIdleMs: 0, maxLifetimeMs: 0 } })
  ).close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The ledger behind the outbox: takes all of a shipment or nothing, and leaves alone what it has. */
function makeServer() {
  const rows = new Map<string, SealedEntry>();
  const chains = new Map<string, number>();
  const places = new Set<string>();
  return {
    rows,
    chains,
    take({ entries, chains: ends }: Shipment): void {
      for (const row of entries) {
        const place = `${row.chain}/${row.seq}`;
        if (rows.has(row.id)) continue;
        expect(places.has(place)).toBe(false);
        places.add(place);
        const stored = JSON.parse(row.json) as SealedEntry;
        rows.set(row.id, { ...stored, createdAt: new Date(stored.createdAt) });
      }
      for (const { chain, seq } of ends) chains.set(chain, Math.max(seq, chains.get(chain) ?? 0));
    },
  };
}

type Command =
  | { type: "begin" }
  | { type: "deliver"; how: "answer lost" | "crash before drop" | "ok" | "refused" }
  | { type: "disk"; isFull: boolean }
  | { type: "again" | "finish"; which: number }
  | { type: "restart" }
  | { type: "retry" }
  | { type: "tick" };

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Command>({ type: "begin" }) },
  { weight: 8, arbitrary: fc.constant<Command>({ type: "tick" }) },
  { weight: 5, arbitrary: fc.nat(9).map((which): Command => ({ type: "finish", which })) },
  { weight: 2, arbitrary: fc.nat(9).map((which): Command => ({ type: "again", which })) },
  { weight: 4, arbitrary: fc.constant<Command>({ type: "retry" }) },
  { weight: 1, arbitrary: fc.constant<Command>({ type: "restart" }) },
  { weight: 1, arbitrary: fc.boolean().map((isFull): Command => ({ type: "disk", isFull })) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom("ok", "refused", "answer lost", "crash before drop")
      .map((how): Command => ({ type: "deliver", how })),
  },
);

const fault: fc.Arbitrary<Fault> = fc.record({
  at: fc.nat(120),
  how: fc.constantFrom("fail before", "fail half-way", "fail after", "crash before", "crash half-way", "crash after"),
});

interface Running {
  id: string;
  ticket: Ticket;
}

interface Kind {
  isOutbox: boolean;
  isSynced: boolean;
  /** Whether the system gives no file as memory. */
  isFarOff?: boolean;
}

/** Everything that outlives a process, and what clients and providers saw. */
function makeWorld(path: string, kind: Kind) {
  return {
    path,
    ...kind,
    /** What nobody may ever hear of. */
    wrong: [] as unknown[],
    server: makeServer(),
    /** Ids of calls that a provider received. */
    called: new Set<string>(),
    /** Ids of rows that were said to be durable. */
    acknowledged: new Set<string>(),
    given: 0,
  };
}

type World = ReturnType<typeof makeWorld>;

/** With a journal in small parts. Null where it does not survive its own start. */
function startProcess(world: World, faults: readonly Fault[]) {
  const breaker = makeBreaker(faults);
  const ticks: (() => void)[] = [];
  const timers: (() => void)[] = [];
  const files = new Set<number>();
  const databases: Database[] = [];
  const slots: Slot[] = [];
  let running: Running[] = [];
  let delivery: Extract<Command, { type: "deliver" }>["how"] = "ok";
  const deliver = async (shipment: Shipment): Promise<void> => {
    if (delivery === "refused") throw new Error("the database is down");
    world.server.take(shipment);
    if (delivery === "answer lost") throw new Error("the connection broke");
    if (delivery === "crash before drop") breaker.state.isDead = true;
  };
  /** As the system does it for a process that is gone: locks, files and open transactions with it. */
  const end = (): void => {
    breaker.state.isDead = true;
    for (const database of databases) database.close();
    for (const slot of slots) slot.release();
    for (const file of files) closeSync(file);
  };
  const open = () =>
    openJournal({
      location: world.path,
      rules: BOOK_RULES,
      durability: world.isSynced ? "disk" : "process",
      key: { id: "key-of-the-simulation", publicKey: "" },
      findHead: () => null,
      now: new Date(0),
      reserveBytes: 4096,
      segmentBytes: 4_000,
      deliver: world.isOutbox ? deliver : null,
      limits: { maxBytes: 2 ** 30, whenFull: "refuse" },
      after(_delay, action) {
        timers.push(action);
        return () => undefined;
      },
      onTiding(tiding) {
        // Nothing here is ever changed behind the journal's back, and no row comes twice.
        const isWrong = tiding.type === "duplicate" || tiding.type === "refused";
        if (isWrong || (tiding.type === "flaw" && tiding.flaw.kind === "damage")) world.wrong.push(tiding);
      },
      connect(location) {
        const database = new Database(location, { create: false, readwrite: true });
        databases.push(database);
        return breakable(database, breaker);
      },
      disk: { ...breakableDisk(breaker, files), ...(world.isFarOff === true ? { map: () => null } : {}) },
      claim(location) {
        const slot = claimSlot(location);
        slots.push(slot);
        return slot;
      },
    });
  breaker.state.isArmed = true;
  let books: ReturnType<typeof open>;
  try {
    books = open();
  } catch (error) {
    if (faults.length === 0) throw error;
    end();
    return null;
  }
  const writer: LedgerWriter = createLedgerWriter({
    journal: books.journal,
    schedule: (action) => void ticks.push(action),
    after: (_delay, action) => void timers.push(action),
    nowMs: () => 0,
    onFault: () => undefined,
    onRecovery: () => undefined,
  });
  const run = async (queue: (() => void)[]): Promise<void> => {
    for (const action of queue.splice(0)) if (!breaker.state.isDead) action();
    // Whoever waits hears of it before the next thing happens.
    for (let turn = 0; turn < 8; turn++) await Promise.resolve();
  };
  const isAlive = (): boolean => !breaker.state.isDead;
  return {
    writer,
    breaker,
    isAlive,
    tick: () => run(ticks),
    retry: () => run(timers),
    begin(): void {
      const id = `call-${world.given++}`;
      if (writer.fault() !== null) return;
      const { ticket, durable } = writer.intend(makeEntry({ id }));
      durable.then(
        () => {
          if (!isAlive()) return;
          world.called.add(id);
          running.push({ id, ticket });
        },
        // As the gateway does: the refusal is on the books as well.
        () => {
          if (isAlive()) writer.add(makeEntry({ id, status: 503 })).catch(() => undefined);
        },
      );
    },
    /** Another provider is about to be called for it. */
    again(which: number): void {
      const call = running[which % Math.max(1, running.length)];
      if (call === undefined) return;
      const { ticket, durable } = writer.intend(makeEntry({ id: call.id }), call.ticket);
      call.ticket = ticket;
      durable.catch(() => undefined);
    },
    finish(which: number): void {
      const call = running[which % Math.max(1, running.length)];
      if (call === undefined) return;
      running = running.filter((other) => other !== call);
      writer.add(makeEntry({ id: call.id }), call.ticket).then(
        () => isAlive() && world.acknowledged.add(call.id),
        () => undefined,
      );
    },
    async deliver(how: typeof delivery): Promise<void> {
      if (!world.isOutbox) return;
      delivery = how;
      void books.flush(1_000).catch(() => undefined);
      await run([]);
      delivery = "ok";
    },
    end,
    /** As a process does that is told to stop. */
    async stop(): Promise<void> {
      await writer.drain();
      await books.close(1_000);
    },
  };
}

type Process = NonNullable<ReturnType<typeof startProcess>>;

async function play(world: World, commands: readonly Command[], faults: readonly Fault[]): Promise<void> {
  // The next process has faults, too, until the last one, or one that did not survive its own start.
  const start = (given: readonly Fault[]): Process =>
    startProcess(world, given) ?? startProcess(world, given.slice(1)) ?? start([]);
  let process = start(faults);
  for (const step of commands) {
    if (!process.isAlive() || step.type === "restart") {
      process.end();
      process = start(faults.slice(1));
    }
    if (step.type === "begin") process.begin();
    if (step.type === "finish") process.finish(step.which);
    if (step.type === "again") process.again(step.which);
    if (step.type === "disk") process.breaker.state.isFull = step.isFull;
    if (step.type === "tick") await process.tick();
    if (step.type === "retry") await process.retry();
    if (step.type === "deliver") await process.deliver(step.how);
  }
  process.end();
  process = start([]);
  await process.tick();
  await process.stop();
}

/** What a reader finds in the end. */
function read(world: World): { rows: SealedEntry[]; ends: Map<string, number> } {
  const db = new Database(world.path, { readonly: true });
  const ends = db.query<{ chain: string; seq: number }, []>("select chain, seq from ledger_chains").all();
  const { db: orm, release } = toDb(db);
  const rows = runNow(orm.select().from(ledgerEntries));
  release();
  db.close();
  if (!world.isOutbox) return { rows, ends: new Map(ends.map(({ chain, seq }) => [chain, seq])) };
  expect(rows).toEqual([]);
  return { rows: [...world.server.rows.values()], ends: world.server.chains };
}

function check(world: World): void {
  const { rows, ends } = read(world);
  const ids = rows.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...world.acknowledged].filter((id) => !ids.includes(id))).toEqual([]);
  expect([...world.called].filter((id) => !ids.includes(id))).toEqual([]);
  expect(world.wrong).toEqual([]);
  expect(listSlots(world.path)).toEqual([]);
  for (const [chain, end] of ends) {
    const links = rows
      .filter((row) => row.chain === chain)
      .toSorted((left, right) => Number(left.seq) - Number(right.seq));
    expect(links.map(({ seq }) => seq)).toEqual(links.map((_, index) => index + 1));
    expect(links.length).toBe(end);
    let last = "";
    for (const row of links) expect(row.hash).toBe((last = linkTo(last, digestRow(row))));
  }
}

/** Two announcements of one turn, each in the place of the one before. */
const EXAMPLES: [Command[], Fault[]][] = [
  [
    [
      { type: "begin" },
      { type: "tick" },
      { type: "again", which: 0 },
      { type: "again", which: 0 },
      { type: "tick" },
      { type: "finish", which: 0 },
      { type: "tick" },
      { type: "retry" },
      { type: "tick" },
      { type: "begin" },
      { type: "tick" },
    ],
    [],
  ],
];

test.each([
  ["SQLite is the ledger", { isOutbox: false, isSynced: false }],
  ["SQLite is the ledger, and no file lies in memory", { isOutbox: false, isSynced: false, isFarOff: true }],
  ["SQLite is the ledger, and each write is synced", { isOutbox: false, isSynced: true }],
  ["SQLite is the way to PostgreSQL", { isOutbox: true, isSynced: false }],
])(
  "%s: what was acknowledged has exactly one row, every call that was made has one, the chain has no gap, and no intent is left",
  async (name, kind) => {
    let number = 0;
    const seen = { acknowledged: 0, called: 0, interrupted: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(command, { minLength: 20, maxLength: 60 }),
        fc.array(fault, { maxLength: 4 }),
        async (commands, faults) => {
          const path = join(folder, `${name.length}-${number++}.db`);
          copyFileSync(template, path);
          const world = makeWorld(path, kind);
          await play(world, commands, faults);
          check(world);
          seen.acknowledged += world.acknowledged.size;
          seen.called += world.called.size;
          seen.interrupted += read(world).rows.filter(({ errorKind }) => errorKind === "interrupted").length;
        },
      ),
      { numRuns: Number(process.env["TOKLIGENCE_SIMULATIONS"] ?? 80), examples: EXAMPLES },
    );
    // Runs in which nothing happens would prove nothing.
    expect(Math.min(seen.acknowledged, seen.called, seen.interrupted)).toBeGreaterThan(30);
  },
  120_000,
);
