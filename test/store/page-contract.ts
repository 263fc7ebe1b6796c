// Pages of the books, exports, what auditors read and sums of budgets say what going through every row says, also where few rows fit and however
// far sheets tell where these are. Part of the contract.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import {
  type Budget,
  createBudgetSums,
  encodeEntryLine,
  type LedgerEntry,
  type LedgerFilter,
  type LedgerPage,
  makePlace,
  sumRemains,
} from "../../src/ledger/index.ts";
import type { OpenJournal, Store } from "../../src/store/index.ts";
import { makeBudget } from "../ledger/budget/sample.ts";
import { openJournal } from "./report-contract.ts";
import { makeEntry, open, type Place } from "./sample.ts";

const START_MS = Date.UTC(2026, 2, 3, 5);
const MINUTE_MS = 60_000;
const ROWS = 2_600;
const LIMIT = 7;
const QUARTER_MS = 15 * MINUTE_MS;
const SEED = 20_260_303;

/** Each fits some ten of the rows, or none. */
const FILTERS: LedgerFilter[] = [
  { userId: "u3", status: 5 },
  { apiKeyId: "k-rare" },
  { tags: ["team=rare"] },
  { tags: ["team=rare"], status: 2 },
  { model: "m-rare" },
  { provider: "p-rare", userId: "u1" },
  { status: 503, endpoint: "messages" },
  { model: "m-nobody" },
  { userId: "u1", apiKeyId: "k-rare" },
  { direction: "supply", from: new Date(START_MS + 300 * MINUTE_MS), to: new Date(START_MS + 2_000 * MINUTE_MS + 1) },
];

/** Each fits many of the rows, or all. */
const WIDE: LedgerFilter[] = [{}, { userId: "u3" }, { apiKeyId: "k2" }, { userId: "u0", endpoint: "messages" }];
const WIDE_LIMIT = 230;

/** Days, and odd times within them. */
const WINDOWS = [
  { startMs: START_MS - 5 * 60 * MINUTE_MS, endMs: Number.POSITIVE_INFINITY },
  { startMs: START_MS + 333 * MINUTE_MS + 1, endMs: START_MS + 2_222 * MINUTE_MS + 7 },
];
const BUDGETS: Partial<Budget>[] = [
  { userId: "u3" },
  { apiKeyId: "k-rare", unit: "usd" },
  { userId: "u0", apiKeyId: "k2" },
  { userId: "u1", provider: "p-rare" },
  { userId: "u2", model: "m-asked", unit: "usd" },
  { userId: "u0", tag: "team=rare" },
  { userId: "u-nobody" },
  { provider: "p-rare" },
];

const at = fc.integer({ min: -60, max: ROWS + 60 }).map((minutes) => new Date(START_MS + minutes * MINUTE_MS));
const anyFilter = fc.record(
  {
    from: at,
    to: at,
    userId: fc.constantFrom("u0", "u1", "u3", "u-nobody"),
    apiKeyId: fc.constantFrom("k-rare", "k1", "k2"),
    tags: fc.subarray(["env=prod", "team=rare"]),
    model: fc.constantFrom("m-rare", "m1", "gpt-4o"),
    provider: fc.constantFrom("p-rare", "openai"),
    status: fc.constantFrom(2, 5, 503),
    endpoint: fc.constantFrom("messages", "chat.completions"),
    direction: fc.constantFrom("supply" as const, "consume" as const),
  },
  { requiredKeys: [] },
);

