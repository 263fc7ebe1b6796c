// Reports must say what adding up every row says, whatever is asked, and however far the rows are summed up already. Part of the contract.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import {
  BOOK_RULES,
  addSums,
  type Dimension,
  DIMENSIONS,
  layEdges,
  type LedgerEntry,
  type LedgerFilter,
  NO_SUMS,
  type ReportGroup,
  type ReportQuery,
  encodeEntryLine,
  type Sums,
} from "../../src/ledger/index.ts";
import { listShares, SPENT_FIELDS } from "../../src/lib/share.ts";
import { addClasses, classOf, NO_CLASSES, printClasses } from "../../src/lib/spread.ts";
import { type Bucket, BUCKETS, findZone, UTC } from "../../src/lib/zone.ts";
import type { OpenJournal, Store } from "../../src/store/index.ts";
import { keepHoursApart } from "./older.ts";
import { makeEntry, open, type Place } from "./sample.ts";

const SEED = 20_260_329;
const HOUR_MS = 3_600_000;
/** Clocks in Europe are put forward at 01:00 UTC of the 29th. */
const CENTRE_MS = Date.UTC(2026, 2, 29, 1);

export function describeReports(place: Place): void {
  describe("reports", () => {
    const folder = mkdtempSync(join(tmpdir(), "tokligence-report-"));
    const rows: LedgerEntry[] = [];
    let store: Store;
    let journal: OpenJournal;

    beforeAll(async () => {
      store = await open(await place.create());
      journal = await openJournal(store, join(folder, "outbox.db"));
    });
    afterAll(async () => {
      await journal.close(1_000);
      await store.close();
      rmSync(folder, { recursive: true });
    });

    const book = async (entries: LedgerEntry[], isChained: boolean): Promise<void> => {
      rows.push(...entries.map((entry) => ({ ...entry })));
      if (!isChained) return store.ledger.append(entries);
      journal.journal.append(entries.map(encodeEntryLine), () => []);
    };

    test("are the sums of the rows, for any rows, filters, groups, zones and state of the sums kept", async () => {
      const piece = fc.record({
        entries: fc.array(anyEntry, { minLength: 1, maxLength: 30 }),
        isChained: fc.boolean(),
        // Whoever is not behind with rows packs what is complete, a piece at a time.
        steps: fc.array(fc.oneof(fc.integer({ min: 1, max: 25 }), fc.constant(10_000)), { maxLength: 4 }),
        queries: fc.array(anyQuery, { minLength: 6, maxLength: 6 }),
      });
      await fc.assert(
        fc.asyncProperty(piece, async ({ entries, isChained, steps, queries }) => {
          await book(
            entries.map((entry) => makeEntry({ ...entry, id: Bun.randomUUIDv7() })),
            isChained,
          );
          // Rows are to have arrived.
          await store.ledger.page({}, 1, null);
          for (const limit of steps) await store.ledger.rollUp(limit);
          for (const query of queries) {
            const { groups, removedBefore } = await store.ledger.report(query);
            const found = nameGroups(groups);
            expect(found.size).toBe(groups.length);
            expect(dropEmpty(found)).toEqual(addUp(rows, query));
            expect(removedBefore).toBeNull();
          }
        }),
        { seed: SEED, numRuns: 40, endOnFailure: true },
      );
    }, 120_000);

    test("stay the same when everything is summed up, and twice as much is not summed up twice", async () => {
      const query: ReportQuery = { filter: {}, by: ["user", "status"], edges: [] };
      for (let step = await store.ledger.rollUp(7); step.rows > 0; step = await store.ledger.rollUp(7));
      expect(await Promise.all([1, 2, 3].map(() => store.ledger.rollUp(100)))).toEqual(
        [1, 2, 3].map(() => ({ rows: 0, heldMs: 0 })),
      );
      for (const each of [query, ...fc.sample(anyQuery, { numRuns: 60, seed: SEED })]) {
        const { groups } = await store.ledger.report(each);
        expect(dropEmpty(nameGroups(groups))).toEqual(addUp(rows, each));
      }
    });

    test("sums of before calls were told apart get what they lack, and lose nothing", async () => {
      const location = await place.create();
      const old = await open(location);
      const books = await openJournal(old, join(folder, "old.db"));
      const attempts = fc.sample(fc.array(anyAttempt, { minLength: 1, maxLength: 3 }), { numRuns: 40, seed: SEED });
      const entries = fc
        .sample(anyEntry, { numRuns: 40, seed: SEED })
        .map((entry) => makeEntry({ ...entry, id: Bun.randomUUIDv7(), attempts: [] }));
      books.journal.append(entries.map(encodeEntryLine), () => []);
      await old.ledger.page({}, 1, null);
      for (let step = await old.ledger.rollUp(9); step.rows > 0; step = await old.ledger.rollUp(9));
      // As it was before: nobody looked at the attempts.
      const told = entries.map((entry, index) => ({ ...entry, attempts: attempts[index] ?? [] }));
      for (const { id, attempts: own } of told)
        await place.run(location, `update ledger_entries set attempts = '${JSON.stringify(own)}' where id = '${id}'`);
      await keepHoursApart(place, location);
      await place.run(location, "update ledger_rollups set attempts = 0, latencies = '', ttfts = ''");
      await place.run(location, "update ledger_marks set detail_seq = 0");
      expect(await old.ledger.rollUp(9)).toMatchObject({ rows: 9 });
      for (let step = await old.ledger.rollUp(9); step.rows > 0; step = await old.ledger.rollUp(9));
      for (const by of [["provider"], ["model", "user"], ["tag"], []] as Dimension[][]) {
        const query = { filter: {}, by, edges: [] };
        const { groups } = await old.ledger.report(query);
        expect(dropEmpty(nameGroups(groups))).toEqual(addUp(told, query));
      }
      await books.close(1_000);
      await old.close();
    });

    test("several processes sum up each row once", async () => {
      await book(
        Array.from({ length: 200 }, () => makeEntry({ createdAt: new Date(CENTRE_MS) })),
        true,
      );
      await store.ledger.page({}, 1, null);
      const step = () => store.ledger.rollUp(20).catch(() => ({ rows: 0, heldMs: 0 }));
      for (let round = 0; round < 10; round++) await Promise.all([step(), step(), step()]);
      const query: ReportQuery = { filter: {}, by: ["model"], edges: [] };
      const { groups } = await store.ledger.report(query);
      expect(dropEmpty(nameGroups(groups))).toEqual(addUp(rows, query));
    });
  });
}

