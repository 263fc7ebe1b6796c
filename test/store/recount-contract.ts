// What every engine's store must give to auditors: rows through the journal, and read again with their corrections and recounts. Part of the contract.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditedCall } from "../../src/audit/index.ts";
import { BOOK_RULES, type LedgerEntry, type Recount, createLedgerWriter } from "../../src/ledger/index.ts";
import type { OpenJournal, Store } from "../../src/store/index.ts";
import { makeEntry as makeCall } from "../ledger/entry.ts";
import { type Place, open } from "./sample.ts";

const CALLS = 1_203;

function makeRecount(entryId: string, over: Partial<Recount> = {}): Recount {
  return {
    entryId,
    createdAt: new Date("2026-05-04T03:02:02Z"),
    state: "counted",
    reason: "format",
    method: "estimate",
    tokenizer: "o200k_base x1.2000(7)/1.1000(7)",
    tokenizerVersion: "gpt-tokenizer@4.0.0",
    inputTokens: 12,
    inputLow: 9,
    inputHigh: 15,
    outputTokens: 6,
    outputLow: 4,
    outputHigh: null,
    verdict: "within",
    ...over,
  };
}

/** For one engine: three pages of calls, of which each third has no recount, one is corrected, and some belong to another user. */
export function describeRecounts(place: Place): void {
  describe("what auditors read", () => {
    const folder = mkdtempSync(join(tmpdir(), "tokligence-audit-"));
    let store: Store;
    let journal: OpenJournal;
    const calls: LedgerEntry[] = [];

    beforeAll(async () => {
      store = await open(await place.create());
      journal = await store.openJournal({
        outboxPath: join(folder, "outbox.db"),
        durability: "process",
        rules: BOOK_RULES,
        key: { id: "test", publicKey: "" },
        now: new Date("2026-05-04T03:02:01Z"),
        findHead: () => null,
        after: () => () => undefined,
        onTiding: (tiding) => {
          throw new Error(JSON.stringify(tiding));
        },
      });
      const writer = createLedgerWriter({
        journal: journal.journal,
        schedule: setImmediate,
        after: () => undefined,
        nowMs: () => 0,
        onFault: (error) => {
          throw error;
        },
        onRecovery: () => undefined,
      });
      for (let index = 0; index < CALLS; index++) {
        calls.push(makeCall({ id: Bun.randomUUIDv7(), userId: index % 2 === 0 ? "even" : "odd" }));
      }
      const fix = {
        freshInputTokens: -3,
        outputTokens: 2,
        costNanos: 40,
        cacheReadTokens: null,
        cacheWriteTokens: null,
      };
      const correction = makeCall({
        ...fix,
        id: Bun.randomUUIDv7(),
        kind: "correction",
        corrects: calls[7]?.id ?? "",
        reason: "usage",
        userId: "odd",
      });
      const counted = calls.filter((_, index) => index % 3 !== 0);
      await Promise.all([
        ...calls.map((call) => writer.add(call)),
        writer.add(correction),
        writer.addRecounts(counted.map(({ id }) => makeRecount(id))),
      ]);
    });
    afterAll(async () => {
      await journal.close(5_000);
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    });

    const read = async (...asked: Parameters<Store["recounts"]["calls"]>): Promise<AuditedCall[]> =>
      Array.fromAsync(store.recounts.calls(...asked));

    test("every call once, oldest first, with its recount where there is one", async () => {
      const found = await read({});
      expect(found.map(({ entry }) => entry.id)).toEqual(calls.map(({ id }) => id));
      expect(found.filter(({ recount }) => recount === null)).toHaveLength(CALLS / 3);
      expect(found[0]?.recount).toBeNull();
      expect(found[1]?.recount).toMatchObject(makeRecount(calls[1]?.id ?? ""));
    });

    test("a corrected call as it stands now, and its correction not as a call of its own", async () => {
      const [corrected] = (await read({})).slice(7);
      const [before] = calls.slice(7);
      expect(corrected?.entry).toMatchObject({
        freshInputTokens: 7,
        outputTokens: 7,
        costNanos: 1_274,
        cacheReadTokens: 0,
      });
      expect(corrected?.entry.id).toBe(before?.id ?? "");
    });

    test("of one user", async () => {
      const found = await read({ userId: "even" });
      expect(found.map(({ entry }) => entry.id)).toEqual(
        calls.filter(({ userId }) => userId === "even").map(({ id }) => id),
      );
    });

    test("the latest recounts with the provider's figures, to learn from", async () => {
      expect(await Array.fromAsync(store.recounts.past(700))).toHaveLength(700);
      expect(await Array.fromAsync(store.recounts.past(5_000))).toHaveLength((CALLS / 3) * 2);
      const found = await Array.fromAsync(store.recounts.past(2));
      expect(found).toHaveLength(2);
      expect(found[0]).toMatchObject({
        provider: "openai",
        model: "gpt-4o-2024-08-06",
        tokenizer: "o200k_base x1.2000(7)/1.1000(7)",
        ours: { input: 12, output: 6 },
        theirs: { input: 10, output: 5 },
      });
    });
  });
}
