// Rows that somebody changed in the database by hand: what they say is read as unknown, and no other row's figures are lost over it. Part of the
// contract.

import { describe, expect, test } from "bun:test";
import type { LedgerFilter, ReportQuery, SealedEntry } from "../../src/ledger/index.ts";
import { createBudgets, makePlace, printBudget, printEntry, summarize } from "../../src/ledger/index.ts";
import type { Store } from "../../src/store/index.ts";
import { checkRollups } from "../../src/store/rollup/check.ts";
import { makeBudget } from "../ledger/budget/sample.ts";
import { makeClock } from "../rig.ts";
import { kindOf, makeEntry, open, type Place } from "./sample.ts";

const AT_MS = Date.UTC(2026, 4, 5, 8);

/** JSON that no gateway writes. */
const JSON_CASES = [
  ["attempts", "{}"],
  ["attempts", "5"],
  ["attempts", "null"],
  ["attempts", '"x"'],
  ["attempts", '[null,{"a":1},{"b":2}]'],
  ["attempts", '[{"provider":"a","model":"m","usage":7},{"provider":"b","model":"m"}]'],
  ["attempts", '[{"provider":"a","model":"m","costNanos":"x"},{"provider":"openai","model":"m"}]'],
  ["tags", "7"],
  ["tags", '{"a":1}'],
  ["tags", '[1,null,{"a":2}]'],
  ["units", '{"saved_tokens":"x","images":"many"}'],
  ["units", "[1]"],
  ["dropped", "7"],
] as const;
const COMMON = [
  ...JSON_CASES.map(([column, json]) => `${column} = '${json}'`),
  "fresh_input_tokens = 9223372036854775807",
  "cost_nanos = -9223372036854775807",
  "latency_ms = -5",
  "latency_ms = 9e300",
  "direction = 'sideways'",
  "user_id = '', api_key_id = '', endpoint = '', model_asked = '', model_served = '', provider = '', usage_source = '', kind = ''",
];
const ONLY = {
  sqlite: [
    `attempts = '[{"x"'`,
    `attempts = '[{"x":1},{"y"'`,
    "attempts = ''",
    `tags = '["a'`,
    `units = '{"a'`,
    "dropped = 'x'",
    "fresh_input_tokens = 'many'",
    "cost_nanos = 'free'",
    "cost_nanos = x'00ff'",
    "status = 'ok'",
    "latency_ms = 'slow'",
    "ttft_ms = 'x'",
    "created_at = 'now'",
    "created_at = 9223372036854775807",
    "created_at = 8640000000000001",
    "created_at = -5",
    "model_asked = x'ff00fe'",
  ],
  postgres: ["latency_ms = 'NaN'", "ttft_ms = 'Infinity'", "created_at = 'infinity'", "created_at = '-infinity'"],
} as const;

const sumUp = async (store: Store): Promise<void> => {
  while ((await store.ledger.rollUp(5)).rows > 0);
};

/** Between good rows. */
const seqOf = (index: number): number => 2 * index + 2;

