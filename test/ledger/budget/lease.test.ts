// What becomes of grants whose holder is gone, and of holders that nobody answers.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Budget,
  type Budgets,
  type BudgetStore,
  type CallFacts,
  type Reservation,
  createBudgets,
} from "../../../src/ledger/index.ts";
import { openStore, type Store } from "../../../src/store/index.ts";
import { makeClock, type TestClock } from "../../rig.ts";
import { makeEntry } from "../entry.ts";
import { makeBudget, passTime } from "./sample.ts";

let folder = "";
let store: Store;
let clock: TestClock;
let faults: unknown[];
let isDown = false;
let policy: "allow" | "refuse" = "refuse";
/** The last refusal. */
let said = "";

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tokligence-test-"));
  const database = { maxConnections: 1, maxIdleMs: 1_000, maxLifetimeMs: 1_000 };
  store = await openStore({ identityPath: join(folder, "i.db"), ledgerPath: join(folder, "l.db"), database });
  clock = makeClock();
  faults = [];
  isDown = false;
  policy = "refuse";
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The real one, behind a line that can be cut. */
function behindLine(): BudgetStore {
  return new Proxy(store.budgets, {
    get(target, name, receiver) {
      const work: unknown = Reflect.get(target, name, receiver);
      if (typeof work !== "function") return work;
      return async (...given: unknown[]) => {
        if (isDown) throw new Error("the line is cut");
        return Reflect.apply(work, target, given);
      };
    },
  });
}

