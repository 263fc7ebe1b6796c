// Pages of the books say what going through every row says, also where few rows fit and however far sheets tell where these are. Part of the contract.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeEntryLine, type LedgerEntry, type LedgerFilter } from "../../src/ledger/index.ts";
import type { OpenJournal, Store } from "../../src/store/index.ts";
import { openJournal } from "./report-contract.ts";
import { makeEntry, open, type Place } from "./sample.ts";

const START_MS = Date.UTC(2026, 2, 3, 5);
const MINUTE_MS = 60_000;
const ROWS = 2_600;
const LIMIT = 7;

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

export function describeLedgerPages(place: Place): void {
  describe("pages that few rows fit", () => {
    const folder = mkdtempSync(join(tmpdir(), "tokligence-page-"));
    const rows: LedgerEntry[] = [];
    let store: Store;
    let books: OpenJournal;

    beforeAll(async () => {
      store = await open(await place.create());
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
    const walk = async (filter: LedgerFilter): Promise<string[]> => {
      const ids: string[] = [];
      for (let cursor: string | null = null; ;) {
        const page = await store.ledger.page(filter, LIMIT, cursor);
        ids.push(...page.entries.map(({ id }) => id));
        cursor = page.nextCursor;
        if (cursor === null) return ids;
      }
    };
    const check = async (): Promise<void> => {
      for (const filter of FILTERS) expect([filter, await walk(filter)]).toEqual([filter, goThrough(rows, filter)]);
    };

    test("while nothing is summed up", check);
    test("while some is", async () => {
      expect(await store.ledger.rollUp(1_100)).toMatchObject({ rows: 1_100 });
      await check();
      expect(await store.ledger.rollUp(900)).toMatchObject({ rows: 900 });
      await check();
    });
    test("while sheets are being made, and when all are", async () => {
      for (let step = 0; (await store.ledger.rollUp(10_000)).rows > 0; step++) if (step % 20 === 0) await check();
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
  });
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
    modelServed: index % 211 === 0 ? "m-rare" : "m1",
    provider: index % 97 === 0 ? "p-rare" : "openai",
    endpoint: index % 2 === 0 ? "messages" : "chat.completions",
    direction: index % 90 === 0 ? "supply" : "consume",
  });
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