export function describeDamage(place: Place): void {
  describe("rows that were damaged in the database", () => {
    const cases: readonly string[] = [...COMMON, ...ONLY[place.engine]];
    const GOOD = Array.from({ length: cases.length + 1 }, (_, index) => 2 * index + 1);
    const openBooks = async (): Promise<{ store: Store; location: string }> => {
      const location = await place.create();
      const store = await open(location);
      const call = { latencyMs: 1, status: null, errorKind: null, upstreamRequestId: null };
      const attempts = ["bad", "openai"].map((provider) => ({ ...call, provider, model: "m" }));
      await store.ledger.append(
        Array.from({ length: 2 * cases.length + 1 }, (_, index) =>
          makeEntry({
            chain: "c",
            seq: index + 1,
            hash: `h${index}`,
            createdAt: new Date(AT_MS + index * 60_000),
            tags: ["team=a"],
            attempts,
            costNanos: 7,
          }),
        ),
      );
      for (const [index, set] of cases.entries())
        await place.run(location, `update ledger_entries set ${set} where seq = ${seqOf(index)}`);
      return { store, location };
    };
    const all = async (store: Store, filter: LedgerFilter): Promise<SealedEntry[]> => {
      const found: SealedEntry[] = [];
      for (let cursor: string | null = null; ;) {
        const page = await store.ledger.readOldest(filter, 5, cursor);
        found.push(...page.entries);
        if (page.nextCursor === null) return found;
        cursor = page.nextCursor;
      }
    };
    const good = (found: readonly SealedEntry[]): number[] =>
      found.flatMap(({ seq }) => (Number(seq) % 2 === 1 ? [Number(seq)] : []));
    const BYS: ReportQuery["by"][] = [[], ["provider", "model"], ["tag", "status"], ["user", "key", "endpoint"]];

    test("are read as far as they can be, and take no other row with them", async () => {
      const { store, location } = await openBooks();
      const report = async (filter: LedgerFilter = {}): Promise<number[]> => {
        const counts = [];
        for (const by of BYS) {
          const { groups } = await store.ledger.report({ filter, by, edges: [] });
          const { consume } = summarize(groups);
          for (const field of ["costNanos", "freshInputTokens", "outputTokens", "latencyUs"] as const)
            expect([field, Number.isSafeInteger(consume[field])]).toEqual([field, true]);
          counts.push(consume.requests);
        }
        return counts;
      };
      const before = await report();
      for (const count of before) expect(count).toBeGreaterThanOrEqual(GOOD.length);
      for (const filter of [{}, { tags: ["team=a"] }, { model: "gpt-4o" }]) {
        const found = await all(store, filter);
        expect(good(found)).toEqual(GOOD);
        const page = await store.ledger.page(filter, 100, null);
        for (const entry of [...found, ...page.entries]) JSON.stringify(printEntry(entry));
      }
      for (const owners of [
        { user: true, key: true },
        { user: false, key: false },
      ])
        for (const provider of ["openai", null]) {
          const scope = { provider, tag: null };
          const window = { startMs: AT_MS - 1, endMs: Infinity };
          const { groups } = await store.budgets.readSums(
            { window, scope, models: true, owners, isRestApart: false },
            null,
          );
          for (const { costNanos, tokens } of groups) {
            expect(Number.isSafeInteger(costNanos)).toBe(true);
            expect(Number.isSafeInteger(tokens)).toBe(true);
          }
        }
      await sumUp(store);
      expect(await store.ledger.hasUnsummed()).toBe(false);
      expect(await report()).toEqual(before);
      expect(good(await all(store, { tags: ["team=a"] }))).toEqual(GOOD);
      await store.close();
      const checked = await checkRollups(location, {
        cutChains: [],
        from: null,
        to: null,
        onProgress: () => undefined,
      });
      expect(checked.wrong).toEqual([]);
    }, 30_000);

    test("and sheets that cannot be read answer nothing, but the rows that they were made of do", async () => {
      const location = await place.create();
      const store = await open(location);
      await store.ledger.append(
        Array.from({ length: 2_000 }, (_, index) =>
          makeEntry({
            chain: "c",
            seq: index + 1,
            hash: "h",
            createdAt: new Date(AT_MS + index * 60_000),
            userId: index % 500 === 0 ? "rare" : "often",
          }),
        ),
      );
      const ask = async () => ({
        report: (await store.ledger.report({ filter: {}, by: ["user", "key", "status"], edges: [] })).groups.length,
        page: (await store.ledger.page({ userId: "rare" }, 10, null)).entries.map(({ seq }) => seq),
      });
      while ((await store.ledger.rollUp(1_000)).rows > 0);
      const before = await ask();
      expect(before).toEqual({ report: 2, page: [1501, 1001, 501, 1] });
      const body = place.engine === "sqlite" ? "x'0102'" : "'\\x0102'";
      await place.run(location, `update tokligence_sheets set body = ${body}`);
      expect(await ask()).toEqual(before);
      await store.close();
    });

    test("and a budget is one that can be counted, whatever its row says", async () => {
      const location = await place.create();
      const store = await open(location);
      const budget = makeBudget({ period: "day", hardLimit: 100 });
      await store.budgets.create(budget);
      const sets = ["period = 'never'", "time_zone = 'Mars'", "alert_percents = '{}'"];
      if (place.engine === "sqlite") sets.push("hard_limit = 'x'", "alert_percents = '['");
      for (const set of sets) {
        await place.run(location, `update budgets set ${set}`);
        const [found] = await store.budgets.list();
        if (found === undefined) throw new Error("no budget");
        const budgets = createBudgets({
          store: store.budgets,
          holder: () => "c",
          flushRows: () => Promise.resolve(),
          clock: makeClock(),
          whenUnreachable: () => "allow",
          onAlert: () => undefined,
          onShadow: () => undefined,
          onError: (error) => {
            throw error;
          },
          onRecover: () => undefined,
        });
        await budgets.load();
        expect(await budgets.look(found, { userId: "user-1", apiKeyId: "key-1" })).toMatchObject({ spent: 0 });
        await budgets.stop();
      }
      await store.close();
    });

    test("and a budget holds although what other gateways are said to have of it is beyond all numbers", async () => {
      const location = await place.create();
      const store = await open(location);
      const budget = makeBudget({ unit: "usd", hardLimit: 50 });
      await store.budgets.create(budget);
      const account = makePlace(budget, { startMs: 0, endMs: Infinity });
      for (const holder of ["a", "b", "c"]) await store.budgets.open(account, holder, []);
      const far = "9223372036854775807";
      await place.run(
        location,
        `update budget_grants set granted = ${far}, spent = ${far}, held = ${far} where holder in ('a', 'b')`,
      );
      await place.run(location, "update budget_grants set granted = -9223372036854775808 where holder = 'b'");
      const claim = { spent: 40, held: 0, refusals: 0, unpriced: 0, keep: 0, demand: 0, parts: 0, wanted: 0 };
      expect(await store.budgets.claim(account, "c", { ...claim, need: 10 })).toMatchObject({ granted: 50 });
      expect(await store.budgets.claim(account, "c", { ...claim, spent: 50, need: 10 })).toMatchObject({ granted: 50 });
      // Whoever has spent something was granted that at least.
      await place.run(location, "update budget_grants set granted = -5, spent = 30, held = 0 where holder = 'a'");
      const others = { granted: 30, spent: 30, held: 0 };
      expect(await store.budgets.claim(account, "c", { ...claim, spent: 0, need: 1, parts: 1 })).toEqual({
        granted: 20,
        others,
      });
      for (const { granted, spent } of await store.budgets.readGrants(account))
        expect(Number.isSafeInteger(granted) && Number.isSafeInteger(spent)).toBe(true);
      await store.close();
    });

    test("and a hard limit that can no longer be read lets nothing pass, nor does what is said beside it", async () => {
      const clock = makeClock();
      const facts = {
        userId: "user-1",
        apiKeyId: "key-1",
        tags: [],
        provider: "openai",
        modelAsked: "m",
        modelSent: "m",
      };
      const far = place.engine === "sqlite" ? "8640000000000001" : "'infinity'";
      const sets = [
        "hard_limit = 9223372036854775807",
        "hard_limit = -5",
        "unit = 'apples'",
        "unit = ''",
        "mode = 'sideways'",
        "each = 'crowd'",
        `created_at = ${far}, updated_at = ${far}, removed_before = ${far}`,
        ...(place.engine === "sqlite"
          ? ["hard_limit = 'x'", "hard_limit = x'00ff'", "hard_limit = 1.5e300", "soft_limit = 'x'"]
          : []),
      ];
      for (const set of sets) {
        const location = await place.create();
        const store = await open(location);
        await store.budgets.create(makeBudget({ unit: "usd", hardLimit: 5, softLimit: 3 }));
        const one = { userId: "user-2", apiKeyId: "key-2", costNanos: 9, createdAt: new Date(clock.wallMs()) };
        await store.ledger.append([makeEntry({ ...one, chain: "c", seq: 1, hash: "h" })]);
        await place.run(location, `update budgets set ${set}`);
        const budgets = createBudgets({
          store: store.budgets,
          holder: () => "c",
          flushRows: () => Promise.resolve(),
          clock,
          whenUnreachable: () => "refuse",
          onAlert: () => undefined,
          onShadow: () => undefined,
          onError: (error) => {
            throw error;
          },
          onRecover: () => undefined,
        });
        await budgets.load();
        const ask = async () =>
          budgets.reserve({ ...facts, atMs: clock.wallMs() }, () => ({ costNanos: 1, tokens: 1 }));
        expect([set, await kindOf(ask)]).toEqual([set, "quota_exceeded"]);
        for (const budget of await store.budgets.list()) JSON.stringify(printBudget(budget));
        await budgets.stop();
        await store.close();
      }
      const location = await place.create();
      const store = await open(location);
      await store.budgets.create(makeBudget({ unit: "usd", hardLimit: 5 }));
      await place.run(location, "update budgets set unpriced = 'perhaps'");
      expect((await store.budgets.list())[0]?.unpriced).toBe("refuse");
      await store.close();
    }, 30_000);
  });
}
