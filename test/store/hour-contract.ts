// Sums of hours are packed as they come, in parts that become few, and are the sums of the rows whatever state they are in. Part of the contract.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dimension, encodeEntryLine, type LedgerEntry } from "../../src/ledger/index.ts";
import type { OpenJournal, Store } from "../../src/store/index.ts";
import { checkRollups } from "../../src/store/rollup/check.ts";
import { keepHoursApart, query } from "./older.ts";
import { openJournal } from "./report-contract.ts";
import { makeEntry, open, type Place } from "./sample.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 4, 5, 8);

export function describeHours(place: Place): void {
  describe("packed sums of hours", () => {
    const folder = mkdtempSync(join(tmpdir(), "tokligence-hour-"));
    let rows: LedgerEntry[];
    let location: string;
    let store: Store;
    let books: OpenJournal;

    const start = async (): Promise<void> => {
      rows = [];
      location = await place.create();
      store = await open(location);
      books = await openJournal(store, join(folder, `${crypto.randomUUID()}.db`));
    };
    const stop = async (): Promise<void> => {
      await books.close(1_000);
      await store.close();
    };
    const book = async (times: readonly number[]): Promise<void> => {
      const entries = times.map((ms, index) =>
        makeEntry({
          id: Bun.randomUUIDv7(),
          kind: "call",
          createdAt: new Date(ms),
          userId: `u${index % 5}`,
          apiKeyId: `k${index % 7}`,
          tags: index % 2 === 0 ? ["team=a", "env=prod"] : null,
        }),
      );
      rows.push(...entries);
      books.journal.append(entries.map(encodeEntryLine), () => []);
      await store.ledger.page({}, 1, null);
    };
    const rollUp = async (limit: number): Promise<void> => {
      for (
        let step = await store.ledger.rollUp(limit);
        step.chain !== undefined;
        step = await store.ledger.rollUp(limit)
      );
    };
    const settle = async (): Promise<void> => {
      while ((await store.ledger.rollUp(1_000)).rows > 0);
    };
    const countParts = async (): Promise<number[]> => {
      const statement = "select count(*) as parts from ledger_hours group by started_at order by started_at";
      return (await query<{ parts: number }>(place, location, statement)).map(({ parts }) => Number(parts));
    };
    const report = async (by: Dimension[]): Promise<Record<string, unknown>> => {
      const { groups } = await store.ledger.report({ filter: {}, by, edges: [] });
      const told = groups.map(({ keys, sums }) => [keys.join(" "), [sums.entries, sums.costNanos, sums.latencyUs]]);
      return Object.fromEntries(told);
    };
    const addUp = (name: (row: LedgerEntry) => string): Record<string, unknown> => {
      const told: Record<string, number[]> = {};
      for (const row of rows) {
        const [entries = 0, cost = 0, latency = 0] = told[name(row)] ?? [];
        told[name(row)] = [entries + 1, cost + (row.costNanos ?? 0), latency + Math.round(row.latencyMs * 1000)];
      }
      return told;
    };
    const expectWhole = async (): Promise<void> => {
      expect(await report(["key"])).toEqual(addUp(({ apiKeyId }) => apiKeyId));
      expect(await report(["user", "status"])).toEqual(addUp(({ userId, status }) => `${userId} ${status}`));
      const checked = await checkRollups(location, {
        cutChains: [],
        from: null,
        to: null,
        onProgress: () => undefined,
      });
      expect(checked.wrong).toEqual([]);
    };
    /** Nothing that may be lost answers. */
    const expectWholeAlone = async (): Promise<void> => {
      await place.run(location, "delete from tokligence_sheet_state");
      await expectWhole();
    };

    beforeAll(start);
    afterAll(async () => {
      await stop();
      rmSync(folder, { recursive: true });
    });

    test("have no row each, and few parts once their hour is over; a late row is one of them like any other", async () => {
      await book(Array.from({ length: 40 }, (_, index) => START_MS + index * 180_000));
      await rollUp(4);
      expect(await countParts()).toEqual([10, 10].map(() => expect.any(Number)));
      expect(Math.min(...(await countParts()))).toBeGreaterThan(4);
      await expectWhole();
      await expectWholeAlone();
      await settle();
      // The second one goes on.
      expect((await countParts())[0]).toBe(1);
      await expectWholeAlone();
      await book([START_MS + 60_000, START_MS + HOUR_MS + 60_000]);
      await rollUp(1);
      expect((await countParts())[0]).toBe(2);
      await expectWholeAlone();
      await book([START_MS + 3 * HOUR_MS]);
      await settle();
      expect(await countParts()).toEqual([1, 1, 1]);
      await expectWhole();
      await expectWholeAlone();
      const apart = "select count(*) as parts from ledger_rollups where level in ('all.hour', 'owner.hour')";
      expect((await query<{ parts: number }>(place, location, apart)).map(({ parts }) => Number(parts))).toEqual([0]);
    });

    test("are joined before their hour is over, where there are many", async () => {
      await book(Array.from({ length: 140 }, (_, index) => START_MS + 5 * HOUR_MS + index));
      await rollUp(1);
      expect((await countParts()).at(-1)).toBe(140);
      await settle();
      expect((await countParts()).at(-1)).toBe(1);
      await expectWholeAlone();
    });

    test("go with those that an older release kept a row each, of the same hour, too", async () => {
      await rollUp(1_000);
      await keepHoursApart(place, location);
      expect(await countParts()).toEqual([]);
      await expectWhole();
      await expectWholeAlone();
      await book([START_MS + 120_000, START_MS + HOUR_MS, START_MS + 6 * HOUR_MS]);
      await rollUp(1_000);
      await expectWholeAlone();
      await place.run(location, "delete from tokligence_sheets");
      await settle();
      await expectWhole();
      await expectWholeAlone();
    });

    test("are joined once, whoever does it at the same time", async () => {
      const other = await open(location);
      for (let round = 0; round < 5; round++) {
        const startMs = START_MS + (10 + 2 * round) * HOUR_MS;
        await book(Array.from({ length: 12 }, (_, index) => startMs + index * 300_000));
        await book([startMs + HOUR_MS]);
        await rollUp(1);
        const step = ({ ledger }: Store) => ledger.rollUp(1_000).catch(() => ({ rows: 1 }));
        for (let turn = 0; turn < 12; turn++) await Promise.all([step(store), step(other)]);
      }
      await settle();
      expect(new Set(await countParts())).toEqual(new Set([1]));
      await expectWhole();
      await expectWholeAlone();
      await other.close();
    });

    /** Only one of the engines bounds what a statement is given. */
    test.skipIf(place.engine === "sqlite")(
      "are as many as the rows of a step have quarters of an hour, such as those of years that were imported",
      async () => {
        await settle();
        await book(Array.from({ length: 16_500 }, (_, index) => Date.UTC(2024, 0, 1) + index * 900_000));
        expect(await store.ledger.rollUp(20_000)).toMatchObject({ rows: 16_500 });
        expect(await report(["key"])).toEqual(addUp(({ apiKeyId }) => apiKeyId));
      },
      60_000,
    );
  });
}
