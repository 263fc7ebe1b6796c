// Sheets hold what was packed into them, reports read them where they are good, and what they were made of may change at any time.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { encodeEntryLine, type LedgerEntry, type ReportQuery, SUM_FIELDS } from "../../src/ledger/index.ts";
import { printClasses } from "../../src/lib/spread.ts";
import type { RollupRow } from "../../src/store/engine.ts";
import type { OpenJournal, Store } from "../../src/store/index.ts";
import { packSheet, TERMS, unpackSheet } from "../../src/store/sheet/sheet.ts";
import { makeEntry, open } from "./sample.ts";
import { openJournal } from "./report-contract.ts";

const SEED = 20_261_126;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2026, 2, 1);

describe("a sheet", () => {
  const anyNumber = fc.oneof(
    fc.constant(0),
    fc.integer({ min: 0, max: 300 }),
    fc.integer({ min: -5, max: 70_000 }),
    fc.maxSafeInteger(),
  );
  const anyClasses = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 100_000 })), { maxLength: 5 })
    .map((classes) => printClasses(new Map(classes)));
  const anyRow = fc
    .record({
      sums: fc.tuple(...SUM_FIELDS.map(() => anyNumber)),
      userId: fc.constantFrom("", "u1", "u2"),
      apiKeyId: fc.constantFrom("k1", "k 2", "ü"),
      tags: fc.constantFrom<(string[] | null)[]>(null, [], ["a"], ["a", 'ü "\\']),
      modelAsked: fc.constantFrom("m1", "m2"),
      modelServed: fc.constantFrom("m1", "", null),
      provider: fc.constantFrom("p", null),
      endpoint: fc.constant("e"),
      status: fc.constantFrom(0, 200, 70_000),
      direction: fc.constantFrom("consume" as const, "supply" as const),
      latencies: anyClasses,
      ttfts: anyClasses,
    })
    .map(({ sums, ...row }): RollupRow => ({
      ...row,
      ...(Object.fromEntries(SUM_FIELDS.map((field, at) => [field, sums[at] ?? 0])) as Pick<
        RollupRow,
        (typeof SUM_FIELDS)[number]
      >),
      id: "id",
      level: "all.hour",
      startedAt: new Date(START_MS),
    }));
  const name = (row: Omit<RollupRow, "id" | "level" | "startedAt">): string =>
    JSON.stringify([...TERMS, ...SUM_FIELDS, "latencies" as const, "ttfts" as const].map((field) => row[field]));

  test("holds the rows that were packed, wherever its bytes lie", () => {
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 40 }), fc.integer({ min: 0, max: 9 }), (rows, shift) => {
        const { body: packed } = packSheet(rows, START_MS);
        const moved = new Uint8Array(new ArrayBuffer(packed.length + shift), shift);
        moved.set(packed);
        expect(unpackSheet(moved, START_MS).map(name).toSorted()).toEqual(rows.map(name).toSorted());
      }),
      { seed: SEED },
    );
  });
});

