// Calls that a gateway died over, of which nobody knows how long they took: sums know how many they are, also once the rows are gone. Part of the
// contract.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Dimension, encodeEntryLine, type ReportQuery, sumRemains } from "../../src/ledger/index.ts";
import type { OpenJournal, Store } from "../../src/store/index.ts";
import { checkRollups } from "../../src/store/rollup/check.ts";
import { keepHoursApart } from "./older.ts";
import { openJournal } from "./report-contract.ts";
import { makeEntry, open, type Place } from "./sample.ts";

const QUARTER_MS = 900_000;
const START_MS = Date.UTC(2026, 4, 5, 8);
const ROWS = 40;
const BYS: readonly Dimension[][] = [[], ["model"], ["user"], ["tag"], ["status", "key"]];

export function describeUntimed(place: Place): void {
  describe("calls that nobody timed", () => {
    let folder: string;
    let location: string;
    let store: Store;
    let books: OpenJournal;

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), "tokligence-untimed-"));
      location = await place.create();
      store = await open(location);
      books = await openJournal(store, join(folder, "outbox.db"));
      const entries = Array.from({ length: ROWS }, (_, index) => {
        const died = index % 4 === 0 ? ({ status: 500, errorKind: "interrupted", latencyMs: 0 } as const) : {};
        return makeEntry({
          latencyMs: index % 4 === 1 ? 0.5 : 400,
          ...died,
          kind: "call",
          createdAt: new Date(START_MS + index * QUARTER_MS),
          userId: `u${index % 3}`,
          tags: index % 2 === 0 ? ["team=a", "env=prod"] : null,
        });
      });
      books.journal.append(entries.map(encodeEntryLine), () => []);
      await store.ledger.page({}, 1, null);
    });
    afterEach(async () => {
      await books.close(1_000);
      await store.close();
      rmSync(folder, { recursive: true });
    });

    const settle = async (): Promise<void> => {
      while ((await store.ledger.rollUp(7)).rows > 0);
    };
    const report = async () => {
      const found = [];
      for (const by of BYS) {
        // Of whole hours, and of a time that cuts one.
        for (const edges of [[], [START_MS, START_MS + 10 * QUARTER_MS, START_MS + 2 * ROWS * QUARTER_MS]]) {
          const query: ReportQuery = { filter: {}, by, edges };
          const { groups } = await store.ledger.report(query);
          const told = groups.map(({ stretch, keys, sums, spread }) => {
            const { requests, latencyUs, untimedRequests } = sums;
            return JSON.stringify([
              stretch,
              keys,
              requests,
              latencyUs,
              untimedRequests,
              [...spread.latency].toSorted(([left], [right]) => left - right),
            ]);
          });
          found.push(told.toSorted());
        }
      }
      return found;
    };
    const findWrong = async () => {
      const asked = { cutChains: [], from: null, to: null, onProgress: () => undefined };
      return (await checkRollups(location, asked)).wrong;
    };

    test("are none of those that took no time, wherever a report has them from", async () => {
      const ofRows = await report();
      expect(JSON.parse(ofRows[0]?.[0] ?? "")).toEqual([0, [], 40, 20 * 400_000 + 10 * 500, 10, expect.any(Array)]);
      await store.ledger.rollUp(9);
      expect(await report()).toEqual(ofRows);
      await settle();
      expect(await report()).toEqual(ofRows);
      const [cut] = await store.ledger.findCuts(new Date(START_MS + 20 * QUARTER_MS));
      if (cut === undefined) throw new Error("nothing goes");
      while ((await store.ledger.dropRows(cut, 7, sumRemains)) > 0);
      expect(await report()).toEqual(ofRows);
    });

    test("are also those that were imported", async () => {
      const before =
        (await store.ledger.report({ filter: {}, by: [], edges: [] })).groups[0]?.sums.untimedRequests ?? 0;
      const createdAt = new Date(START_MS);
      const entries = Array.from({ length: 3 }, () =>
        makeEntry({ kind: "call", createdAt, usageSource: "imported", latencyMs: 0, reason: "imported" }),
      );
      books.journal.append(entries.map(encodeEntryLine), () => []);
      await store.ledger.page({}, 1, null);
      const ofRows = await report();
      expect(JSON.parse(ofRows[0]?.[0] ?? "").slice(2, 5)).toEqual([43, 20 * 400_000 + 10 * 500, before + 3]);
      await settle();
      expect(await report()).toEqual(ofRows);
      expect(await findWrong()).toEqual([]);
    });

    test("are counted in sums of before there was a count of them, and their rows do not go until they are", async () => {
      const ofRows = await report();
      await settle();
      await keepHoursApart(place, location);
      await place.run(location, "update ledger_rollups set untimed_requests = 0");
      await place.run(location, "update ledger_marks set untimed_seq = 0");
      await place.run(location, "delete from tokligence_sheet_state");
      // What sums lack so far is not wrong.
      expect(await findWrong()).toEqual([]);
      const late = new Date(START_MS + ROWS * QUARTER_MS);
      expect(await store.ledger.findCuts(late)).toEqual([]);
      expect(await store.ledger.hasUnsummed()).toBeTrue();
      expect(await store.ledger.rollUp(7)).toMatchObject({ rows: 7 });
      expect(await findWrong()).toEqual([]);
      await settle();
      expect(await findWrong()).toEqual([]);
      expect(await report()).toEqual(ofRows);
      expect(await store.ledger.findCuts(late)).toMatchObject([{ seq: ROWS }]);
    });
  });
}
