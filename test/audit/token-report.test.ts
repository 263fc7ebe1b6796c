// The report on tokens: what it sums, how wide it is in doubt, and what it leaves out.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type AuditedCall, createSplitCost, readDimensions, reportTokens } from "../../src/audit/index.ts";
import type { LedgerEntry, Recount } from "../../src/ledger/index.ts";
import { makeEntry } from "../ledger/entry.ts";

const FREE = createSplitCost({ book: { price: () => null }, pricingOf: () => undefined });

function makeCall(entry: Partial<LedgerEntry>, recount: Partial<Recount> | null): AuditedCall {
  const made = makeEntry({ id: Bun.randomUUIDv7(), ...entry });
  if (recount === null) return { entry: made, recount };
  return {
    entry: made,
    recount: {
      entryId: made.id,
      createdAt: made.createdAt,
      state: "counted",
      reason: null,
      method: "exact",
      tokenizer: "o200k_base",
      tokenizerVersion: "v",
      inputTokens: made.freshInputTokens,
      inputLow: made.freshInputTokens,
      inputHigh: made.freshInputTokens,
      outputTokens: made.outputTokens,
      outputLow: made.outputTokens,
      outputHigh: made.outputTokens,
      verdict: "within",
      ...recount,
    },
  };
}

async function* stream(calls: Iterable<AuditedCall>): AsyncGenerator<AuditedCall> {
  yield* calls;
}

async function total(calls: Iterable<AuditedCall>): Promise<Record<string, never>> {
  const report = await reportTokens({ calls: stream(calls), by: ["model"], splitCost: FREE, flagged: 0 });
  return report["total"] as Record<string, never>;
}

test("exact rows are sums without doubt but for their end marks; skipped ones are counted by reason", async () => {
  const told = await total([
    makeCall({ freshInputTokens: 100, cacheReadTokens: 20, outputTokens: 50 }, { inputTokens: 110, outputHigh: 51 }),
    makeCall({ freshInputTokens: 10, outputTokens: 5 }, {}),
    makeCall({}, { state: "skipped", reason: "queue_full", verdict: null }),
    makeCall({}, { state: "skipped", reason: "failed", verdict: null }),
    makeCall({}, { state: "skipped", reason: "failed", verdict: null }),
    makeCall({}, null),
  ]);
  expect(told).toMatchObject({
    rows: 6,
    counted: 2,
    exact: 2,
    estimated: 0,
    skipped: { failed: 2, not_counted: 1, queue_full: 1 },
    provider_tokens: 185,
    our_tokens: 175,
    difference_tokens: { sum: 10, low: 9, high: 20 },
    over_billed_tokens: { sum: 0, low: 0, high: 0 },
  });
});

test("flagged rows are what was over-billed and under-billed, in tokens and by each row's own cost", async () => {
  const told = await total([
    makeCall(
      { freshInputTokens: 200, outputTokens: 0, costNanos: 2_000_000_000 },
      { verdict: "over", inputTokens: 100 },
    ),
    makeCall(
      { freshInputTokens: 50, outputTokens: 0, costNanos: 1_000_000_000 },
      { verdict: "under", inputTokens: 75 },
    ),
    makeCall({ freshInputTokens: 50, outputTokens: 0, costNanos: null }, { verdict: "over", inputTokens: 40 }),
  ]);
  expect(told).toMatchObject({
    flagged_over: 2,
    flagged_under: 1,
    over_billed_tokens: { sum: 110 },
    over_billed_usd: { sum: "1" },
    under_billed_tokens: { sum: -25 },
    under_billed_usd: { sum: "-0.5" },
    difference_tokens: { sum: 85 },
    unpriced: 1,
  });
});

test("what calls without a price were billed too much is not known, and not nothing", async () => {
  const unknown = { freshInputTokens: 50, outputTokens: 0, costNanos: null };
  expect(await total([makeCall(unknown, { verdict: "over", inputTokens: 40 })])).toMatchObject({
    unpriced: 1,
    over_billed_tokens: { sum: 10 },
    difference_usd: null,
    over_billed_usd: null,
    under_billed_usd: null,
  });
  expect(await total([makeCall(unknown, null)])).toMatchObject({ unpriced: 0, difference_usd: { sum: "0" } });
});

test("thoughts that nobody shows are told apart, and where their number is not told the side is left out", async () => {
  const bounds = { method: "estimate", reason: "reasoning_not_shown" } as const;
  const told = await total([
    makeCall(
      { freshInputTokens: 10, outputTokens: 90, reasoningTokens: 60 },
      { ...bounds, outputTokens: 88, outputLow: 20, outputHigh: 190 },
    ),
    makeCall(
      { freshInputTokens: 10, outputTokens: 500 },
      { ...bounds, outputTokens: 40, outputLow: 30, outputHigh: null },
    ),
  ]);
  expect(told).toMatchObject({ provider_tokens: 110, our_tokens: 108, unverified_tokens: 560, counted: 2 });
});

