// What holds while the ledger is read for a budget, which may take long: calls and rows of that time count, others are served and know that we live.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Budget,
  type Budgets,
  type BudgetStore,
  type CallFacts,
  createBudgets,
  type LedgerEntry,
} from "../../../src/ledger/index.ts";
import { openStore, type Store } from "../../../src/store/index.ts";
import { makeClock, type TestClock } from "../../rig.ts";
import { makeEntry } from "../entry.ts";
import { makeBudget, passTime } from "./sample.ts";

let folder = "";
let store: Store;
let clock: TestClock;
let faults: unknown[];
/** Readings stop behind what they have read, until it is opened. */
let gate: PromiseWithResolvers<void> | null = null;
/** Whether readings were of all that there is. */
let wholes: boolean[] = [];
/** So do words with the others. */
let toll: PromiseWithResolvers<void> | null = null;
/** What happens while rows are on their way. */
let meanwhile: (() => Promise<void>) | null = null;
const running: Budgets[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tokligence-test-"));
  const database = { maxConnections: 1, maxIdleMs: 1_000, maxLifetimeMs: 1_000 };
  store = await openStore({ identityPath: join(folder, "i.db"), ledgerPath: join(folder, "l.db"), database });
  clock = makeClock();
  faults = [];
  gate = null;
  wholes = [];
});

