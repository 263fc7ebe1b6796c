// What is deleted when its time is over, and what stays. Part of the contract.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createBudgetSums,
  encodeEntryLine,
  encodeRecountLine,
  makePlace,
  type ReportQuery,
  sealAll,
  type SealedEntry,
  sumRemains,
} from "../../src/ledger/index.ts";
import type { Store } from "../../src/store/index.ts";
import { makeBudget } from "../ledger/budget/sample.ts";
import { openJournal } from "./report-contract.ts";
import { makeEntry, open, type Place } from "./sample.ts";

const HOUR_MS = 3_600_000;
const ROWS = 30;

export function describeRetention(place: Place): void {
  describe("retention", () => {
    const folder = mkdtempSync(join(tmpdir(), "tokligence-retention-"));
    let store: Store;
    let sealed: SealedEntry[] = [];
    const at = (hour: number) => new Date(Date.UTC(2026, 0, 1, hour, 30));

    beforeAll(async () => {
      store = await open(await place.create());
      const { journal, head, close } = await openJournal(store, join(folder, "outbox.db"));
      // The twentieth is late: its request came before all the others.
      const entries = Array.from({ length: ROWS }, (_, index) =>
        makeEntry({
          userId: `u${index % 2}`,
          createdAt: at(index === 19 ? -5 : index),
          payloadDigest: "digest",
          requestHash: "request",
          responseHash: "response",
          payloadSalt: "salt",
        }),
      );
      sealed = sealAll(
        head(),
        entries.map((entry) => ({ ...entry })),
      ).sealed;
      const counted = { createdAt: at(99), state: "skipped", reason: "busy" } as const;
      const recount = {
        ...counted,
        entryId: entries[0]?.id ?? "",
        method: null,
        tokenizer: null,
        tokenizerVersion: null,
        inputTokens: null,
        inputLow: null,
        inputHigh: null,
        outputTokens: null,
        outputLow: null,
        outputHigh: null,
        verdict: null,
      };
      journal.append([...entries.map(encodeEntryLine), encodeRecountLine(recount)], () => []);
      await store.ledger.page({}, 1, null);
      await store.ledger.putPayloads(
        entries.map(({ id, userId, createdAt }) => ({
          entryId: id,
          userId,
          createdAt,
          request: `asked ${id}`,
          response: null,
        })),
      );
      await close(1_000);
    });
    afterAll(async () => {
      await store.close();
      rmSync(folder, { recursive: true });
    });

    const idOf = (index: number): string => sealed[index]?.id ?? "";
    const repeat = async (step: () => Promise<number>): Promise<number[]> => {
      const counts: number[] = [];
      do counts.push(await step());
      while (counts.at(-1) !== 0);
      return counts;
    };

    test("captured text goes by its own age, a little at a time", async () => {
      expect(await store.ledger.findPayload(idOf(7))).toEqual({
        entryId: idOf(7),
        userId: "u1",
        createdAt: at(7),
        request: `asked ${idOf(7)}`,
        response: null,
      });
      const counts = await repeat(() => store.ledger.dropPayloads(at(8), 4));
      expect(counts.reduce((sum, count) => sum + count)).toBe(9);
      expect(Math.max(...counts)).toBe(4);
      expect(await store.ledger.findPayload(idOf(7))).toBeNull();
      expect(await store.ledger.findPayload(idOf(19))).toBeNull();
      expect(await store.ledger.findPayload(idOf(8))).not.toBeNull();
    });

    test("what is captured twice stays as it was", async () => {
      await store.ledger.putPayloads([
        { entryId: idOf(8), userId: "u0", createdAt: at(8), request: "other", response: "x" },
      ]);
      expect((await store.ledger.findPayload(idOf(8)))?.request).toBe(`asked ${idOf(8)}`);
      await store.ledger.putPayloads([]);
    });

    test("hashes go from the chain's oldest rows; the digest, which is attested, stays", async () => {
      const [forget] = await store.ledger.findForgets(at(10));
      expect(forget).toMatchObject({ chain: sealed[0]?.chain, seq: 10, hash: sealed[9]?.hash, isWhole: false });
      const counts = await repeat(async () => (forget === undefined ? 0 : store.ledger.dropHashes(forget, 4)));
      expect(counts).toEqual([4, 4, 2, 0]);
      const { entries } = await store.ledger.readOldest({}, 100, null);
      const withHash = entries.filter(
        ({ requestHash, responseHash, payloadSalt }) => requestHash ?? responseHash ?? payloadSalt,
      );
      expect(withHash.map(({ seq }) => seq).toSorted((left, right) => (left ?? 0) - (right ?? 0))).toEqual(
        Array.from({ length: ROWS - 10 }, (_, index) => index + 11),
      );
      expect(entries.every(({ payloadDigest }) => payloadDigest === "digest")).toBeTrue();
    });

    test("rows go only when they are summed up, the oldest of a chain first, and their sums stay", async () => {
      const chain = sealed[0]?.chain ?? "";
      expect(await store.ledger.findForgets(at(10))).toEqual([]);
      expect(await store.ledger.findCuts(at(12))).toEqual([]);
      const query: ReportQuery = { filter: {}, by: ["user"], edges: [] };
      const before = await store.ledger.report(query);
      const counted = await openCounts();
      const spent = await counted();
      while ((await store.ledger.rollUp(7)).rows > 0);
      expect(await store.ledger.findCuts(at(0))).toEqual([]);
      expect(await store.ledger.findCuts(at(99))).toMatchObject([{ isWhole: true, seq: ROWS }]);
      const [cut] = await store.ledger.findCuts(at(12));
      const place = { chain, seq: 12, hash: sealed[11]?.hash ?? "", before: at(12) };
      expect(cut).toEqual({ ...place, keyId: expect.any(String), isWhole: false });
      if (cut === undefined) return;
      expect(await repeat(() => store.ledger.dropRows(cut, 5, sumRemains))).toEqual([5, 5, 2, 0]);
      const { entries } = await store.ledger.readOldest({}, 100, null);
      // The late one stays until its turn: what is left is one piece of the chain.
      expect(entries.map(({ seq }) => seq).toSorted((left, right) => (left ?? 0) - (right ?? 0))).toEqual(
        Array.from({ length: ROWS - 12 }, (_, index) => index + 13),
      );
      expect(await store.ledger.findPayload(idOf(11))).toBeNull();
      expect(await store.ledger.findPayload(idOf(12))).not.toBeNull();
      expect(sortGroups(await store.ledger.report(query))).toEqual(sortGroups(before));
      // What was spent is spent.
      expect(await counted()).toEqual(spent);
      expect(spent.map(([sum]) => sum?.spent)).toEqual([30_000, 15_000, 3_000, 29_000, undefined]);
      await store.budgets.purge(new Date(Date.UTC(2026, 1, 1) + 1));
      expect((await counted()).map(([sum]) => sum?.spent)).toEqual([30_000, 15_000, 3_000, 17_000, undefined]);
    });

    /** Of budgets whose windows hold rows that go, and such that stay. */
    async function openCounts() {
      const usd = { unit: "usd" } as const;
      const [all, each, month] = [
        makeBudget({ ...usd, period: "lifetime" }),
        makeBudget({ ...usd, period: "lifetime", each: "user", model: "gpt-*" }),
        // What of it is kept sums do not tell.
        makeBudget({ ...usd, period: "month", model: "gpt-*" }),
      ];
      const tokens = makeBudget({ unit: "tokens", period: "lifetime", provider: "openai" });
      const other = makeBudget({ ...usd, period: "lifetime", userId: "nobody" });
      for (const budget of [all, each, month, tokens, other]) await store.budgets.create(budget);
      const lifetime = { startMs: 0, endMs: Number.POSITIVE_INFINITY };
      const january = { startMs: Date.UTC(2026, 0), endMs: Date.UTC(2026, 1) };
      const places = [
        makePlace(all, lifetime),
        makePlace(each, lifetime, "u1"),
        makePlace(tokens, lifetime),
        makePlace(month, january),
        makePlace(other, lifetime),
      ];
      return () => Promise.all(places.map((each) => createBudgetSums(store.budgets).read(each)));
    }

    test("a report that asks for part of an hour that is gone says so, others do not", async () => {
      const part: ReportQuery = { filter: { from: new Date(at(3).getTime() + 1), userId: "u0" }, by: [], edges: [] };
      expect((await store.ledger.report(part)).removedBefore).toEqual(at(12));
      const whole: ReportQuery = {
        filter: { from: new Date(at(3).getTime() + HOUR_MS / 2), userId: "u0" },
        by: [],
        edges: [],
      };
      const { removedBefore, groups } = await store.ledger.report(whole);
      expect(removedBefore).toBeNull();
      expect(groups.map(({ sums }) => sums.requests)).toEqual([13]);
    });
  });
}

function sortGroups({ groups }: { groups: readonly { keys: readonly unknown[] }[] }) {
  return groups.toSorted((left, right) => (String(left.keys) < String(right.keys) ? -1 : 1));
}
