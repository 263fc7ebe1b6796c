// What every engine's store must do with the books. Part of the contract.

import { cleanEntry } from "../../src/ledger/clean.ts";
import { beforeAll, describe, expect, test } from "bun:test";
import { type LedgerFilter, NO_SUMS } from "../../src/ledger/index.ts";
import type { Store } from "../../src/store/index.ts";
import { kindOf, makeEntry, open, type Place } from "./sample.ts";

export function describeBooks(get: () => Store): void {
  const pageOf = async (filter: LedgerFilter) => (await get().ledger.page(filter, 100, null)).entries;

  describe("ledger rows", () => {
    test("come back as they were written, nulls, JSON, unicode and 8-byte numbers too", async () => {
      const userId = crypto.randomUUID();
      const full = makeEntry({
        userId,
        requestId: "req_ünï 🦊 \u2028 '\"\\",
        costNanos: Number.MAX_SAFE_INTEGER,
        outputTokens: 5_000_000_000,
        direction: "supply",
        dropped: ["logit_bias", "naïve 🦊"],
        attempts: [
          { provider: "a", model: "m", status: null, errorKind: "timeout", upstreamRequestId: null, latencyMs: 1.5 },
          { provider: "b", model: "m", status: 200, errorKind: null, upstreamRequestId: "req_x", latencyMs: 2 },
        ],
      });
      const bare = makeEntry({
        userId,
        modelAsked: "",
        modelServed: null,
        provider: null,
        freshInputTokens: null,
        cacheReadTokens: null,
        cacheWriteTokens: null,
        outputTokens: null,
        reasoningTokens: null,
        usageSource: "none",
        status: 502,
        errorKind: "upstream_unavailable",
        ttftMs: null,
        streamed: false,
        costNanos: null,
        priceSource: null,
      });
      await get().ledger.append([full, bare]);
      expect(await pageOf({ userId })).toEqual([bare, full]);
    });

    test("are kept even where a client or an upstream sent what no database takes", async () => {
      const userId = crypto.randomUUID();
      const attempt = {
        provider: "p",
        model: "m\0\ud800",
        status: 1,
        errorKind: null,
        upstreamRequestId: null,
        latencyMs: 1,
      };
      const odd = makeEntry({
        userId,
        modelAsked: "a\0b\ud800c",
        modelServed: "\udc00",
        dropped: ["x\0"],
        attempts: [attempt],
        outputTokens: 1.6,
        freshInputTokens: 1e300,
        cacheReadTokens: Number.NaN,
        latencyMs: Number.NaN,
        ttftMs: Number.POSITIVE_INFINITY,
      });
      const sane = makeEntry({ userId });
      await get().ledger.append([cleanEntry(odd), sane]);
      expect(await pageOf({ userId })).toEqual([
        sane,
        {
          ...odd,
          modelAsked: "a\uFFFDb\uFFFDc",
          modelServed: "\uFFFD",
          dropped: ["x\uFFFD"],
          attempts: [{ ...attempt, model: "m\uFFFD\uFFFD" }],
          outputTokens: 2,
          freshInputTokens: Number.MAX_SAFE_INTEGER,
          cacheReadTokens: null,
          latencyMs: 0,
          ttftMs: null,
        },
      ]);
    });

    test("written twice are kept as they were first", async () => {
      const userId = crypto.randomUUID();
      const entry = makeEntry({ userId });
      await get().ledger.append([entry]);
      const next = makeEntry({ userId });
      await get().ledger.append([{ ...entry, costNanos: 1 }, next, next]);
      expect(await pageOf({ userId })).toEqual([next, entry]);
      await get().ledger.append([]);
    });

    test("are written all or none", async () => {
      const userId = crypto.randomUUID();
      const broken = { ...makeEntry({ userId }), endpoint: null as unknown as string };
      expect(await kindOf(() => get().ledger.append([makeEntry({ userId }), { ...makeEntry(), ...broken }]))).not.toBe(
        "no error",
      );
      expect(await pageOf({ userId })).toEqual([]);
      await get().ledger.append([makeEntry({ userId })]);
      expect(await pageOf({ userId })).toHaveLength(1);
    });

    test("by the ten thousand, summed exactly", async () => {
      const userId = crypto.randomUUID();
      const rows = Array.from({ length: 10_000 }, () => makeEntry({ userId, costNanos: 123_456_789_012 }));
      await get().ledger.append(rows);
      expect(await get().ledger.summarize({ userId })).toEqual({
        consume: {
          entries: 10_000,
          requests: 10_000,
          errors: 0,
          attempts: 0,
          freshInputTokens: 100_000,
          cacheReadTokens: 200_000,
          cacheWriteTokens: 300_000,
          longCacheWriteTokens: 0,
          outputTokens: 400_000,
          reasoningTokens: 50_000,
          costNanos: 1_234_567_890_120_000,
          unpricedRequests: 0,
          latencyUs: 125_000_000,
          untimedRequests: 0,
          ttftUs: 32_500_000,
          ttftRequests: 10_000,
          reusedRequests: 0,
          savedTokens: 0,
          savedCostNanos: 0,
        },
        supply: NO_SUMS,
      });
    });
  });

  describe("ledger filters and sums", () => {
    const userId = crypto.randomUUID();
    const rows = [
      makeEntry({ userId, createdAt: new Date(1000), status: 200, apiKeyId: "k1", costNanos: 7 }),
      makeEntry({
        userId,
        createdAt: new Date(2000),
        status: 299,
        provider: "anthropic",
        modelAsked: "claude",
        modelServed: null,
      }),
      makeEntry({
        userId,
        createdAt: new Date(3000),
        status: 404,
        errorKind: "not_found",
        costNanos: null,
        outputTokens: null,
      }),
      makeEntry({ userId, createdAt: new Date(4000), status: 499, endpoint: "embeddings", errorKind: "cancelled" }),
      // A stream that broke after its 200 was sent.
      makeEntry({
        userId,
        createdAt: new Date(5000),
        status: 200,
        errorKind: "timeout",
        direction: "supply",
        reasoningTokens: null,
      }),
    ] as const;
    beforeAll(async () => get().ledger.append(rows));

    const cases: [string, LedgerFilter, readonly number[]][] = [
      ["nothing else", {}, [4, 3, 2, 1, 0]],
      ["from, inclusive", { from: new Date(4000) }, [4, 3]],
      ["to, exclusive", { to: new Date(2000) }, [0]],
      ["model as asked", { model: "claude" }, [1]],
      ["model as served", { model: "gpt-4o-2024-08-06" }, [4, 3, 2, 0]],
      ["provider", { provider: "anthropic" }, [1]],
      ["key", { apiKeyId: "k1" }, [0]],
      ["class of status", { status: 2 }, [4, 1, 0]],
      ["another class", { status: 4 }, [3, 2]],
      ["one status", { status: 404 }, [2]],
      ["endpoint", { endpoint: "embeddings" }, [3]],
      ["several at once", { status: 2, to: new Date(5000), model: "gpt-4o" }, [0]],
      ["text that no database takes", { model: "\0" }, []],
    ];
    test.each(cases)("by user and %s", async (_name, filter, expected) => {
      const found = await pageOf({ ...filter, userId });
      expect(found.map((entry) => entry.id)).toEqual(expected.map((index) => rows[index]?.id ?? ""));
      const { consume, supply } = await get().ledger.summarize({ ...filter, userId });
      expect(consume.requests + supply.requests).toBe(expected.length);
    });

    test("the summary counts what is known, says what is not, and keeps bought and sold apart", async () => {
      const { consume, supply } = await get().ledger.summarize({ userId });
      expect(consume).toMatchObject({
        requests: 4,
        errors: 2,
        freshInputTokens: 40,
        cacheReadTokens: 80,
        cacheWriteTokens: 120,
        outputTokens: 120,
        reasoningTokens: 20,
        costNanos: 2007,
        unpricedRequests: 1,
      });
      expect(supply).toMatchObject({ requests: 1, errors: 1, outputTokens: 40, reasoningTokens: 0, costNanos: 1000 });
      expect(await get().ledger.summarize({ userId: "nobody" })).toEqual({ consume: NO_SUMS, supply: NO_SUMS });
    });
  });
}

