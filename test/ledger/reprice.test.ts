// What a row costs by today's knowledge, and which correction makes up the difference: the cases that no command shows.

import { describe, expect, test } from "bun:test";
import { type LedgerEntry, type PriceBook, repriceEntry } from "../../src/ledger/index.ts";
import { loadPriceBook } from "../../src/ledger/price-list.ts";
import { PRICE_FACTS } from "../../src/provider/index.ts";
import { makeEntry, makeUsage } from "./entry.ts";

const pricingOf = (provider: string) => (provider === "gone" ? undefined : { vendor: provider });
const open = (): Promise<PriceBook> => loadPriceBook({ facts: PRICE_FACTS });

async function reprice(over: Partial<LedgerEntry>, corrections: readonly Partial<LedgerEntry>[] = []) {
  const row = makeEntry({ costNanos: null, freshInputTokens: 1_000, outputTokens: 0, ...over });
  return repriceEntry(
    row,
    corrections.map((correction) =>
      makeEntry({ freshInputTokens: null, outputTokens: null, kind: "correction", ...correction }),
    ),
    { book: await open(), pricingOf },
  );
}

const ATTEMPT = { status: 200, errorKind: null, upstreamRequestId: null, latencyMs: 1 };

describe("a row by today's prices", () => {
  test("goes by its tier, its hour's cache and its units", async () => {
    const found = await reprice({
      provider: "anthropic",
      modelServed: "claude-sonnet-4-6",
      freshInputTokens: 0,
      cacheWriteTokens: 100,
      longCacheWriteTokens: 40,
      serviceTier: "batch",
      units: { web_search_requests: 0 },
    });
    // $3.75 and $6 a million, half of it.
    expect(found?.after).toBe((60 * 3_750 + 40 * 6_000) / 2);
  });
  test("counts tokens as they were corrected since", async () => {
    const found = await reprice({ costNanos: 2_500_000 }, [
      { reason: "usage", freshInputTokens: -400, costNanos: null },
    ]);
    expect([found?.before, found?.after, found?.correction?.costNanos]).toEqual([2_500_000, 1_500_000, -1_000_000]);
  });
  test("goes by the tier and the units as they were corrected since", async () => {
    const later = [{ reason: "usage", costNanos: null, serviceTier: "priority", units: { web_search_requests: 1 } }];
    // Priority of it is $4.25 a million; a search is a cent in every tier.
    expect((await reprice({}, later))?.after).toBe(4_250_000 + 10_000_000);
    expect((await reprice({}, [{ ...later[0], units: null }]))?.after).toBe(4_250_000);
  });
  test("adds up what was corrected before", async () => {
    const found = await reprice({ costNanos: 2_000_000 }, [{ reason: "reprice", costNanos: 500_000 }]);
    expect([found?.before, found?.correction]).toEqual([2_500_000, null]);
  });
  test("of several calls is the sum of each, by its own provider", async () => {
    const usage = makeUsage({ freshInputTokens: 1_000 });
    const attempts = [
      { ...ATTEMPT, provider: "openai", model: "gpt-4o", usage },
      { ...ATTEMPT, provider: "anthropic", model: "claude-haiku-4-5", usage },
    ];
    expect((await reprice({ provider: "anthropic", attempts }))?.after).toBe(2_500_000 + 1_000_000);
    const corrected = [{ reason: "usage", costNanos: null, freshInputTokens: 5 }];
    expect((await reprice({ attempts, costNanos: 5 }, corrected))?.after).toBeNull();
    const [first] = attempts;
    const unknown = [...attempts, { ...ATTEMPT, provider: "openai", model: "gpt-unheard-of", usage }];
    const unheard = { modelServed: "gpt-unheard-of", attempts: unknown, costNanos: 5 };
    expect((await reprice(unheard))?.correction).toBeNull();
    expect((await reprice({ attempts: first === undefined ? [] : [first] }))?.after).toBe(2_500_000);
    // The correction tells each provider's part, and by which key, also when it is not the first one.
    const booked = attempts.map((attempt) => ({ ...attempt, account: "eu", costNanos: 1_000_000 }));
    const row = { provider: "anthropic", attempts: booked, costNanos: 2_000_000 };
    const once = (await reprice(row))?.correction;
    expect(once?.costNanos).toBe(1_500_000);
    expect(once?.attempts.map(({ provider, account, costNanos }) => [provider, account, costNanos])).toEqual([
      ["openai", "eu", 1_500_000],
      ["anthropic", "eu", 0],
    ]);
    const low = attempts.map((attempt) => ({ ...ATTEMPT, provider: attempt.provider, model: "", costNanos: -500_000 }));
    const twice = await reprice(row, [{ reason: "reprice", costNanos: -1_000_000, attempts: low }]);
    expect(twice?.correction?.attempts.map(({ costNanos }) => costNanos)).toEqual([2_000_000, 500_000]);
    expect(twice?.correction?.costNanos).toBe(2_500_000);
  });
  test("goes by the name that was asked for where the answer came from, whoever was asked beside it", async () => {
    const attempts = [
      { ...ATTEMPT, provider: "openai", model: "gpt-4o" },
      { ...ATTEMPT, status: null, errorKind: "cancelled" as const, provider: "openai", model: "gpt-4o-mini" },
    ];
    expect((await reprice({ provider: "openai", modelServed: null, modelAsked: "chat", attempts }))?.after).toBe(
      2_500_000,
    );
  });
  test("of several calls goes by the model that served each, as it was priced then", async () => {
    const usage = makeUsage({ freshInputTokens: 1_000 });
    const dated = "gpt-4o-2024-05-13";
    const price = { id: `openai/${dated}`, source: "genai-prices@0.1.7", date: null };
    const one = { ...ATTEMPT, provider: "openai", model: "gpt-4o", usage, costNanos: 5_000_000, price };
    const attempts = [{ ...one, errorKind: "timeout" as const, status: null }, one];
    const row = { provider: "openai", modelServed: dated, attempts, costNanos: 10_000_000 };
    expect(await reprice(row)).toMatchObject({ after: 10_000_000, correction: null });
  });
  test("is never taken away: what nobody knows any more stays as it was booked", async () => {
    expect(await reprice({ provider: "gone", costNanos: 9 })).toMatchObject({
      before: 9,
      after: null,
      correction: null,
    });
  });
  test("stays free where it was, and says nothing of sums without a tier", async () => {
    expect(await reprice({ priceSource: "free", costNanos: 0 })).toBeNull();
    expect(await reprice({ endpoint: "batches.usage" })).toBeNull();
    expect((await reprice({ endpoint: "batches.usage", serviceTier: "batch" }))?.after).toBe(1_250_000);
    // Of a sum nobody knows how large each call was: beyond the first step the price is not known.
    const large = {
      endpoint: "batches.usage",
      serviceTier: "batch",
      modelServed: "gpt-5.4",
      freshInputTokens: 300_000,
    };
    expect((await reprice(large))?.after).toBeNull();
    expect((await reprice({ ...large, freshInputTokens: 200_000 }))?.after).toBe(200_000 * 1_250);
  });
  test("written again is the same row", async () => {
    const row = makeEntry({ costNanos: null, freshInputTokens: 1_000, outputTokens: 0 });
    const book = await open();
    const [first, second] = [1, 2].map(() => repriceEntry(row, [], { book, pricingOf })?.correction);
    expect(second?.id).toBe(first?.id ?? "");
    expect(first).toMatchObject({
      corrects: row.id,
      createdAt: row.createdAt,
      pricesUnknown: true,
      costNanos: 2_500_000,
    });
  });
});