export function describeLedgerPages(place: Place): void {
  describe("pages that few rows fit", () => {
    const folder = mkdtempSync(join(tmpdir(), "tokligence-page-"));
    const rows: LedgerEntry[] = [];
    /** Removed, and in sums that are kept. */
    let gone: LedgerEntry[] = [];
    let location: string;
    let store: Store;
    let books: OpenJournal;

    beforeAll(async () => {
      location = await place.create();
      store = await open(location);
      books = await openJournal(store, join(folder, "outbox.db"));
      await book(Array.from({ length: ROWS }, (_, index) => rowOf(index)));
    });
    afterAll(async () => {
      await books.close(1_000);
      await store.close();
      rmSync(folder, { recursive: true });
    });

    const book = async (entries: LedgerEntry[]): Promise<void> => {
      rows.push(...entries);
      books.journal.append(entries.map(encodeEntryLine), () => []);
      await store.arrive();
    };
    const walk = async (name: "page" | "readOldest", filter: LedgerFilter, limit: number): Promise<string[]> => {
      const ids: string[] = [];
      for (let cursor: string | null = null; ;) {
        const page: Pick<LedgerPage, "entries" | "nextCursor"> = await store.ledger[name](filter, limit, cursor);
        expect(page.entries.length).toBeLessThanOrEqual(limit);
        ids.push(...page.entries.map(({ id }) => id));
        cursor = page.nextCursor;
        if (cursor === null) return ids;
      }
    };
    const checkFilter = async (filter: LedgerFilter, limit: number): Promise<void> => {
      const all = goThrough(rows, filter);
      expect([filter, await walk("page", filter, limit)]).toEqual([filter, all]);
      expect([filter, await walk("readOldest", filter, limit)]).toEqual([filter, all.toReversed()]);
    };
    const checkCalls = async (filter: LedgerFilter): Promise<void> => {
      const calls = await Array.fromAsync(store.recounts.calls(filter));
      expect([filter, calls.map(({ entry }) => entry.id)]).toEqual([filter, goThrough(rows, filter).toReversed()]);
    };
    const checkBudget = async (own: Partial<Budget>, window: (typeof WINDOWS)[number]): Promise<void> => {
      const budget = makeBudget(own);
      const sums = await createBudgetSums(store.budgets).read(makePlace(budget, window));
      const spent = sums.reduce((sum, chain) => sum + chain.spent, 0);
      // Which model was asked for at a provider is in no sum, and sums are of quarters of an hour.
      const known = budget.model === null ? gone.filter(({ createdAt }) => isWhole(createdAt, window)) : [];
      expect([own, spent]).toEqual([own, addUp([...known, ...rows], budget, window)]);
    };
    const check = async (): Promise<void> => {
      for (const filter of FILTERS) await checkFilter(filter, LIMIT);
      for (const filter of WIDE) await checkFilter(filter, WIDE_LIMIT);
      for (const filter of [...FILTERS, ...WIDE]) await checkCalls(filter);
      for (const window of WINDOWS) for (const budget of BUDGETS) await checkBudget(budget, window);
    };

    test("while nothing is summed up", check);
    test("while some is", async () => {
      expect(await store.ledger.rollUp(1_100)).toMatchObject({ rows: 1_100 });
      await check();
      expect(await store.ledger.rollUp(900)).toMatchObject({ rows: 900 });
      await check();
    });
    test("while sheets are being made, and when all are", async () => {
      for (let step = 0; (await store.ledger.rollUp(10_000)).rows > 0; step++) if (step % 40 === 0) await check();
      await check();
    });
    test("with rows that came late, some of them at the same moment, and one of no chain", async () => {
      const late = Array.from({ length: 30 }, (_, index) => ({
        ...rowOf(130),
        id: Bun.randomUUIDv7(),
        status: index % 2 === 0 ? 503 : 200,
      }));
      await book(late);
      const unchained = makeEntry({ ...rowOf(130), id: Bun.randomUUIDv7() });
      await store.ledger.append([unchained]);
      rows.push(unchained);
      await check();
      while ((await store.ledger.rollUp(10)).rows > 0);
      await check();
    });
    test("where sheets lack that were there, of some quarters of an hour and of a day", async () => {
      await place.run(
        location,
        `delete from tokligence_sheets where started_at % ${3 * QUARTER_MS} = 0 and level = 'rows.quarter'`,
      );
      await place.run(location, `delete from tokligence_sheets where started_at < ${START_MS} and level like '%.line'`);
      await check();
    });
    test("once the oldest rows are gone, of which sheets still tell", async () => {
      const before = new Date(START_MS + 1_000 * MINUTE_MS);
      const cuts = await store.ledger.findCuts(before);
      expect(cuts).toHaveLength(1);
      for (const cut of cuts) while ((await store.ledger.dropRows(cut, 300, sumRemains)) > 0);
      // What came late stays until its turn.
      gone = rows.splice(0, 1_000);
      await check();
    });
    test("with rows upon these that are in no sheet yet, whatever the filter and the length of a page", async () => {
      await book(Array.from({ length: 40 }, (_, index) => rowOf(ROWS - 20 + index)));
      const limit = fc.oneof(fc.integer({ min: 3, max: 40 }), fc.constant(1_500));
      await fc.assert(
        fc.asyncProperty(anyFilter, limit, async (filter, most) => {
          const isMany = goThrough(rows, filter).length > 30 * most;
          await checkFilter(filter, isMany ? WIDE_LIMIT : most);
        }),
        { numRuns: 60, seed: SEED },
      );
      await check();
    });
  });
}