export function openJournal(store: Store, outboxPath: string): Promise<OpenJournal> {
  return store.openJournal({
    outboxPath,
    durability: "process",
    rules: BOOK_RULES,
    key: { id: "0123456789abcdef", publicKey: "" },
    findHead: () => null,
    now: new Date(CENTRE_MS),
    after: () => () => undefined,
    onTiding: (tiding) => {
      throw new Error(JSON.stringify(tiding));
    },
  });
}

const TAGS = ["team=a", "team=b", "env=prod", "ü '\"%_"];
const anyAmount = fc.option(fc.integer({ min: -50, max: 1_000_000 }), { freq: 4 });
const anyTime = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -40 * HOUR_MS, max: 40 * HOUR_MS }) },
  { weight: 2, arbitrary: fc.integer({ min: -400, max: 400 }).map((quarters) => quarters * 900_000) },
  { weight: 1, arbitrary: fc.integer({ min: -900 * HOUR_MS, max: 900 * HOUR_MS }) },
);

const anySaving = fc.integer({ min: 0, max: 1_000_000_000 });
const anyAttempt = fc
  .record({
    provider: fc.constantFrom("openai", "anthropic", "groq"),
    model: fc.constantFrom("m1", "m2", "{},{"),
    status: fc.constantFrom(200, 500),
    errorKind: fc.constantFrom("timeout" as const, null),
    upstreamRequestId: fc.constant(null),
    latencyMs: fc.constant(1),
    usage: fc.option(
      fc.record({
        freshInputTokens: fc.nat(1_000),
        cacheReadTokens: fc.nat(1_000),
        cacheWriteTokens: fc.nat(1_000),
        outputTokens: fc.nat(1_000),
        reasoningTokens: fc.option(fc.nat(100)),
      }),
      { nil: undefined },
    ),
    costNanos: fc.option(fc.nat(1_000_000)),
  })
  .map(({ usage, ...attempt }) => (usage === undefined ? attempt : { ...attempt, usage }));

