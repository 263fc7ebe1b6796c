// The writer, the file and the delivery to PostgreSQL as they are, on a world that breaks at any step: a statement that fails before or after it ran,
// a process that ends there, a disk that is full, a database that loses its answers. Seeded, so that what was found can be run again.

import { Database, type Statement } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  closeAbandoned,
  createLedgerWriter,
  digestRow,
  type LedgerWriter,
  linkTo,
  type SealedEntry,
  type Ticket,
} from "../../src/ledger/index.ts";
import { type Chest, createShipper, type Shipment } from "../../src/store/journal.ts";
import { boundOutbox } from "../../src/store/outbox.ts";
import { openSqlite } from "../../src/store/sqlite/open.ts";
import { openJournal } from "../../src/store/sqlite/journal.ts";
import { makeEntry } from "../ledger/entry.ts";

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

/** What goes wrong at the n-th step from now on. */
interface Fault {
  at: number;
  how: "crash after" | "crash before" | "fail after" | "fail before";
}

/** Counts the steps of one process, each statement one, and breaks at those that are named. */
function makeBreaker(faults: readonly Fault[]) {
  let step = 0;
  const state = { isDead: false, isArmed: false, isFull: false };
  const die = (): never => {
    state.isDead = true;
    throw new Error("the process is gone");
  };
  const take = <T>(text: string, work: () => T): T => {
    if (!state.isArmed) return work();
    if (state.isDead) throw new Error("the process is gone");
    if (state.isFull && text.startsWith("insert")) throw Object.assign(new Error("full"), { code: "SQLITE_FULL" });
    const how = faults.find(({ at }) => at === step)?.how;
    step++;
    const broken = (): never => {
      throw Object.assign(new Error("disk I/O error"), { code: "SQLITE_IOERR_WRITE" });
    };
    if (how === "fail before") broken();
    if (how === "crash before") die();
    const result = work();
    if (how === "fail after") broken();
    if (how === "crash after") die();
    return result;
  };
  return { state, take };
}

type Breaker = ReturnType<typeof makeBreaker>;

/** A connection each of whose writing statements is a step. */
function breakable(db: Database, { take }: Breaker): Database {
  const wrap = (statement: Statement, text: string): Statement =>
    new Proxy(statement, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        const call = (...values: unknown[]): unknown => Reflect.apply(member, target, values);
        if (!["run", "values", "all", "get"].includes(String(name)) || /^\s*(select|pragma)/iu.test(text)) return call;
        return (...values: unknown[]) => take(text, () => call(...values));
      },
    });
  return new Proxy(db, {
    get(target, name) {
      if (name === "prepare") return (text: string) => wrap(target.prepare(text), text);
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

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
        rows.set(row.id, row);
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
  { weight: 2, arbitrary: fc.constant<Command>({ type: "retry" }) },
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
  at: fc.nat(60),
  how: fc.constantFrom("fail before", "fail after", "crash before", "crash after"),
});

interface Running {
  id: string;
  ticket: Ticket;
}

/** Everything that outlives a process, and what clients and providers saw. */
function makeWorld(path: string, isOutbox: boolean) {
  return {
    path,
    isOutbox,
    server: makeServer(),
    /** Ids of calls that a provider received. */
    called: new Set<string>(),
    /** Ids of rows that were said to be durable. */
    acknowledged: new Set<string>(),
    given: 0,
  };
}

type World = ReturnType<typeof makeWorld>;

function startProcess(world: World, faults: readonly Fault[]) {
  const breaker = makeBreaker(faults);
  const ticks: (() => void)[] = [];
  const timers: (() => void)[] = [];
  let running: Running[] = [];
  let delivery: Extract<Command, { type: "deliver" }>["how"] = "ok";
  const chest: Chest = openJournal({
    location: world.path,
    durability: "process",
    key: { id: "key-of-the-simulation", publicKey: "" },
    findHead: () => null,
    now: new Date(0),
    reserveBytes: 4096,
    connect: (location) => breakable(new Database(location, { create: false, readwrite: true }), breaker),
  });
  const outbox = boundOutbox(chest, { maxBytes: 2 ** 30, whenFull: "refuse" });
  const shipper = createShipper({
    chest: outbox,
    async deliver(shipment) {
      if (delivery === "refused") throw new Error("the database is down");
      world.server.take(shipment);
      if (delivery === "answer lost") throw new Error("the connection broke");
      if (delivery === "crash before drop") breaker.state.isDead = true;
    },
    after: (_delay, action) => {
      timers.push(action);
      return () => undefined;
    },
    onFault: () => undefined,
    onRecovery: () => undefined,
  });
  const writer: LedgerWriter = createLedgerWriter({
    journal: outbox,
    schedule: (action) => void ticks.push(action),
    after: (_delay, action) => void timers.push(action),
    nowMs: () => 0,
    onFault: () => undefined,
    onRecovery: () => undefined,
    onDuplicate: () => undefined,
  });
  breaker.state.isArmed = true;
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
    recover: () => closeAbandoned(chest.abandoned, writer).catch(() => undefined),
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
      shipper.nudge();
      await run([]);
      delivery = "ok";
    },
    /** As the system does it for a process that is gone: locks and open transactions with it. */
    end(): void {
      breaker.state.isArmed = false;
      chest.close();
    },
  };
}