export function describePages(place: Place): void {
  describe("pages", () => {
    test("show every row once, newest first, while rows are added by another process", async () => {
      const location = await place.create();
      const [here, there] = [await open(location), await open(location)];
      const rows = Array.from({ length: 95 }, (_, index) => makeEntry({ status: index % 2 ? 200 : 500 }));
      await here.ledger.append(rows);
      for (const [filter, expected] of [
        [{}, rows],
        [{ status: 5 }, rows.filter((row) => row.status === 500)],
      ] as const) {
        const seen: string[] = [];
        let cursor: string | null = null;
        do {
          const page: Awaited<ReturnType<typeof here.ledger.page>> = await here.ledger.page(filter, 10, cursor);
          seen.push(...page.entries.map((entry) => entry.id));
          cursor = page.nextCursor;
          await there.ledger.append([makeEntry({ status: 500 })]);
        } while (cursor !== null);
        expect(seen.slice(-expected.length)).toEqual(expected.map((row) => row.id).toReversed());
        expect(new Set(seen).size).toBe(seen.length);
      }
      await Promise.all([here.close(), there.close()]);
    });

    test("end exactly at the end, and refuse a cursor that is none", async () => {
      const store = await open(await place.create());
      await store.ledger.append([makeEntry(), makeEntry()]);
      expect((await store.ledger.page({}, 2, null)).nextCursor).toBeNull();
      for (const cursor of ["", "x", "' or 1=1 --", "\0", `${Bun.randomUUIDv7()}0`, "zzzzzzzzzz.x", ".x", "1."]) {
        await expect(store.ledger.page({}, 2, cursor)).rejects.toMatchObject({
          kind: "invalid_request",
          param: "cursor",
        });
      }
      await store.close();
    });
  });
}
