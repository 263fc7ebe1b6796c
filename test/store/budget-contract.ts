// What every engine's store must do with budgets: their rows, the sums of their windows, and grants that never exceed a limit. Part of the contract.

import { describe, expect, test } from "bun:test";
import {
  adoptDeclared,
  type Budget,
  checkBudget,
  createBudgetDirectory,
  createBudgetSums,
  type DeclaredBudget,
  makePlace,
} from "../../src/ledger/index.ts";
import { GatewayError } from "../../src/ir/index.ts";
import type { Store } from "../../src/store/index.ts";
import { makeBudget } from "../ledger/budget/sample.ts";
import { AT, kindOf, LATER, makeEntry } from "./sample.ts";

const DAY = 86_400_000;
const WINDOW = { startMs: AT.getTime() - DAY, endMs: AT.getTime() + DAY };
const CLAIM = { spent: 0, held: 0, refusals: 0, unpriced: 0, keep: 0, need: 0, demand: 0, parts: 0, wanted: 0 };

export function describeBudgets(get: () => Store): void {
  describe("budgets", () => {
    test("come back as they were written, change, and are gone", async () => {
      const { budgets } = get();
      const full = makeBudget({
        userId: "u",
        apiKeyId: "k",
        provider: "p",
        model: "gpt-*",
        tag: "naïve 🦊",
        each: "user",
        unit: "usd",
        hardLimit: Number.MAX_SAFE_INTEGER,
        softLimit: 0,
        period: "week",
        timeZone: "Europe/Berlin",
        mode: "shadow",
        unpriced: "allow",
        alertPercents: [50, 80],
      });
      await budgets.create(full);
      expect(await budgets.find(full.id)).toEqual(full);
      expect(await budgets.find(full.name)).toEqual(full);
      expect(await kindOf(() => budgets.create({ ...makeBudget(), name: full.name }))).toBe("conflict");
      const changed = { ...full, hardLimit: null, mode: "enforce" as const, updatedAt: LATER };
      expect(await budgets.update(full.id, { hardLimit: null, mode: "enforce" }, LATER)).toEqual(changed);
      expect(await budgets.delete(full.id, LATER)).toBe(true);
      expect(await budgets.delete(full.id, LATER)).toBe(false);
      expect(await budgets.find(full.id)).toBeNull();
      expect(await budgets.update(full.id, { mode: "shadow" }, LATER)).toBeNull();
      await budgets.create({ ...makeBudget(), name: full.name });
    });

    test("tell what changed since the last look", async () => {
      const { budgets } = get();
      const { revision } = await budgets.changes(null);
      expect(await budgets.changes(revision)).toEqual({ revision, complete: false, budgets: [] });
      const [kept, gone] = [makeBudget(), makeBudget()];
      for (const budget of [kept, gone]) await budgets.create(budget);
      await budgets.delete(gone.id, LATER);
      const { budgets: changed, complete } = await budgets.changes(revision);
      expect(complete).toBe(false);
      expect(new Map(changed.map(({ id, deleted }) => [id, deleted]))).toEqual(
        new Map([
          [kept.id, false],
          [gone.id, true],
        ]),
      );
      expect((await budgets.changes(Number.MAX_SAFE_INTEGER)).complete).toBe(true);
    });
  });

  describe("budgets that the configuration declares", () => {
    const declare = (
      name: string,
      limitTokens: number,
      more: { model?: string; user?: string } = {},
    ): DeclaredBudget => ({
      ...checkBudget({ name, limitTokens, period: "lifetime", ...more }),
      user: more.user ?? null,
      apiKey: null,
    });
    const adopt = async (...declared: DeclaredBudget[]) => {
      const findUser = async (name: string): Promise<string> => {
        if (name === "ada") return "u-ada";
        throw new GatewayError({ kind: "not_found", message: `There is no user ${name}.` });
      };
      const find = { findUser, findKey: findUser, now: () => LATER.getTime(), newId: () => Bun.randomUUIDv7() };
      return adoptDeclared({ store: get().budgets, ...find }, declared);
    };

    test("are made, changed, replaced where their scope changed, and lifted; nobody else can change them", async () => {
      const { budgets } = get();
      const [one, two] = [`one ${crypto.randomUUID()}`, `two ${crypto.randomUUID()}`];
      const made = await adopt(declare(one, 5), declare(two, 7, { user: "ada" }));
      expect(made).toEqual({
        done: [
          { name: one, what: "made" },
          { name: two, what: "made" },
        ],
        failed: [],
      });
      const first = await budgets.find(one);
      expect(first).toMatchObject({ hardLimit: 5, isDeclared: true });
      expect(await budgets.find(two)).toMatchObject({ userId: "u-ada" });
      expect((await adopt(declare(one, 5), declare(two, 7, { user: "ada" }))).done).toEqual([]);

      const find = async (text: string): Promise<string> => text;
      const rules = createBudgetDirectory({
        store: budgets,
        findUser: find,
        findKey: find,
        now: Date.now,
        newId: () => "x",
      });
      expect(await kindOf(() => rules.update(one, { limitTokens: 9 }))).toBe("conflict");
      expect(await kindOf(() => rules.delete(one))).toBe("conflict");
      expect(await kindOf(() => rules.create({ name: one, limitTokens: 1 }))).toBe("conflict");

      expect((await adopt(declare(one, 6), declare(two, 7, { user: "ada", model: "gpt-*" }))).done).toEqual([
        { name: one, what: "changed" },
        { name: two, what: "changed" },
      ]);
      expect(await budgets.find(one)).toMatchObject({ id: first?.id, hardLimit: 6 });
      expect(await budgets.find(two)).toMatchObject({ model: "gpt-*", isDeclared: true });
      expect((await adopt(declare(two, 7, { user: "ada", model: "gpt-*" }))).done).toEqual([
        { name: one, what: "lifted" },
      ]);
      expect(await budgets.find(one)).toBeNull();
      await adopt();
    });

    test("take over one that was made by hand, leave the others alone, and hold up nobody where a user is missing", async () => {
      const { budgets } = get();
      const [mine, theirs] = [makeBudget(), makeBudget()];
      for (const budget of [mine, theirs]) await budgets.create(budget);
      const name = `late ${crypto.randomUUID()}`;
      expect(await adopt(declare(name, 1, { user: "bob" }), declare(mine.name, 1_000))).toEqual({
        done: [{ name: mine.name, what: "taken over" }],
        failed: [{ name, reason: "There is no user bob." }],
      });
      expect(await budgets.find(mine.id)).toMatchObject({ isDeclared: true });
      await adopt();
      expect(await budgets.find(mine.id)).toBeNull();
      expect(await budgets.find(theirs.id)).toMatchObject({ isDeclared: false });
    });
  });

  describe("rows that a command wrote", () => {
    test("are summed up by themselves, and told to whoever holds a grant", async () => {
      const { budgets, ledger } = get();
      const [chain, other, userId] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
      const budget = makeBudget({ userId, provider: "p", hardLimit: 100 });
      const place = makePlace(budget, WINDOW);
      const base = {
        userId,
        provider: "p",
        freshInputTokens: 5,
        cacheReadTokens: 0,
        cacheWriteTokens: 0,
        outputTokens: 0,
      };
      const row = (of: string, seq: number, more = {}) => makeEntry({ ...base, chain: of, seq, hash: "h", ...more });
      await ledger.append([row(chain, 1), row(chain, 2, { provider: "q" }), row(other, 1)]);
      const sums = await createBudgetSums(budgets).read(place);
      expect(sums).toContainEqual({ chain, spent: 5, unpriced: 0, seq: 2 });

      await budgets.open(place, "us", []);
      await budgets.putLine(place, { chain, spent: 5, unpriced: 0 });
      await budgets.putLine(place, { chain, spent: 9, unpriced: 0 });
      expect(await budgets.claim(place, "us", { ...CLAIM, need: 1, parts: 1 })).toMatchObject({
        granted: 91,
        others: { granted: 9, spent: 9, held: 0 },
      });
      const before = (await budgets.readCounters()).get(`budget_rows/${chain}`) ?? 0;
      await budgets.noteRows(chain);
      expect((await budgets.readCounters()).get(`budget_rows/${chain}`)).toBe(before + 1);
    });
  });

  describe("sums of a window", () => {
    const read = (budget: Budget, subject = "") =>
      createBudgetSums(get().budgets).read(makePlace(budget, WINDOW, subject));
    const sum = async (budget: Budget, subject = ""): Promise<Record<string, number>> =>
      Object.fromEntries((await read(budget, subject)).map(({ chain, spent }) => [chain, spent]));

    test("have a correction of the window, whose id is of the time of the call before it", async () => {
      const { ledger } = get();
      const startMs = WINDOW.startMs;
      const call = makeEntry({
        id: Bun.randomUUIDv7("hex", startMs - 1_800_000),
        modelAsked: "corrected",
        createdAt: new Date(startMs - 1_800_000),
        freshInputTokens: 100,
      });
      const correction = makeEntry({
        ...call,
        id: Bun.randomUUIDv7("hex", startMs - 1_800_000),
        kind: "correction",
        corrects: call.id,
        createdAt: new Date(startMs + 60_000),
        freshInputTokens: 7,
        cacheReadTokens: 0,
        cacheWriteTokens: 0,
        outputTokens: 0,
      });
      await ledger.append([call, correction]);
      expect(await sum(makeBudget({ model: "corrected" }))).toEqual({ "": 7 });
    });

    test("are of the rows in it that the scope holds, by chain", async () => {
      const userId = crypto.randomUUID();
      const attempt = { provider: "p", status: 200, errorKind: null, upstreamRequestId: null, latencyMs: 1 };
      const tokens = { freshInputTokens: 1, cacheReadTokens: 2, cacheWriteTokens: null, outputTokens: 4 };
      const base = { userId, apiKeyId: "k1", provider: "p", modelAsked: "fast", costNanos: 10, ...tokens };
      const rows = [
        makeEntry({
          ...base,
          attempts: [
            { ...attempt, model: "other" },
            { ...attempt, model: "GPT-5" },
          ],
        }),
        makeEntry({ ...base, apiKeyId: "k2", tags: ["a", "b"] }),
        makeEntry({ ...base, provider: "q", costNanos: null }),
        makeEntry({ ...base, createdAt: new Date(WINDOW.endMs) }),
        makeEntry({ ...base, createdAt: new Date(WINDOW.startMs - 1) }),
        makeEntry({ ...base, direction: "supply" }),
        makeEntry({
          ...base,
          costNanos: -3,
          freshInputTokens: 0,
          cacheReadTokens: 0,
          outputTokens: 0,
          kind: "correction",
        }),
      ];
      await get().ledger.append(rows.map((row, index) => ({ ...row, chain: `c-${userId}`, seq: index + 1, hash: "" })));
      const chain = `c-${userId}`;
      expect(await sum(makeBudget({ userId }))).toEqual({ [chain]: 21 });
      expect(await sum(makeBudget({ userId, unit: "usd" }))).toEqual({ [chain]: 17 });
      expect(await sum(makeBudget({ userId, apiKeyId: "k2" }))).toEqual({ [chain]: 7 });
      expect(await sum(makeBudget({ userId, provider: "q" }))).toEqual({ [chain]: 7 });
      expect(await sum(makeBudget({ userId, model: "gpt-*" }))).toEqual({ [chain]: 7 });
      expect(await sum(makeBudget({ userId, model: "FAST" }))).toEqual({ [chain]: 21 });
      expect(await sum(makeBudget({ userId, tag: "b" }))).toEqual({ [chain]: 7 });
      expect(await sum(makeBudget({ each: "user" }), userId)).toEqual({ [chain]: 21 });
      const [group] = await read(makeBudget({ userId, unit: "usd" }));
      expect(group?.unpriced).toBe(1);
    });
  });

  describe("grants", () => {
    test("come to the limit and no more, but for the one need that reaches beyond it", async () => {
      const { budgets } = get();
      const place = makePlace(makeBudget({ hardLimit: 100 }), WINDOW);
      for (const holder of ["a", "b"]) await budgets.open(place, holder, [{ chain: "old", spent: 10, unpriced: 0 }]);
      // A quarter of 90, more than the need; then what is needed, as long as anything is free.
      expect(await budgets.claim(place, "a", { ...CLAIM, need: 5, parts: 4 })).toMatchObject({ granted: 22 });
      expect(await budgets.claim(place, "b", { ...CLAIM, need: 60, parts: 4 })).toMatchObject({ granted: 60 });
      const used = { held: 20, keep: 22 };
      expect(await budgets.claim(place, "a", { ...CLAIM, ...used, need: 50, parts: 4 })).toEqual({
        granted: 70,
        others: { granted: 70, spent: 10, held: 0 },
      });
      // Beyond the limit nothing is given, and nothing is taken away.
      expect(await budgets.claim(place, "b", { ...CLAIM, held: 60, keep: 60, need: 1, parts: 4 })).toMatchObject({
        granted: 60,
      });
      // What is given back can be had again.
      expect(await budgets.claim(place, "a", { ...CLAIM, spent: 10, keep: 10 })).toMatchObject({ granted: 10 });
      expect(await budgets.claim(place, "b", { ...CLAIM, held: 60, keep: 60, need: 1, demand: 15 })).toMatchObject({
        granted: 75,
      });
      expect(await budgets.claim(place, "nobody", CLAIM)).toBeNull();
    });

    test("of many who ask at once stay within the limit and one need", async () => {
      const { budgets } = get();
      const place = makePlace(makeBudget({ hardLimit: 1_000 }), WINDOW);
      const holders = Array.from({ length: 8 }, (_, index) => `h${index}`);
      for (const holder of holders) await budgets.open(place, holder, []);
      await Promise.all(
        holders.map(async (holder) => {
          let granted = 0;
          for (let turn = 0; turn < 5; turn++) {
            const claim = { ...CLAIM, keep: granted, held: granted, need: 70 };
            granted = (await budgets.claim(place, holder, claim))?.granted ?? 0;
          }
        }),
      );
      const total = (await budgets.readGrants(place)).reduce((sum, { granted }) => sum + granted, 0);
      expect(total).toBeGreaterThan(900);
      expect(total).toBeLessThanOrEqual(1_000 + 70);
    });

    test("are seen by those who look after them: wanted, held, closed, and gone with their window", async () => {
      const { budgets } = get();
      const place = makePlace(makeBudget({ hardLimit: 100 }), WINDOW);
      const [holder, other] = [crypto.randomUUID(), crypto.randomUUID()];
      for (const name of [holder, other]) await budgets.open(place, name, []);
      await budgets.claim(place, holder, { ...CLAIM, held: 30, need: 30, wanted: 30 });
      expect(await budgets.listWanted(other)).toContainEqual({ accountId: place.id, wanted: 30 });
      expect(await budgets.listWanted(holder)).not.toContainEqual({ accountId: place.id, wanted: 30 });
      const { startMs } = WINDOW;
      const held = { accountId: place.id, budgetId: place.budget.id, subject: "", startMs };
      expect(await budgets.listHeldBy(holder)).toEqual([held]);
      await budgets.close(place.id, holder, 7);
      expect(await budgets.listHeldBy(holder)).toEqual([]);
      expect((await budgets.readGrants(place)).find((line) => line.holder === holder)).toMatchObject({
        granted: 7,
        spent: 7,
        held: 0,
      });
      await budgets.purge(new Date(WINDOW.endMs));
      expect(await budgets.readGrants(place)).toHaveLength(2);
      await budgets.purge(new Date(WINDOW.endMs + 1));
      expect(await budgets.readGrants(place)).toEqual([]);
    });

    test("and their alerts are told once, whoever asks", async () => {
      const { budgets } = get();
      const place = makePlace(makeBudget(), WINDOW);
      const asked = await Promise.all(Array.from({ length: 6 }, () => budgets.claimAlert(place, "80", AT)));
      expect(asked.filter((isOurs) => isOurs)).toHaveLength(1);
      expect(await budgets.claimAlert(place, "100", AT)).toBe(true);
    });

    test("know who is alive", async () => {
      const { budgets } = get();
      const holder = crypto.randomUUID();
      await budgets.beat(holder);
      await budgets.beat(holder);
      expect((await budgets.readCounters()).get(`budget_beat/${holder}`)).toBe(2);
      await budgets.forget(holder);
      expect((await budgets.readCounters()).has(`budget_beat/${holder}`)).toBe(false);
    });
  });
}