describe("the interval of 95 %", () => {
  /** Rows of one provider whose ratio was learned from `rows` rows, and so is off by a common error. */
  const makeWorld = (seed: number, rows: number, calls: number): AuditedCall[] => {
    let state = seed;
    const uniform = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return (state + 0.5) / 2 ** 32;
    };
    const normal = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    const spread = 0.03;
    const common = (spread * normal()) / Math.sqrt(rows);
    return Array.from({ length: calls }, () => {
      const truth = 1_000 + Math.floor(uniform() * 4_000);
      const ours = truth * (1 + common + spread * normal());
      const half = 3 * truth * spread * Math.sqrt(1 + 1 / rows);
      return makeCall(
        { freshInputTokens: truth, outputTokens: 0 },
        {
          method: "estimate",
          tokenizer: `o200k_base x1.2000(${rows})/1`,
          inputTokens: Math.round(ours),
          inputLow: Math.floor(ours - half),
          inputHigh: Math.ceil(ours + half),
        },
      );
    });
  };

  test("holds the truth in at least 95 of 100 worlds, and is no wider than it must be", async () => {
    let held = 0;
    let plain = 0;
    let width = 0;
    const worlds = 300;
    for (let seed = 1; seed <= worlds; seed++) {
      const calls = makeWorld(seed * 7_919, 25, 200);
      const { difference_tokens: told } = (await total(calls)) as unknown as Record<string, Record<string, number>>;
      const { low = 0, high = 0 } = told ?? {};
      // The provider is honest: nothing was over-billed.
      if (low <= 0 && high >= 0) held++;
      width += high - low;
      plain += calls.reduce((sum, { recount }) => sum + (recount?.inputHigh ?? 0) - (recount?.inputLow ?? 0), 0);
    }
    expect(held / worlds).toBeGreaterThanOrEqual(0.95);
    // All errors on the same side would be far wider.
    expect(width / plain).toBeLessThan(0.2);
  });

  test("lies around the sum, and grows with every row", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 0, max: 50 }), async (seed, rows) => {
        const calls = makeWorld(seed, Math.max(1, rows), 20);
        const widths: number[] = [];
        for (const count of [5, 10, 20]) {
          const told = (await total(calls.slice(0, count))) as unknown as Record<string, Record<string, number>>;
          const { sum = 0, low = 0, high = 0 } = told["difference_tokens"] ?? {};
          expect(low).toBeLessThanOrEqual(sum);
          expect(high).toBeGreaterThanOrEqual(sum);
          widths.push(high - low);
        }
        expect(widths).toEqual(widths.toSorted((left, right) => left - right));
      }),
      { numRuns: 50 },
    );
  });
});

test("groups are by what was asked for, in that order; a hundred thousand rows pass one by one", async () => {
  const recounted = makeCall({}, {}).recount;
  function* many(): Generator<AuditedCall> {
    for (let index = 0; index < 100_000; index++) {
      const day = new Date(Date.UTC(2026, 0, 1 + (index % 3)));
      const entry = makeEntry({ id: `row-${index}`, createdAt: day, provider: index % 2 === 0 ? "a" : "b" });
      yield { entry, recount: recounted };
    }
  }
  const progress: number[] = [];
  const by = readDimensions("day, provider");
  const calls = stream(many());
  const report = await reportTokens({
    calls,
    by,
    splitCost: FREE,
    flagged: 0,
    onProgress: (rows) => progress.push(rows),
  });
  const groups = report["groups"] as { day: string; provider: string; rows: number }[];
  expect(groups.map(({ day, provider }) => `${day} ${provider}`)).toEqual([
    "2026-01-01 a",
    "2026-01-01 b",
    "2026-01-02 a",
    "2026-01-02 b",
    "2026-01-03 a",
    "2026-01-03 b",
  ]);
  expect(groups.reduce((sum, { rows }) => sum + rows, 0)).toBe(100_000);
  expect(progress.at(-1)).toBe(100_000);
});

test("a list of flagged calls ends where it was told to, and says how many there are", async () => {
  const calls = Array.from({ length: 30 }, () => makeCall({}, { verdict: "under", inputTokens: 99 }));
  const report = await reportTokens({ calls: stream(calls), by: [], splitCost: FREE, flagged: 7 });
  expect(report["flagged"]).toHaveLength(7);
  expect(report["flagged_rows"]).toBe(30);
});

test("a flagged call names the provider's own id of the answer, whoever was asked beside it", async () => {
  const blank = { status: 200, errorKind: null, latencyMs: 1, provider: "openai", model: "gpt-4o" };
  const attempts = [
    { ...blank, upstreamRequestId: "req_answer" },
    { ...blank, status: null, errorKind: "cancelled" as const, upstreamRequestId: "req_beside" },
  ];
  const calls = [makeCall({ provider: "openai", attempts }, { verdict: "over", inputTokens: 9 })];
  const report = await reportTokens({ calls: stream(calls), by: [], splitCost: FREE, flagged: 7 });
  expect(report["flagged"]).toMatchObject([{ upstream_request_id: "req_answer" }]);
});