describe("a ledger with sheets", () => {
  let folder: string;
  let location: string;
  let store: Store;
  let books: OpenJournal;
  const rows: LedgerEntry[] = [];

  const book = async (entries: readonly LedgerEntry[]): Promise<void> => {
    rows.push(...entries);
    books.journal.append(entries.map(encodeEntryLine), () => []);
    await store.ledger.page({}, 1, null);
  };
  const settle = async (): Promise<void> => {
    while ((await store.ledger.rollUp(1_000)).rows > 0);
  };
  const run = <Row>(statement: string): Row[] => {
    const db = new Database(location);
    try {
      return db.query<Row, []>(statement).all();
    } finally {
      db.close();
    }
  };
  const countSheets = (where = "1 = 1"): number =>
    run<{ sheets: number }>(`select count(*) as sheets from tokligence_sheets where ${where}`)[0]?.sheets ?? 0;
  /** Summed by nothing else. */
  const query: ReportQuery = { filter: {}, by: ["user", "model"], edges: [] };
  const report = async (asked: ReportQuery = query): Promise<{ keys: string; requests: number }[]> => {
    const { groups } = await store.ledger.report(asked);
    const told = groups.map(({ keys, sums }) => ({ keys: keys.join(" "), requests: sums.requests }));
    return told.filter(({ requests }) => requests > 0).toSorted((left, right) => (left.keys < right.keys ? -1 : 1));
  };
  const addUp = (fromMs = -Infinity, toMs = Infinity) => {
    const counts = new Map<string, number>();
    for (const { createdAt, userId, modelServed, modelAsked } of rows) {
      if (createdAt.getTime() < fromMs || createdAt.getTime() >= toMs) continue;
      const keys = `${userId} ${modelServed ?? modelAsked}`;
      counts.set(keys, (counts.get(keys) ?? 0) + 1);
    }
    const told = [...counts].map(([keys, requests]) => ({ keys, requests }));
    return told.toSorted((left, right) => (left.keys < right.keys ? -1 : 1));
  };
  const entryAt = (ms: number, index = 0): LedgerEntry =>
    makeEntry({
      id: Bun.randomUUIDv7(),
      kind: "call",
      createdAt: new Date(ms),
      userId: `u${index % 3}`,
      modelServed: `m${index % 2}`,
      tags: index % 2 === 0 ? ["team=a", "env=prod"] : null,
    });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tokligence-sheet-"));
    location = join(folder, "ledger.db");
    store = await open(location);
    books = await openJournal(store, join(folder, "outbox.db"));
    // Twelve days, a row every two hours.
    await book(Array.from({ length: 144 }, (_, index) => entryAt(START_MS + index * 2 * HOUR_MS, index)));
    await settle();
  });
  afterAll(async () => {
    await books.close(1_000);
    await store.close();
    rmSync(folder, { recursive: true });
  });

  test("has one of every time that is over, and none of a time that goes on", () => {
    const hours = new Set(rows.map(({ createdAt }) => Math.floor(createdAt.getTime() / HOUR_MS) * HOUR_MS));
    const newest = Math.max(...hours);
    const spans: [names: string[], grainMs: number][] = [
      [["all.days", "owner.days"], 5 * DAY_MS],
      [["all.day", "owner.day", "all.line", "tagged.line", "tagged.halves", "tagged.hours", "brief.line"], DAY_MS],
      [["all.hours", "owner.hours"], 6 * HOUR_MS],
      [["all.hour", "owner.hour"], HOUR_MS],
    ];
    for (const [names, grainMs] of spans) {
      const starts = new Set([...hours].map((ms) => ms - (ms % grainMs)).filter((ms) => ms + grainMs <= newest));
      for (const level of names) {
        const found = run<{ at: number }>(
          `select distinct started_at as at from tokligence_sheets where level = '${level}'`,
        );
        expect([level, new Set(found.map(({ at }) => at))]).toEqual([level, starts]);
      }
    }
    // Those are added to as rows come.
    expect(countSheets("level = 'all.quarter'")).toBe(hours.size);
    expect(countSheets("level = 'rows.quarter'")).toBe(hours.size);
  });

  test("answers from them alone, whatever is left of the sums they were made of", async () => {
    const before = await report();
    expect(before).toEqual(addUp());
    const whole = { fromMs: START_MS + 7 * 60_000 + 1, toMs: START_MS + 11 * DAY_MS - 1_234 };
    const odd = { ...query, filter: { from: new Date(whole.fromMs), to: new Date(whole.toMs) } };
    expect(await report(odd)).toEqual(addUp(whole.fromMs, whole.toMs));
    const kept = run<{ id: string }>("select id from ledger_rollups where level like 'all.%'");
    run("create table kept as select * from ledger_rollups where level like 'all.%'");
    run(
      "delete from ledger_rollups where level = 'all.days' and started_at < (select max(started_at) from kept where level = 'all.days')",
    );
    expect(await report()).toEqual(before);
    run("insert into ledger_rollups select * from kept where id not in (select id from ledger_rollups)");
    run("drop table kept");
    expect(run("select id from ledger_rollups where level like 'all.%'")).toHaveLength(kept.length);
  });

  test("drops those of a time that a late row comes into, and makes them anew", async () => {
    const before = countSheets();
    await book([entryAt(START_MS + 3 * DAY_MS + 20 * 60_000, 1)]);
    expect(await report()).toEqual(addUp());
    // No more than the row: nothing is packed.
    expect(await store.ledger.rollUp(1)).toMatchObject({ rows: 1 });
    // What has the row in it goes, at four levels twice and in five lines; its quarter, which had none, gets two.
    expect(countSheets()).toBe(before - 4 - 4 - 5 + 2);
    expect(await report()).toEqual(addUp());
    await settle();
    expect(countSheets()).toBe(before + 2);
    expect(await report()).toEqual(addUp());
  });

  test("takes none of them where sums were moved by somebody who does not know them", async () => {
    run("update tokligence_sheets set body = (select body from tokligence_sheets where level = 'all.quarter' limit 1)");
    expect(await report()).not.toEqual(addUp());
    run("insert into ledger_marks (chain, seq, detail_seq) values ('another', 1, 1)");
    expect(await report()).toEqual(addUp());
    await settle();
    expect(countSheets()).toBeGreaterThan(100);
    expect(await report()).toEqual(addUp());
  });

  test("makes none of rows that may be gone, and reports of these what sums still know", async () => {
    const removedMs = START_MS + 2 * DAY_MS;
    run(`update ledger_marks set removed_before = ${removedMs}`);
    run("delete from tokligence_sheets where level in ('all.quarter', 'rows.quarter')");
    run(`delete from ledger_entries where created_at < ${removedMs}`);
    // Another process begins at the beginning.
    await store.close();
    store = await open(location);
    books = await openJournal(store, join(folder, "outbox.db"));
    await settle();
    expect(countSheets(`level = 'all.quarter' and started_at < ${removedMs}`)).toBe(0);
    expect(countSheets(`level = 'all.quarter' and started_at >= ${removedMs}`)).toBeGreaterThan(100);
    expect(await report()).toEqual(addUp());
  });

  test("lets go of sums that an older release kept, of which there are sheets now", async () => {
    run("update ledger_rollups set level = 'owner.days' where level = 'tag.hour'");
    const left = () =>
      run<{ sums: number }>("select count(*) as sums from ledger_rollups where level = 'owner.days'")[0]?.sums;
    expect(left()).toBeGreaterThan(100);
    await store.close();
    store = await open(location);
    books = await openJournal(store, join(folder, "outbox.db"));
    await settle();
    expect(left()).toBe(0);
    expect(await report()).toEqual(addUp());
    const { groups } = await store.ledger.report({ ...query, by: ["user"] });
    expect(groups).toHaveLength(3);
  });
});
