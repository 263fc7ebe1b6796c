// What auditors read of the books: every call of a time once, the oldest first, however many came at one moment. Part of the contract.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { LedgerEntry } from "../../src/ledger/index.ts";
import type { Store } from "../../src/store/index.ts";
import { makeEntry, open, type Place } from "./sample.ts";

const START_MS = Date.UTC(2026, 2, 3, 5);
/** More than two pages. */
const AT_ONCE = 2_300;

export function describeAuditors(place: Place): void {
  describe("calls that auditors read", () => {
    const rows: LedgerEntry[] = [];
    let store: Store;

    beforeAll(async () => {
      store = await open(await place.create());
      const moments = [
        ...Array.from({ length: 900 }, (_, index) => index),
        ...Array.from({ length: AT_ONCE }, () => 900),
      ];
      // The newest are written first, and ids say nothing about the time.
      for (const moment of [...moments, 901, 902].toReversed())
        rows.push(makeEntry({ id: Bun.randomUUIDv7(), createdAt: new Date(START_MS + moment) }));
      await store.ledger.append(rows);
      const corrected = rows[0]?.id ?? "";
      await store.ledger.append([
        makeEntry({ kind: "correction", corrects: corrected, createdAt: new Date(START_MS + 900) }),
      ]);
    });
    afterAll(() => store.close());

    const read = async (fromMs: number, toMs: number): Promise<string[]> => {
      const pages = await Array.fromAsync(store.audit.calls(new Date(START_MS + fromMs), new Date(START_MS + toMs)));
      return pages.flatMap((page) => page.map(({ id }) => id));
    };

    test.each([
      ["of all time", -1, 10_000],
      ["of one moment", 900, 901],
      ["up to that moment", 0, 900],
      ["from within to within", 450, 902],
      ["of no time", 5_000, 6_000],
    ])("%s", async (_, fromMs, toMs) => {
      expect(await read(fromMs, toMs)).toEqual(listOldestFirst(rows, START_MS + fromMs, START_MS + toMs));
    });
  });
}

function listOldestFirst(rows: readonly LedgerEntry[], fromMs: number, toMs: number): string[] {
  const within = rows.filter(({ createdAt }) => createdAt.getTime() >= fromMs && createdAt.getTime() < toMs);
  const key = ({ createdAt, id }: LedgerEntry): string => `${createdAt.toISOString()} ${id}`;
  return within.toSorted((left, right) => (key(left) < key(right) ? -1 : 1)).map(({ id }) => id);
}