afterEach(async () => {
  openGate();
  for (const budgets of running.splice(0)) await budgets.stop();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

function openGate(): void {
  gate?.resolve();
  gate = null;
}

function closeGate(): void {
  gate = Promise.withResolvers();
}

/** The real one, that reads as slowly as it is told. */
function slow(): BudgetStore {
  return {
    ...store.budgets,
    async readSums(...asked) {
      const reading = await store.budgets.readSums(...asked);
      wholes.push(reading.isWhole);
      await gate?.promise;
      return reading;
    },
    async claim(...asked) {
      const grant = await store.budgets.claim(...asked);
      await toll?.promise;
      return grant;
    },
  };
}

function make(holder: string, over: BudgetStore = store.budgets): Budgets {
  const budgets = createBudgets({
    store: over,
    holder: () => holder,
    flushRows: async () => {
      const happens = meanwhile;
      meanwhile = null;
      await happens?.();
    },
    clock,
    whenUnreachable: () => "allow",
    onAlert: () => undefined,
    onShadow: () => undefined,
    onError: (error) => void faults.push(error),
    onRecover: () => void faults.push("recovered"),
  });
  running.push(budgets);
  return budgets;
}

async function begin(holder: string, over?: BudgetStore): Promise<Budgets> {
  const budgets = make(holder, over);
  await whilePassing(budgets.load());
  budgets.start();
  return budgets;
}

/** Time goes on until it is done: a minute at most. */
async function whilePassing<T>(work: Promise<T> | T): Promise<T> {
  let isDone = false;
  const own = Promise.resolve(work).finally(() => {
    isDone = true;
  });
  own.catch(() => undefined);
  for (let step = 0; step < 240 && !isDone; step++) await passTime(clock, 250);
  if (!isDone) throw new Error("It is not done after a minute.");
  return own;
}

const FACTS: CallFacts = {
  userId: "u",
  apiKeyId: "k",
  tags: [],
  provider: "p",
  modelAsked: "m",
  modelSent: "m",
  atMs: makeClock().wallMs(),
};
const OTHER = { ...FACTS, modelAsked: "other", modelSent: "other" };

const tokens = (count: number) => ({ costNanos: null, tokens: count });

async function book(chain: string, seq: number, change: Partial<LedgerEntry>): Promise<void> {
  const row = makeEntry({ createdAt: new Date(FACTS.atMs), outputTokens: 0, modelAsked: "m", ...change });
  await store.ledger.append([{ ...row, chain, seq, hash: "" } as typeof row]);
}

async function makeOne(change: Partial<Budget> = {}): Promise<Budget> {
  const budget = makeBudget({ hardLimit: 1_000, ...change });
  await store.budgets.create(budget);
  return budget;
}

async function countAll(budgets: Budgets, budget: Budget): Promise<number> {
  const account = await whilePassing(budgets.look(budget, null));
  return (account?.spent ?? 0) + (account?.others.spent ?? 0);
}

test("a call that began before there was a budget counts, although it ends while its past is read", async () => {
  const budgets = await begin("only", slow());
  closeGate();
  const budget = await makeOne();
  await passTime(clock, 500);
  // No budget was there when it began, and its row is not among those that are read.
  budgets.book(FACTS, tokens(70));
  await book("only", 1, { freshInputTokens: 70 });
  openGate();
  await passTime(clock, 500);
  expect(await countAll(budgets, budget)).toBe(70);
});

test("a gateway begins, and serves what no budget concerns, while the past of one is read; what it concerns waits", async () => {
  await makeOne({ model: "m" });
  await book("only", 1, { freshInputTokens: 400 });
  closeGate();
  const budgets = await begin("only", slow());
  expect(budgets.reserve(OTHER, () => tokens(10))).toBeNull();
  const waiting = Promise.resolve(budgets.reserve(FACTS, () => tokens(500)));
  let isServed = false;
  void waiting.then(() => {
    isServed = true;
  });
  await passTime(clock, 20_000);
  expect(isServed).toBe(false);
  openGate();
  expect(await whilePassing(waiting)).toBeObject();
  await expect(whilePassing(budgets.reserve(FACTS, () => tokens(600)))).resolves.toBeObject();
  await passTime(clock, 500);
  await expect(whilePassing(budgets.reserve(FACTS, () => tokens(1)))).rejects.toMatchObject({ kind: "quota_exceeded" });
  await passTime(clock, 3_000);
  expect(faults).toEqual([]);
});

test("others count on us, and we on them, however long we read", async () => {
  const first = await makeOne();
  const budgets = await begin("reader", slow());
  const other = await begin("other");
  expect(await whilePassing(budgets.reserve(FACTS, () => tokens(400)))).toBeObject();
  expect(await whilePassing(other.reserve(FACTS, () => tokens(300)))).toBeObject();
  await passTime(clock, 3_000);
  closeGate();
  // Of what was granted already nothing is to be asked for.
  await makeOne({ model: "other" });
  await passTime(clock, 90_000);
  openGate();
  await passTime(clock, 5_000);
  // Neither reservation is free for anybody: 300 are left.
  expect(
    await store.budgets.readGrants({ budget: first, window: { startMs: 0, endMs: Number.POSITIVE_INFINITY } }),
  ).toSatisfy((lines) => lines.reduce((sum, { held }) => sum + held, 0) === 700);
  expect(faults).toEqual([]);
});

test("what a command writes while an account is read for the first time counts at once", async () => {
  const budget = await makeOne({ userId: "u" });
  const budgets = await begin("only", slow());
  closeGate();
  const waiting = Promise.resolve(budgets.reserve(FACTS, () => tokens(100)));
  await passTime(clock, 500);
  await book("command", 1, { userId: "u", freshInputTokens: 950 });
  await store.budgets.noteRows("command");
  await passTime(clock, 1_000);
  openGate();
  expect(await whilePassing(waiting)).toBeObject();
  await passTime(clock, 1_000);
  const account = await whilePassing(budgets.look(budget, FACTS));
  expect(account?.others.spent).toBe(950);
});

test("what others wrote for us while an account is read for the first time counts", async () => {
  const budget = await makeOne({ each: "user" });
  const budgets = await begin("only", slow());
  closeGate();
  const waiting = Promise.resolve(budgets.reserve(FACTS, () => tokens(10)));
  await passTime(clock, 500);
  await book("only", 1, { userId: "u", freshInputTokens: 150 });
  budgets.reopen();
  openGate();
  expect(await whilePassing(waiting)).toBeObject();
  expect(await whilePassing(budgets.look(budget, FACTS))).toMatchObject({ spent: 150, held: 10 });
});

test("a call that comes while an account is put away that nobody used is counted with those that come later", async () => {
  const budget = await makeOne({ each: "user" });
  const budgets = await begin("only", slow());
  const first = await whilePassing(budgets.reserve(FACTS, () => tokens(100)));
  first?.settle(tokens(100));
  await book("only", 1, { userId: "u", freshInputTokens: 100 });
  await passTime(clock, 9 * 60_000);
  toll = Promise.withResolvers();
  // It is being put away from here on.
  await passTime(clock, 2 * 60_000);
  const late = Promise.resolve(budgets.reserve(FACTS, () => tokens(300)));
  toll.resolve();
  toll = null;
  const held = await whilePassing(late);
  await passTime(clock, 1_000);
  expect(await whilePassing(budgets.look(budget, FACTS))).toMatchObject({ spent: 100, held: 300 });
  held?.settle(tokens(300));
  expect(await whilePassing(budgets.look(budget, FACTS))).toMatchObject({ spent: 400, held: 0 });
});

test("an account that is read for long is not put away meanwhile", async () => {
  const budget = await makeOne({ each: "user" });
  const budgets = await begin("only", slow());
  await whilePassing(budgets.reserve({ ...FACTS, userId: "other" }, () => tokens(1)));
  closeGate();
  const first = Promise.resolve(budgets.reserve(FACTS, () => tokens(600)));
  await passTime(clock, 5_000);
  openGate();
  expect(await whilePassing(first)).toBeObject();
  expect(await whilePassing(budgets.look(budget, FACTS))).toMatchObject({ held: 600 });
  const second = await whilePassing(budgets.reserve(FACTS, () => tokens(600)));
  expect(second).toBeObject();
  await expect(whilePassing(budgets.reserve(FACTS, () => tokens(1)))).rejects.toMatchObject({ kind: "quota_exceeded" });
  await passTime(clock, 3_000);
});

test("a call that ends just before its account is read counts once, although its row is there already", async () => {
  const budget = await makeOne({ hardLimit: null, softLimit: 1_000, each: "user" });
  const budgets = await begin("only");
  // Nobody waits for one that only watches.
  const first = await budgets.reserve(FACTS, () => tokens(100));
  meanwhile = async () => {
    first?.settle(tokens(70));
    await book("only", 1, { userId: "u", freshInputTokens: 70 });
  };
  await passTime(clock, 500);
  expect(meanwhile).toBeNull();
  expect(await whilePassing(budgets.look(budget, FACTS))).toMatchObject({ spent: 70, held: 0 });
});

test("who comes after a quiet time does not wait until all is read once more", async () => {
  await makeOne({ each: "user" });
  const budgets = await begin("only", slow());
  expect(wholes).toEqual([true]);
  await passTime(clock, 45 * 60_000);
  expect(await whilePassing(budgets.reserve(FACTS, () => tokens(1)))).toBeObject();
  expect(wholes).toEqual([true, false]);
});

test("rows of no chain, of which a migration may have brought many, are read a piece at a time", async () => {
  const rows = Array.from({ length: 12_000 }, () => makeEntry({ freshInputTokens: 0, outputTokens: 1 }));
  await store.ledger.append(rows);
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const [scope, owners] = [
    { provider: null, tag: null },
    { user: false, key: false },
  ];
  const query = { window: { startMs: 0, endMs: Infinity }, scope, models: false, owners, isRestApart: false };
  const { groups } = await store.budgets.readSums(query, null);
  isOver = true;
  expect(groups.map((group) => group.tokens)).toEqual([12_000]);
  expect(turns).toBeGreaterThan(3);
});