/** Whether all of that quarter of an hour is in the window. */
function isWhole(at: Date, { startMs, endMs }: (typeof WINDOWS)[number]): boolean {
  const fromMs = Math.floor(at.getTime() / QUARTER_MS) * QUARTER_MS;
  return fromMs >= startMs && fromMs + QUARTER_MS <= endMs;
}

function rowOf(index: number): LedgerEntry {
  const isRare = index % 130 === 0;
  return makeEntry({
    id: Bun.randomUUIDv7(),
    createdAt: new Date(START_MS + index * MINUTE_MS),
    userId: `u${index % 4}`,
    apiKeyId: isRare ? "k-rare" : `k${index % 7}`,
    tags: isRare ? ["team=rare", "env=prod"] : index % 3 === 0 ? ["env=prod"] : null,
    status: index % 101 === 0 ? 503 : 200,
    modelAsked: index % 150 === 2 ? "m-asked" : "gpt-4o",
    modelServed: index % 211 === 0 ? "m-rare" : "m1",
    provider: index % 97 === 0 ? "p-rare" : "openai",
    endpoint: index % 2 === 0 ? "messages" : "chat.completions",
    direction: index % 90 === 0 ? "supply" : "consume",
    outputTokens: index,
    costNanos: index * 7,
  });
}

/** What a call with one attempt, or none, comes to. */
function addUp(
  rows: readonly LedgerEntry[],
  { apiKeyId, model, provider, tag, unit, userId }: Budget,
  { startMs, endMs }: (typeof WINDOWS)[number],
): number {
  const own = goThrough(rows, {
    ...(apiKeyId === null ? {} : { apiKeyId }),
    ...(model === null ? {} : { model }),
    ...(provider === null ? {} : { provider }),
    ...(tag === null ? {} : { tags: [tag] }),
    ...(userId === null ? {} : { userId }),
    direction: "consume",
    from: new Date(startMs),
    ...(Number.isFinite(endMs) ? { to: new Date(endMs) } : {}),
  });
  const ids = new Set(own);
  const tokens = (row: LedgerEntry): number =>
    (row.freshInputTokens ?? 0) + (row.cacheReadTokens ?? 0) + (row.cacheWriteTokens ?? 0) + (row.outputTokens ?? 0);
  return rows
    .filter(({ id }) => ids.has(id))
    .reduce((sum, row) => sum + (unit === "usd" ? (row.costNanos ?? 0) : tokens(row)), 0);
}

function goThrough(rows: readonly LedgerEntry[], filter: LedgerFilter): string[] {
  const { from, to, model, status, tags = [] } = filter;
  const fits = rows.filter(
    (row) =>
      (from === undefined || row.createdAt >= from) &&
      (to === undefined || row.createdAt < to) &&
      (model === undefined || row.modelAsked === model || row.modelServed === model) &&
      (status === undefined || row.status === status || Math.floor(row.status / 100) === status) &&
      tags.every((tag) => row.tags?.includes(tag) === true) &&
      (["apiKeyId", "direction", "endpoint", "provider", "userId"] as const).every(
        (field) => filter[field] === undefined || filter[field] === row[field],
      ),
  );
  const sorted = fits.toSorted((left, right) => {
    const ms = right.createdAt.getTime() - left.createdAt.getTime();
    return ms === 0 ? (left.id < right.id ? 1 : -1) : ms;
  });
  return sorted.map(({ id }) => id);
}