export const anyEntry = fc
  .record({
    at: anyTime,
    isCorrection: fc.boolean(),
    pricesUnknown: fc.boolean(),
    userId: fc.constantFrom("u1", "u2", "u3"),
    apiKeyId: fc.constantFrom("k1", "k2"),
    tags: fc.option(fc.uniqueArray(fc.constantFrom(...TAGS), { maxLength: 3 })),
    endpoint: fc.constantFrom("chat.completions", "messages"),
    modelAsked: fc.constantFrom("m1", "m2", ""),
    modelServed: fc.constantFrom("m1", "m2", "m3", "", null),
    provider: fc.constantFrom("openai", "anthropic", "cache", null),
    units: fc.option(fc.record({ saved_tokens: anySaving, saved_cost_nanos: anySaving }, { requiredKeys: [] })),
    direction: fc.constantFrom("consume" as const, "supply" as const),
    freshInputTokens: anyAmount,
    cacheReadTokens: anyAmount,
    cacheWriteTokens: anyAmount,
    longCacheWriteTokens: anyAmount,
    outputTokens: anyAmount,
    reasoningTokens: anyAmount,
    costNanos: anyAmount,
    usageSource: fc.constantFrom("provider" as const, "estimate" as const, "none" as const),
    status: fc.constantFrom(200, 201, 400, 429, 499, 500),
    errorKind: fc.constantFrom("timeout" as const, "interrupted" as const, null),
    latencyMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 100_000 })),
    ttftMs: fc.option(fc.integer({ min: 0, max: 100_000 })),
    attempts: fc.array(anyAttempt, { maxLength: 3 }),
  })
  .map(({ at, isCorrection, pricesUnknown, ...rest }): Partial<LedgerEntry> => ({
    ...rest,
    createdAt: new Date(CENTRE_MS + at),
    ...(isCorrection ? { kind: "correction", corrects: "some-call", reason: "reprice", pricesUnknown } : {}),
  }));

const anyFilter: fc.Arbitrary<LedgerFilter> = fc
  .record(
    {
      from: anyTime,
      to: anyTime,
      model: fc.constantFrom("m1", "m3", "nothing"),
      provider: fc.constantFrom("openai", "anthropic"),
      apiKeyId: fc.constantFrom("k1", "k2"),
      userId: fc.constantFrom("u1", "u2"),
      status: fc.constantFrom(2, 4, 429),
      endpoint: fc.constant("messages"),
      tags: fc.uniqueArray(fc.constantFrom(...TAGS), { minLength: 1, maxLength: 2 }),
      direction: fc.constantFrom("consume" as const, "supply" as const),
    },
    { requiredKeys: [] },
  )
  .chain((whole) =>
    fc.subarray(Object.keys(whole) as (keyof typeof whole)[], { maxLength: 3 }).map((kept) => pickFilter(whole, kept)),
  );

function pickFilter(whole: Record<string, unknown>, kept: readonly string[]): LedgerFilter {
  const named = kept.map((name) => {
    const value = whole[name];
    return [
      name,
      (name === "from" || name === "to") && typeof value === "number" ? new Date(CENTRE_MS + value) : value,
    ];
  });
  return Object.fromEntries(named);
}

const anyStretch = fc.option(
  fc.record({
    bucket: fc.constantFrom(...BUCKETS),
    zone: fc.constantFrom(
      "UTC",
      "Europe/Berlin",
      "Asia/Kolkata",
      "Asia/Kathmandu",
      "America/St_Johns",
      "Australia/Lord_Howe",
      "America/Los_Angeles",
    ),
    from: fc.integer({ min: -60, max: 0 }),
    hours: fc.integer({ min: 1, max: 90 }),
  }),
);

const anyQuery: fc.Arbitrary<ReportQuery> = fc
  .record({ filter: anyFilter, by: fc.subarray([...DIMENSIONS], { maxLength: 3 }), stretch: anyStretch })
  .map(({ filter, by, stretch }) => ({ filter, by, edges: stretch === null ? [] : lay(stretch) }));

function lay({ bucket, zone, from, hours }: { bucket: Bucket; zone: string; from: number; hours: number }): number[] {
  const start = CENTRE_MS + from * HOUR_MS + 1_234;
  const filter = { from: new Date(start), to: new Date(start + hours * HOUR_MS) };
  return layEdges({ filter, bucket, zone: findZone(zone) ?? UTC, nowMs: start });
}

/** What a report must be: every row looked at, one after another. */
function addUp(rows: readonly LedgerEntry[], { filter, by, edges }: ReportQuery): Map<string, Told> {
  const groups = new Map<string, Told>();
  for (const { row, told } of rows.flatMap(takeApart)) {
    const at = row.createdAt.getTime();
    const stretch = edges.length === 0 ? 0 : edges.findLastIndex((edge) => edge <= at);
    if (stretch < 0 || (edges.length > 0 && stretch >= edges.length - 1) || !passes(row, filter)) continue;
    const tags = by.includes("tag") && (row.tags?.length ?? 0) > 0 ? (row.tags ?? []) : [null];
    for (const tag of tags) {
      const keys = by.map((dimension) => nameOf(row, dimension, tag));
      const name = JSON.stringify([stretch, keys, row.direction]);
      const before = groups.get(name) ?? NOTHING;
      groups.set(name, {
        ...addSums(before, told),
        latency: addClasses(before.latency, told.latency),
        ttft: addClasses(before.ttft, told.ttft),
      });
    }
  }
  for (const [name, told] of groups) if (isEmpty(told)) groups.delete(name);
  return new Map([...groups].map(([name, told]) => [name, print(told)]));
}