async function begin(holder: string, over: BudgetStore = store.budgets, its: TestClock = clock): Promise<Budgets> {
  const budgets = createBudgets({
    store: over,
    holder: () => holder,
    flushRows: () => Promise.resolve(),
    clock: its,
    whenUnreachable: () => policy,
    onAlert: () => undefined,
    onShadow: () => undefined,
    onError: (error) => void faults.push(error),
    onRecover: () => void faults.push("recovered"),
  });
  await budgets.load();
  budgets.start();
  return budgets;
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

async function call(budgets: Budgets, tokens: number): Promise<Reservation | string> {
  let answer: Reservation | string | null = null;
  const work = (async () => budgets.reserve(FACTS, () => ({ costNanos: null, tokens })))();
  work.then(
    (made) => {
      answer = made ?? "no budget";
    },
    (error: { code: string; message: string }) => {
      answer = error.code;
      said = error.message;
    },
  );
  while (answer === null) await passTime(clock, 50);
  return answer;
}

async function makeOne(change: Partial<Budget> = {}): Promise<Budget> {
  const budget = makeBudget({ hardLimit: 1_000, ...change });
  await store.budgets.create(budget);
  return budget;
}

async function bookFor(holder: string, tokens: number): Promise<void> {
  const row = makeEntry({ createdAt: new Date(FACTS.atMs), freshInputTokens: tokens, outputTokens: 0 });
  await store.ledger.append([{ ...row, chain: holder, seq: 1, hash: "" } as typeof row]);
}

test("what a holder had that never came back is free once its lease is over, but for what its rows say", async () => {
  await makeOne();
  // Whose clock stands still is dead.
  const first = await begin("first", store.budgets, makeClock());
  expect(await call(first, 400)).toBeObject();
  // One row was written, another call had none yet.
  await bookFor("first", 150);
  const second = await begin("second");
  await passTime(clock, 2_000);
  expect(await call(second, 400)).toBe("insufficient_quota");
  // The first has not told yet what it did. Who reads that enough is left is told why it is not to be had.
  expect(said).toContain("has 1000 tokens left. Other gateways keep 1000 tokens of that for calls of their own");
  await passTime(clock, 70_000);
  expect(await call(second, 400)).toBeObject();
  expect(await call(second, 400)).toBeObject();
  expect(await call(second, 50)).toBeObject();
  // 150 + 400 + 400 + 50 are all there is.
  expect(await call(second, 1)).toBe("insufficient_quota");
});

test("while the database is away a holder goes on with what it has, and then with what the operator said", async () => {
  await makeOne();
  const first = await begin("first");
  const second = await begin("second", behindLine());
  expect(await call(second, 100)).toBeObject();
  isDown = true;
  const had = await store.budgets.listHeldBy("second");
  expect(had).toHaveLength(1);
  expect(await call(second, 50)).toBeObject();
  expect(await call(second, 900)).toBe("budget_unreachable");
  expect(faults).toHaveLength(1);
  policy = "allow";
  const beyond = await call(second, 900);
  expect(beyond).toBeObject();
  if (typeof beyond === "object") beyond.settle({ costNanos: null, tokens: 900 });
  isDown = false;
  await passTime(clock, 3_000);
  expect(faults.at(-1)).toBe("recovered");
  // What went beyond is on the count.
  expect(await call(first, 100)).toBe("insufficient_quota");
});

test("where the database is away from the start, what passes is what the operator said, until it is there", async () => {
  await makeOne({ hardLimit: 100 });
  isDown = true;
  const late = await begin("late", behindLine());
  expect(await call(late, 10)).toBe("budget_unreachable");
  policy = "allow";
  expect(await call(late, 10)).toBe("no budget");
  isDown = false;
  await passTime(clock, 1_000);
  expect(await call(late, 100)).toBeObject();
  expect(await call(late, 10)).toBe("insufficient_quota");
});

test("after a minute of silence it no longer counts on what others may have by then", async () => {
  await makeOne();
  const only = await begin("only", behindLine());
  expect(await call(only, 100)).toBeObject();
  isDown = true;
  await passTime(clock, 30_000);
  expect(await call(only, 100)).toBeObject();
  await passTime(clock, 30_000);
  expect(await call(only, 100)).toBe("budget_unreachable");
  isDown = false;
  await passTime(clock, 1_000);
  expect(await call(only, 100)).toBeObject();
});

test("a call whose account alone is held up in the database is told so, and not kept, nor told that nothing is left", async () => {
  await makeOne();
  let isHeldUp = false;
  const claim: BudgetStore["claim"] = (...asked) =>
    isHeldUp ? new Promise(() => undefined) : store.budgets.claim(...asked);
  const only = await begin("only", { ...store.budgets, claim });
  isHeldUp = true;
  const startedMs = clock.monotonicMs();
  expect(await call(only, 5_000)).toBe("budget_unreachable");
  expect(clock.monotonicMs() - startedMs).toBeLessThan(60_000);
});

test("a process that had no time for answers asks once more, and does not take the database for gone", async () => {
  await makeOne();
  let isHeldUp = false;
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  const slow = new Proxy(store.budgets, {
    get:
      (target, name, receiver) =>
      async (...given: unknown[]) => {
        if (isHeldUp) await answered;
        return Reflect.apply(Reflect.get(target, name, receiver), target, given);
      },
  });
  const { after } = clock;
  const late: TestClock = { ...clock, after: (ms, act) => after(isHeldUp ? ms + 3_000 : ms, act) };
  const only = await begin("only", slow, late);
  expect(await call(only, 900)).toBeObject();
  isHeldUp = true;
  after(6_000, answer);
  expect(await call(only, 200)).toBeObject();
  expect(faults).toEqual([]);
});

test("while one account is held up in the database, what others change holds, and all other accounts are told of", async () => {
  const first = await makeOne({ model: "m" });
  let isHeldUp = false;
  const claim: BudgetStore["claim"] = (place, ...asked) =>
    isHeldUp && place.budget.id === first.id ? new Promise(() => undefined) : store.budgets.claim(place, ...asked);
  const only = await begin("only", { ...store.budgets, claim });
  await passTime(clock, 3_000);
  const made = await call(only, 100);
  isHeldUp = true;
  // It is to be told of from here on.
  await passTime(clock, 3_000);
  const second = await makeOne({ hardLimit: 500 });
  await passTime(clock, 1_000);
  expect(await call(only, 100)).toBeObject();
  expect(await call(only, 5_000)).toBe("budget_unreachable");
  if (typeof made === "object") made.settle({ costNanos: null, tokens: 70 });
  await passTime(clock, 5_000);
  const window = { startMs: 0, endMs: Number.POSITIVE_INFINITY };
  expect(await store.budgets.readGrants({ budget: second, window })).toMatchObject([{ spent: 70, held: 100 }]);
});

test("a holder that comes back under its name finds its count, and no reservation of its former life", async () => {
  const budget = await makeOne();
  const first = await begin("only");
  expect(await call(first, 900)).toBeObject();
  await bookFor("only", 30);
  const again = await begin("only");
  const account = await again.look(budget, null);
  expect(account).toMatchObject({ spent: 30, held: 0 });
  expect(await call(again, 970)).toBeObject();
  expect(await call(again, 1)).toBe("insufficient_quota");
});

test("a clock that jumps a month ahead and back neither loses a window nor makes the old one new", async () => {
  const budget = await makeOne({ period: "day", hardLimit: 100 });
  const budgets = await begin("only");
  const first = await call(budgets, 100);
  if (typeof first === "object") first.settle({ costNanos: null, tokens: 100 });
  await bookFor("only", 100);
  const later = { ...FACTS, atMs: FACTS.atMs + 40 * 86_400_000 };
  expect(await budgets.reserve(later, () => ({ costNanos: null, tokens: 100 }))).toBeObject();
  await passTime(clock, 3_000);
  expect(await call(budgets, 1)).toBe("insufficient_quota");
  expect(await budgets.look(budget, null)).toMatchObject({ spent: 100 });
});

test("what lies idle with a holder that is at work is handed to one that cannot go on without it", async () => {
  await makeOne();
  const first = await begin("first");
  expect(await call(first, 100)).toBeObject();
  const second = await begin("second");
  expect(await call(first, 100)).toBeObject();
  expect(await call(second, 300)).toBeObject();
  // Nor is it handed on once nobody needs it any more.
  await passTime(clock, 3_000);
  expect(await store.budgets.listWanted("first")).toEqual([]);
});

test("a limit that is lowered holds for all holders together", async () => {
  const budget = await makeOne();
  const first = await begin("first");
  const second = await begin("second");
  const made = await call(first, 100);
  if (typeof made === "object") made.settle({ costNanos: null, tokens: 100 });
  // What lies idle with one falls to the other.
  await passTime(clock, 10_000);
  expect(await call(second, 100)).toBeObject();
  await store.budgets.update(budget.id, { hardLimit: 300 }, new Date(clock.wallMs()));
  await passTime(clock, 1_000);
  expect(await call(second, 100)).toBeObject();
  for (const each of [first, second]) expect(await call(each, 1)).toBe("insufficient_quota");
});
