// What a budget counts when it is first looked at: all that was spent in its window, once, whatever is gone of the rows and whatever ends meanwhile.
// Part of the contract.

import { describe, expect, test } from "bun:test";
import { type Budget, type BudgetStore, type Budgets, createBudgets, sumRemains } from "../../src/ledger/index.ts";
import { makeBudget } from "../ledger/budget/sample.ts";
import { makeClock } from "../rig.ts";
import { makeEntry, open, type Place } from "./sample.ts";

const DAY_MS = 24 * 3_600_000;

export function describeBudgetBeginnings(place: Place): void {
  describe("what budgets counted", () => {
    const TOKENS = { freshInputTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0 };

    test("is still counted once its rows are gone and gateways start anew, whoever they are", async () => {
      const own = await open(await place.create());
      const nowMs = makeClock().wallMs();
      const window = { startMs: nowMs - 20 * DAY_MS, endMs: nowMs + DAY_MS };
      const write = async (chain: string, count: number, seq: number, atMs: number): Promise<void> =>
        own.ledger.append(
          Array.from({ length: count }, (_, index) =>
            makeEntry({
              ...TOKENS,
              chain,
              seq: seq + index,
              hash: "",
              createdAt: new Date(atMs + index),
              id: idAt(atMs),
            }),
          ),
        );
      // Of a and b each some that go and some that stay; of c all go.
      await write("a", 40, 1, window.startMs + DAY_MS);
      await write("b", 30, 1, window.startMs + DAY_MS);
      await write("c", 3, 1, window.startMs + DAY_MS);
      await write("a", 4, 41, nowMs - DAY_MS);
      await write("b", 6, 31, nowMs - DAY_MS);
      const budget = makeBudget({ each: "user", period: "lifetime", hardLimit: 100_000 });
      await own.budgets.create(budget);
      const whom = { userId: "user-1", apiKeyId: "key-1" };
      const begin = (holder: string): Promise<Budgets> => beginOver(own.budgets, holder);
      const look = async (budgets: Budgets, asked = budget): Promise<number> => {
        const account = await budgets.look(asked, whom);
        return (account?.spent ?? 0) + (account?.others.spent ?? 0);
      };
      const total = 83 * 5;
      const first = [await begin("a"), await begin("b")];
      for (const budgets of first) expect(await look(budgets)).toBe(total);
      while ((await own.ledger.rollUp(1_000)).rows > 0);
      const cuts = await own.ledger.findCuts(new Date(nowMs - 2 * DAY_MS));
      for (const cut of cuts) while ((await own.ledger.dropRows(cut, 100, sumRemains)) > 0);
      for (const budgets of first) await budgets.stop();
      const late = makeBudget({ each: "key", period: "lifetime", hardLimit: 100_000 });
      await own.budgets.create(late);
      for (const holder of ["b", "a", "new", "a"]) {
        const budgets = await begin(holder);
        for (const asked of [budget, late])
          expect([holder, asked.each, await look(budgets, asked)]).toEqual([holder, asked.each, total]);
        await budgets.stop();
      }
      await own.close();
    }, 60_000);

    test("is counted once where a budget is made when rows were gone, whichever chain becomes the longest", async () => {
      const own = await open(await place.create());
      const nowMs = makeClock().wallMs();
      const written = new Map<string, number>();
      let total = 0;
      const write = async (chain: string, count: number, atMs: number): Promise<void> => {
        const from = written.get(chain) ?? 0;
        const rows = Array.from({ length: count }, (_, index) =>
          makeEntry({
            ...TOKENS,
            chain,
            seq: from + index + 1,
            hash: "",
            createdAt: new Date(atMs + index),
            id: idAt(atMs),
          }),
        );
        await own.ledger.append(rows);
        written.set(chain, from + count);
        total += count * 5;
      };
      const drop = async (): Promise<void> => {
        while ((await own.ledger.rollUp(1_000)).chain !== undefined);
        for (const cut of await own.ledger.findCuts(new Date(nowMs - 2 * DAY_MS)))
          while ((await own.ledger.dropRows(cut, 100, sumRemains)) > 0);
      };
      await write("a", 40, nowMs - 19 * DAY_MS);
      await write("b", 30, nowMs - 18 * DAY_MS);
      await write("b", 6, nowMs - DAY_MS);
      await drop();
      const budgets: Budget[] = [];
      for (const change of [
        {},
        { each: "key" },
        { userId: "user-1" },
        { provider: "openai" },
      ] satisfies Partial<Budget>[])
        budgets.push(await own.budgets.create(makeBudget({ ...change, hardLimit: 100_000 })));
      const countAs = async (holder: string): Promise<void> => {
        const begun = await beginOver(own.budgets, holder);
        for (const budget of budgets) {
          const account = await begun.look(budget, { userId: "user-1", apiKeyId: "key-1" });
          const spent = (account?.spent ?? 0) + (account?.others.spent ?? 0);
          expect([holder, budget.each ?? budget.provider, spent]).toEqual([
            holder,
            budget.each ?? budget.provider,
            total,
          ]);
        }
        await begun.stop();
      };
      await countAs("b");
      await write("a", 20, nowMs - DAY_MS);
      for (const holder of ["a", "b", "a"]) await countAs(holder);
      // What goes when they are there already, they know.
      await write("c", 90, nowMs - 17 * DAY_MS);
      await drop();
      await write("c", 50, nowMs - DAY_MS);
      for (const holder of ["b", "c", "new", "a"]) await countAs(holder);
      await own.close();
    }, 60_000);

    test("knows of rows that go in the very moment in which a budget is made, or says that it does not", async () => {
      const own = await open(await place.create());
      const nowMs = makeClock().wallMs();
      await own.ledger.append(
        Array.from({ length: 30 }, (_, index) => {
          const createdAt = new Date(index < 28 ? nowMs - 5 * DAY_MS : nowMs - DAY_MS);
          return makeEntry({ ...TOKENS, chain: "a", seq: index + 1, hash: "", createdAt });
        }),
      );
      while ((await own.ledger.rollUp(1_000)).chain !== undefined);
      await own.budgets.create(makeBudget());
      const drafts = Array.from({ length: 3 }, () => makeBudget({ model: "gpt-*" }));
      const making: Promise<Budget>[] = [];
      const findCuts = () => own.ledger.findCuts(new Date(nowMs - 2 * DAY_MS));
      for (let turn = 0; turn < 10; turn++)
        for (const cut of await findCuts())
          await own.ledger.dropRows(cut, 7, (...asked) => {
            const draft = drafts.pop();
            if (draft !== undefined) making.push(own.budgets.create(draft));
            return sumRemains(...asked);
          });
      expect(await findCuts()).toEqual([]);
      const budgets = await Promise.all(making);
      expect(budgets).toHaveLength(3);
      for (const budget of budgets) {
        const begun = await beginOver(own.budgets, "a");
        const account = await begun.look(budget, null);
        // Whichever of the two was first.
        if (budget.removedBefore === null) expect(account?.spent).toBe(30 * 5);
        else expect(budget.removedBefore).toEqual(new Date(nowMs - 2 * DAY_MS));
        await begun.stop();
      }
      await own.close();
    }, 60_000);

    test("is known before the first of many users and keys calls", async () => {
      const own = await open(await place.create());
      for (const change of [
        { each: "user" },
        { userId: "u1" },
        { userId: "u2", unit: "usd" },
      ] satisfies Partial<Budget>[])
        await own.budgets.create(makeBudget({ ...change, hardLimit: 100_000 }));
      await own.ledger.append(
        Array.from({ length: 9 }, (_, index) =>
          makeEntry({ ...TOKENS, userId: `u${index % 3}`, chain: "c", seq: index + 1, hash: "" }),
        ),
      );
      const asked: boolean[] = [];
      const watched: BudgetStore = {
        ...own.budgets,
        readSums(query, since) {
          asked.push(since === null);
          return own.budgets.readSums(query, since);
        },
      };
      const budgets = await beginOver(watched, "c");
      expect(asked).toEqual([true]);
      for (const budget of budgets.list()) {
        const account = await budgets.look(budget, { userId: "u1", apiKeyId: "k" });
        expect(account?.spent).toBe(budget.unit === "usd" ? 3_000 : 15);
      }
      expect(asked).toEqual([true, false, false, false]);
      await budgets.stop();
      await own.close();
    });

    test("has each call once of those that end all the time while it is read", async () => {
      const own = await open(await place.create());
      for (const unit of ["tokens", "usd"] as const)
        await own.budgets.create(makeBudget({ hardLimit: null, softLimit: 1_000_000, unit }));
      const { wallMs } = makeClock();
      const facts = { userId: "u", apiKeyId: "k", tags: [], provider: "p", modelAsked: "m", modelSent: "m" };
      const budgets = make(
        {
          ...own.budgets,
          // Of what ends before it is read the row is there already, of what ends behind it not yet.
          async readSums(...asked) {
            await end();
            const reading = await own.budgets.readSums(...asked);
            await end();
            return reading;
          },
        },
        "c",
      );
      const costs: (number | null)[] = [];
      const end = async (): Promise<void> => {
        const costNanos = costs.length % 3 === 0 ? null : 1_000;
        costs.push(costNanos);
        const sealed = { chain: "c", seq: costs.length, hash: "" };
        const row = makeEntry({ ...TOKENS, ...sealed, costNanos, createdAt: new Date(wallMs()) });
        budgets.book({ ...facts, atMs: wallMs() }, { costNanos, tokens: 5, rowId: row.id });
        await own.ledger.append([row]);
      };
      await budgets.load();
      expect(costs.length).toBeGreaterThan(4);
      for (const budget of budgets.list()) {
        const { spent, unpriced } = (await budgets.look(budget, null)) ?? {};
        const priced = costs.filter((cost) => cost !== null);
        expect([budget.unit, spent, unpriced]).toEqual(
          budget.unit === "usd"
            ? ["usd", priced.length * 1_000, costs.length - priced.length]
            : ["tokens", costs.length * 5, 0],
        );
      }
      await budgets.stop();
      await own.close();
    });
  });
}

async function beginOver(store: BudgetStore, holder: string): Promise<Budgets> {
  const budgets = make(store, holder);
  await budgets.load();
  return budgets;
}

function make(store: BudgetStore, holder: string): Budgets {
  return createBudgets({
    store,
    holder: () => holder,
    flushRows: () => Promise.resolve(),
    clock: makeClock(),
    whenUnreachable: () => "refuse",
    onAlert: () => undefined,
    onShadow: () => undefined,
    onError: (error) => {
      throw error;
    },
    onRecover: () => undefined,
  });
}

/** Ids are of the time of their rows. */
function idAt(atMs: number): string {
  return Bun.randomUUIDv7("hex", atMs);
}
