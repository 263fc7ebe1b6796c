// Several holders of one budget on a real database, and whatever may happen to them in any order: what is spent and what runs stays within the
// limit and one reservation, nothing turns negative, nothing is lost, and in the end every count is the ledger's.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  type Budget,
  type Budgets,
  type CallFacts,
  type Reservation,
  createBudgets,
  createBudgetSums,
  makePlace,
} from "../../../src/ledger/index.ts";
import { openStore, type Store } from "../../../src/store/index.ts";
import { makeClock, type TestClock } from "../../rig.ts";
import { makeEntry } from "../entry.ts";
import { makeBudget } from "./sample.ts";

const HOLDERS = 3;
const LIMIT = 1_000;
const MOST = 150;
const RUNS = 30;

let folder = "";
let store: Store;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tokligence-test-"));
  const database = { maxConnections: 1, maxIdleMs: 1_000, maxLifetimeMs: 1_000 };
  store = await openStore({ identityPath: join(folder, "i.db"), ledgerPath: join(folder, "l.db"), database });
});

afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Running {
  holder: number;
  bound: number;
  reservation: Reservation;
}

/** One budget for one provider, of which there is only one in each run. */
class World {
  readonly clock: TestClock = makeClock();
  readonly gateways: Budgets[] = [];
  running: Running[] = [];
  looks: Promise<unknown>[] = [];
  spent = 0;
  private seq = 0;

  constructor(
    readonly budget: Budget,
    readonly facts: CallFacts,
  ) {}

  async begin(holder: number): Promise<void> {
    const budgets = createBudgets({
      store: store.budgets,
      holder: () => this.nameHolder(holder),
      flushRows: () => Promise.resolve(),
      clock: this.clock,
      whenUnreachable: () => "refuse",
      onAlert: () => undefined,
      onShadow: () => undefined,
      onError(error) {
        throw error;
      },
      onRecover: () => undefined,
    });
    await budgets.load();
    this.gateways[holder] = budgets;
  }

  async call(holder: number, bound: number): Promise<boolean> {
    try {
      const made = this.gateways[holder]?.reserve(this.facts, () => ({ costNanos: null, tokens: bound })) ?? null;
      const reservation = await this.finish(Promise.resolve(made));
      if (reservation === null) throw new Error("the budget was not found");
      this.running.push({ holder, bound, reservation });
      return true;
    } catch (error) {
      expect(error).toMatchObject({ kind: "quota_exceeded" });
      return false;
    }
  }

  async settle(index: number, part: number): Promise<void> {
    const call = this.take(index);
    if (call === undefined) return;
    const tokens = Math.floor(call.bound * part);
    const rowId = await this.write(call, tokens);
    call.reservation.settle({ costNanos: null, tokens, rowId });
  }

  /** A worker dies: its row comes from what it left, and nothing was booked. */
  async lose(index: number, part: number): Promise<void> {
    const call = this.take(index);
    if (call === undefined) return;
    call.reservation.settle({ costNanos: 0, tokens: 0 });
    await this.write(call, Math.floor(call.bound * part));
    this.reopen(call.holder);
  }

  /** Goes on beside what happens next. */
  reopen(holder: number): void {
    const gateway = this.gateways[holder];
    gateway?.reopen();
    this.looks.push(gateway?.look(this.budget, null) ?? Promise.resolve());
  }

  /** Without a word: what ran there never gets a row. */
  async crash(holder: number): Promise<void> {
    this.running = this.running.filter((call) => call.holder !== holder);
    await this.begin(holder);
  }

  async poll(holder: number): Promise<void> {
    await this.finish(this.gateways[holder]?.refresh() ?? Promise.resolve());
  }

  async report(): Promise<number[]> {
    const totals: number[] = [];
    for (const gateway of [...this.gateways, ...this.gateways]) {
      const account = await this.finish(gateway.look(this.budget, null));
      expect(account?.held).toBeGreaterThanOrEqual(0);
      expect(account?.waiting).toBe(0);
      totals.push((account?.spent ?? 0) + (account?.others.spent ?? 0));
    }
    return totals.slice(this.gateways.length);
  }

  /** Those who wait for each other wait by a clock that goes on. */
  async finish<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const watched = work.finally(() => {
      isDone = true;
    });
    watched.catch(() => undefined);
    while (!isDone) {
      await new Promise(setImmediate);
      if (!isDone) this.clock.advance(100);
    }
    return watched;
  }

  private take(index: number): Running | undefined {
    return this.running.splice(index % Math.max(1, this.running.length), 1)[0];
  }

  private async write(call: Running, tokens: number): Promise<string> {
    this.spent += tokens;
    const row = makeEntry({
      id: Bun.randomUUIDv7(),
      createdAt: new Date(this.facts.atMs),
      provider: this.facts.provider,
      freshInputTokens: 0,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: tokens,
      usageSource: "provider",
    });
    await store.ledger.append([
      { ...row, chain: this.nameHolder(call.holder), seq: ++this.seq, hash: "" } as typeof row,
    ]);
    return row.id;
  }

  outstanding(): number {
    return this.running.reduce((sum, { bound }) => sum + bound, 0);
  }

  private nameHolder(holder: number): string {
    return `${this.budget.id}-${holder}`;
  }
}

const holder = fc.nat(HOLDERS - 1);
const ended = { index: fc.nat(50), part: fc.double({ min: 0, max: 1, noNaN: true }) };
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ act: fc.constant("call" as const), holder, bound: fc.integer({ min: 1, max: MOST }) }),
  },
  { weight: 5, arbitrary: fc.record({ act: fc.constant("settle" as const), ...ended }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("lose" as const), ...ended }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("reopen" as const), holder }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("poll" as const), holder }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("crash" as const), holder }) },
);

test("whatever happens in whatever order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 100 }), async (steps) => {
      const provider = `provider-${Bun.randomUUIDv7()}`;
      const budget = makeBudget({ provider, hardLimit: LIMIT, period: "day" });
      const nowMs = makeClock().wallMs();
      const names = { modelAsked: "m", modelSent: "m" };
      const world = new World(budget, { userId: "u", apiKeyId: "k", tags: [], provider, ...names, atMs: nowMs });
      await store.budgets.create(budget);
      for (let index = 0; index < HOLDERS; index++) await world.begin(index);
      for (const each of steps) {
        if (each.act === "call") await world.call(each.holder, each.bound);
        else if (each.act === "settle") await world.settle(each.index, each.part);
        else if (each.act === "lose") await world.lose(each.index, each.part);
        else if (each.act === "reopen") world.reopen(each.holder);
        else if (each.act === "poll") await world.poll(each.holder);
        else await world.crash(each.holder);
        expect(world.spent + world.outstanding()).toBeLessThanOrEqual(LIMIT + MOST);
      }
      while (world.running.length > 0) await world.settle(0, 0.5);
      for (const look of world.looks) await world.finish(look);
      expect(await world.report()).toEqual(Array.from({ length: HOLDERS }, () => world.spent));
      const place = makePlace(budget, { startMs: 0, endMs: nowMs + 1 });
      const sums = await createBudgetSums(store.budgets).read(place);
      expect(sums.reduce((sum, { spent }) => sum + spent, 0)).toBe(world.spent);
      // Nothing is left lying where somebody needs it, and nothing is given that is not there.
      expect(await world.call(0, 1)).toBe(world.spent < LIMIT);
      for (const gateway of world.gateways) await world.finish(gateway.stop());
      await store.budgets.delete(budget.id, new Date(nowMs));
    }),
    { numRuns: RUNS },
  );
}, 120_000);
