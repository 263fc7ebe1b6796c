// The reading thread, on a SQLite file and on PostgreSQL: the same answers as in place, failures that keep their kind, pieces of an export, and an end.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeEntryLine, encodeRecountLine } from "../../../src/ledger/index.ts";
import { createReader, exportRows } from "../../../src/server/reader/reader.ts";
import { openReading, type Reading } from "../../../src/server/reader/thread.ts";
import { startUpkeep } from "../../../src/server/reader/upkeep.ts";
import type { Store } from "../../../src/store/index.ts";
import { makeClock } from "../../rig.ts";
import { makeRecount } from "../../audit/verify/books.ts";
import { createDatabase, hasPostgres } from "../../postgres.ts";
import { openJournal } from "../../store/report-contract.ts";
import { makeEntry, open } from "../../store/sample.ts";

const ROWS = 2_500;
const COUNTED = 600;

describe.each(hasPostgres ? (["sqlite", "postgres"] as const) : (["sqlite"] as const))(
  "the thread that reads %s",
  (engine) => {
    let folder: string;
    let store: Store;
    let reading: Reading;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "tokligence-reader-"));
      store = await open(engine === "sqlite" ? join(folder, "ledger.db") : await createDatabase());
      const { journal, close } = await openJournal(store, join(folder, "outbox.db"));
      const entries = Array.from({ length: ROWS }, (_, index) =>
        makeEntry({ status: index % 5 === 0 ? 500 : 200, createdAt: new Date(index * 60_000) }),
      );
      const counted = entries.slice(0, COUNTED).map(({ id }) => makeRecount(id));
      journal.append([...entries.map(encodeEntryLine), ...counted.map(encodeRecountLine)], () => []);
      await store.arrive();
      await close(10_000);
      reading = openReading({ ...store, after: makeClock().after });
    });
    afterAll(async () => {
      await reading.close();
      await store.close();
      rmSync(folder, { recursive: true });
    });

    const byStatus = { filter: { from: new Date(90_000) }, by: ["status" as const], edges: [] };

    test("answers as the store does", async () => {
      expect(await reading.report(byStatus)).toEqual(await store.ledger.report(byStatus));
      expect(await reading.page({ status: 5 }, 10, null)).toEqual(await store.ledger.page({ status: 5 }, 10, null));
      expect(await reading.findPayload("none")).toBeNull();
    });

    test("prints bodies as they are printed in place", async () => {
      const inPlace = createReader(store);
      const nowMs = ROWS * 60_000;
      const breakdown = { filter: {}, by: ["status" as const], most: 1 };
      const days = { filter: {}, bucket: "day" as const, zone: "Asia/Kolkata", nowMs };
      const pairs = await Promise.all([
        Promise.all([reading.breakdown(breakdown), inPlace.breakdown(breakdown)]),
        Promise.all([reading.timeseries(days), inPlace.timeseries(days)]),
        Promise.all([
          reading.logs({ filter: {}, limit: 9, cursor: null }),
          inPlace.logs({ filter: {}, limit: 9, cursor: null }),
        ]),
      ]);
      for (const [far, near] of pairs)
        expect(new TextDecoder().decode(far.bytes)).toBe(new TextDecoder().decode(near.bytes));
      const [[groups], [series]] = pairs;
      expect(JSON.parse(new TextDecoder().decode(groups.bytes))).toMatchObject({
        groups: [{ requests: 2_000 }],
        left_out: 1,
      });
      expect(JSON.parse(new TextDecoder().decode(series.bytes))).toMatchObject({ tz: "Asia/Kolkata" });
    });

    test("keeps the kind of a failure", async () => {
      await expect(reading.page({}, 10, "none of ours")).rejects.toMatchObject({
        kind: "invalid_request",
        param: "cursor",
      });
    });

    test("reports on tokens, and asks for the prices of counted rows a piece at a time", async () => {
      const query = { filter: {}, by: ["model" as const], flagged: 3 };
      const asked: number[] = [];
      const split = (entries: readonly { costNanos: number | null }[]) =>
        Promise.resolve(entries.map(({ costNanos }) => ({ input: costNanos ?? 0, output: 1 })));
      const far = await reading.tokens(query, (entries) => {
        asked.push(entries.length);
        return split(entries);
      });
      const near = await createReader(store).tokens(query, split);
      expect(new TextDecoder().decode(far.bytes)).toBe(new TextDecoder().decode(near.bytes));
      expect(JSON.parse(new TextDecoder().decode(far.bytes))).toMatchObject({
        total: { rows: ROWS, counted: COUNTED },
      });
      expect(Math.max(...asked)).toBeLessThanOrEqual(250);
      expect(asked.reduce((sum, count) => sum + count)).toBe(COUNTED);
      await expect(reading.tokens(query, () => Promise.reject(new Error("no prices")))).rejects.toThrow("no prices");
    });

    test("gives an export in pieces, every row once", async () => {
      const decoder = new TextDecoder();
      let text = "";
      let pieces = 0;
      for await (const { bytes } of exportRows(reading, { filter: {}, format: "jsonl" })) {
        text += decoder.decode(bytes);
        pieces++;
      }
      expect(pieces).toBeGreaterThan(2);
      const ids = text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).id);
      expect(new Set(ids).size).toBe(ROWS);
      expect(ids).toHaveLength(ROWS);
    });

    test("sums up all rows as time goes by, a step at a time, and then rests", async () => {
      const before = await reading.report(byStatus);
      expect(await reading.hasUnsummed()).toBe(true);
      const clock = makeClock();
      let steps = 0;
      const { promise: rested, resolve } = Promise.withResolvers<void>();
      const stop = startUpkeep({
        ledger: {
          hasUnsummed: reading.hasUnsummed,
          async rollUp(...asked) {
            const step = await reading.rollUp(...asked);
            steps++;
            // The next step is armed in the tasks that follow.
            if (step.rows > 0) setImmediate(() => clock.advance(1_000));
            else resolve();
            return step;
          },
        },
        isShared: false,
        nowMs: clock.monotonicMs,
        after: clock.after,
        onFault: (error) => {
          throw error;
        },
      });
      clock.advance(1_000);
      await rested;
      expect(steps).toBeGreaterThan(2);
      expect(await reading.hasUnsummed()).toBe(false);
      expect(await reading.rollUp(10)).toEqual({ rows: 0, heldMs: 0 });
      expect(await reading.report(byStatus)).toEqual(before);
      await stop();
    });

    test("starts again when it is asked after its end", async () => {
      await reading.close();
      expect((await reading.page({}, 1, null)).entries).toHaveLength(1);
    });

    test("ends when nobody has asked for a while, and starts again for whoever asks then", async () => {
      const clock = makeClock();
      const ends: Promise<unknown>[] = [];
      const seldom = openReading({
        ...store,
        after: clock.after,
        startThread() {
          const worker = new Worker(new URL("../../../src/server/reader/worker.ts", import.meta.url).href);
          ends.push(new Promise((resolve) => worker.addEventListener("close", resolve)));
          return worker;
        },
      });
      const ask = async (): Promise<void> => expect((await seldom.page({}, 1, null)).entries).toHaveLength(1);
      await ask();
      clock.advance(299_000);
      await Promise.all([ask(), ask()]);
      // It counts from the last answer on.
      clock.advance(299_000);
      await ask();
      expect(ends).toHaveLength(1);
      clock.advance(300_000);
      await ends[0];
      await ask();
      expect(ends).toHaveLength(2);
      await seldom.close();
      await ends[1];
    });
  },
);