async function play(world: World, commands: readonly Command[], faults: readonly Fault[]): Promise<void> {
  let process = startProcess(world, faults);
  void process.recover();
  const restart = (next: readonly Fault[]): void => {
    process.end();
    process = startProcess(world, next);
    void process.recover();
  };
  for (const step of commands) {
    // The next process has faults, too, until the last one.
    if (!process.isAlive() || step.type === "restart") restart(faults.slice(1));
    if (step.type === "begin") process.begin();
    if (step.type === "finish") process.finish(step.which);
    if (step.type === "again") process.again(step.which);
    if (step.type === "disk") process.breaker.state.isFull = step.isFull;
    if (step.type === "tick") await process.tick();
    if (step.type === "retry") await process.retry();
    if (step.type === "deliver") await process.deliver(step.how);
  }
  restart([]);
  await process.tick();
  await process.writer.drain();
  await process.deliver("ok");
  process.end();
}

/** What a reader finds in the end. */
function read(world: World): { rows: SealedEntry[]; intents: number; ends: Map<string, number> } {
  const db = new Database(world.path, { readonly: true });
  const intents = db.query<{ count: number }, []>("select count(*) as count from ledger_intents").get()?.count ?? -1;
  const ends = db.query<{ chain: string; seq: number }, []>("select chain, seq from ledger_chains").all();
  db.close();
  if (world.isOutbox) return { rows: [...world.server.rows.values()], intents, ends: world.server.chains };
  const journal = openJournal({
    location: world.path,
    durability: "process",
    key: { id: "reader", publicKey: "" },
    findHead: () => null,
    now: new Date(1),
  });
  const rows = journal.take(10_000).entries;
  journal.close();
  return { rows, intents, ends: new Map(ends.map(({ chain, seq }) => [chain, seq])) };
}

function check(world: World): void {
  const { rows, intents, ends } = read(world);
  const ids = rows.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...world.acknowledged].filter((id) => !ids.includes(id))).toEqual([]);
  expect([...world.called].filter((id) => !ids.includes(id))).toEqual([]);
  expect(intents).toBe(0);
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

test.each([
  ["SQLite is the ledger", false],
  ["SQLite is the way to PostgreSQL", true],
])(
  "%s: what was acknowledged has exactly one row, every call that was made has one, the chain has no gap, and no intent is left",
  async (_name, isOutbox) => {
    let number = 0;
    const seen = { acknowledged: 0, called: 0, interrupted: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(command, { minLength: 20, maxLength: 60 }),
        fc.array(fault, { maxLength: 4 }),
        async (commands, faults) => {
          const path = join(folder, `${isOutbox}-${number++}.db`);
          copyFileSync(template, path);
          const world = makeWorld(path, isOutbox);
          await play(world, commands, faults);
          check(world);
          seen.acknowledged += world.acknowledged.size;
          seen.called += world.called.size;
          seen.interrupted += read(world).rows.filter(({ errorKind }) => errorKind === "interrupted").length;
        },
      ),
      { numRuns: Number(process.env["TOKLIGENCE_SIMULATIONS"] ?? 150) },
    );
    // Runs in which nothing happens would prove nothing.
    expect(Math.min(seen.acknowledged, seen.called, seen.interrupted)).toBeGreaterThan(30);
  },
  60_000,
);