/** What each of the providers and models of a row had of it. */
function takeApart(row: LedgerEntry): { row: LedgerEntry; told: Told }[] {
  const told = toldOf(row);
  const shares = listShares(row).map((share) => ({
    row: { ...row, provider: share.provider, modelServed: share.model },
    told: {
      ...NOTHING,
      ...Object.fromEntries(SPENT_FIELDS.map((field) => [field, share[field]])),
      attempts: share.attempts,
    },
  }));
  for (const share of shares)
    for (const field of [...SPENT_FIELDS, "attempts" as const]) told[field] -= share.told[field];
  return [{ row, told }, ...shares];
}

type Told = Sums & ReportGroup["spread"];

const NOTHING: Told = { ...NO_SUMS, latency: NO_CLASSES, ttft: NO_CLASSES };

function nameGroups(groups: readonly ReportGroup[]): Map<string, Told> {
  return new Map(
    groups.map(({ stretch, keys, direction, sums, spread }) => [
      JSON.stringify([stretch, keys, direction]),
      { ...sums, ...spread },
    ]),
  );
}

/** In an order of its own. */
function print({ latency, ttft, ...sums }: Told) {
  const calls = new Map([...latency].filter(([, count]) => count !== 0));
  return { ...sums, latency: printClasses(calls), ttft: printClasses(ttft) } as unknown as Told;
}

function isEmpty({ latency, ttft, ...sums }: Told): boolean {
  return latency.size === 0 && ttft.size === 0 && Object.values(sums).every((value) => value === 0);
}

function nameOf(row: LedgerEntry, dimension: Dimension, tag: string | null): string | number | null {
  const { direction, endpoint, apiKeyId: key, modelAsked, modelServed, provider, status, userId: user } = row;
  return { direction, endpoint, key, model: modelServed || modelAsked, provider, status, tag, user }[dimension];
}

function passes(row: LedgerEntry, filter: LedgerFilter): boolean {
  const { from, to, model, status, tags = [] } = filter;
  return (
    (from === undefined || row.createdAt >= from) &&
    (to === undefined || row.createdAt < to) &&
    (model === undefined || row.modelAsked === model || row.modelServed === model) &&
    (status === undefined || row.status === status || Math.floor(row.status / 100) === status) &&
    tags.every((tag) => row.tags?.includes(tag) === true) &&
    (["apiKeyId", "direction", "endpoint", "provider", "userId"] as const).every(
      (field) => filter[field] === undefined || filter[field] === row[field],
    )
  );
}

function toldOf(row: LedgerEntry): Told {
  const isCall = row.kind === "call";
  const isUntimed = isCall && row.errorKind === "interrupted" && row.latencyMs === 0;
  const isUnpriced = isCall && row.costNanos === null && row.usageSource !== "none";
  return {
    entries: 1,
    attempts: isCall ? row.attempts.length : 0,
    requests: isCall ? 1 : 0,
    errors: isCall && (row.errorKind !== null || row.status >= 400) ? 1 : 0,
    freshInputTokens: row.freshInputTokens ?? 0,
    cacheReadTokens: row.cacheReadTokens ?? 0,
    cacheWriteTokens: row.cacheWriteTokens ?? 0,
    longCacheWriteTokens: row.longCacheWriteTokens ?? 0,
    outputTokens: row.outputTokens ?? 0,
    reasoningTokens: row.reasoningTokens ?? 0,
    costNanos: row.costNanos ?? 0,
    unpricedRequests: (isUnpriced ? 1 : 0) - (row.pricesUnknown === true ? 1 : 0),
    latencyUs: isCall ? row.latencyMs * 1000 : 0,
    ttftUs: isCall ? (row.ttftMs ?? 0) * 1000 : 0,
    ttftRequests: isCall && row.ttftMs !== null ? 1 : 0,
    reusedRequests: isCall && row.provider === "cache" ? 1 : 0,
    savedTokens: row.provider === "cache" ? (row.units?.["saved_tokens"] ?? 0) : 0,
    savedCostNanos: row.provider === "cache" ? (row.units?.["saved_cost_nanos"] ?? 0) : 0,
    latency: isCall && !isUntimed ? new Map([[classOf(row.latencyMs), 1]]) : NO_CLASSES,
    untimedRequests: Number(isUntimed),
    ttft: isCall && row.ttftMs !== null ? new Map([[classOf(row.ttftMs), 1]]) : NO_CLASSES,
  };
}

/** An ungrouped query has a row also where nothing was found. */
function dropEmpty(groups: Map<string, Told>): Map<string, Told> {
  return new Map([...groups].flatMap(([name, told]) => (isEmpty(told) ? [] : [[name, print(told)]])));
}
