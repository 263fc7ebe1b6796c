// Sums of the books as a bill is held against them: whose key a call and its corrections are put down to.

import { expect, test } from "bun:test";
import { sumBooks } from "../../src/audit/reconcile/books.ts";
import { type LedgerEntry, repriceEntry } from "../../src/ledger/index.ts";
import { openTimeZone } from "../../src/lib/time-zone.ts";
import { makeEntry, makeUsage } from "../ledger/entry.ts";

/** What the books hold of a provider's, once the correction is in. */
async function sumUp(call: LedgerEntry, correction: LedgerEntry | null, provider: string) {
  const zone = openTimeZone("UTC");
  if (zone === null) throw new Error("There is no UTC.");
  return sumBooks(
    {
      async *calls() {
        yield [call];
      },
      corrections: async () => (correction === null ? [] : [correction]),
      removedBefore: async () => null,
    },
    {
      providers: new Set([provider]),
      from: new Date(0),
      to: new Date("2100-01-01"),
      zone,
      keyOf: (_provider, account) => account ?? null,
      split: () => null,
    },
  );
}

test("a correction is put down to the key that the answer was paid with, whichever was asked beside it", async () => {
  const blank = { status: 200, errorKind: null, upstreamRequestId: null, latencyMs: 1, model: "gpt-4o" };
  const call = makeEntry({
    provider: "openai",
    costNanos: 5,
    attempts: [
      { ...blank, provider: "openai", account: "eu" },
      { ...blank, provider: "openai", account: "us", status: null, errorKind: "cancelled" },
    ],
  });
  const correction = makeEntry({ kind: "correction", corrects: call.id, reason: "usage", costNanos: 2, attempts: [] });
  const { tally } = await sumUp(call, correction, "openai");
  expect([...tally.sums()].map(({ key, money }) => [key, money])).toEqual([["eu", { all: 7n }]]);
});

test("a price that comes later counts once what was known of a part, and takes back what was not", async () => {
  const usage = makeUsage({ freshInputTokens: 1_000 });
  const blank = { status: 200, errorKind: null, upstreamRequestId: null, latencyMs: 1, usage };
  const call = makeEntry({
    provider: "house",
    modelAsked: "m",
    modelServed: "m",
    costNanos: null,
    attempts: [
      { ...blank, errorKind: "timeout", provider: "openai", model: "gpt-4o", costNanos: 2_500_000 },
      { ...blank, provider: "house", model: "m", costNanos: null },
    ],
  });
  const price = ({ provider }: { provider: string }) => ({
    costNanos: provider === "openai" ? 2_500_000 : 700_000,
    id: `${provider}/x`,
    source: "list",
    date: null,
  });
  const repriced = repriceEntry(call, [], { book: { price }, pricingOf: (vendor) => ({ vendor }) });
  const correction = repriced?.correction ?? null;
  expect(correction?.costNanos).toBe(3_200_000);
  const sumOf = async (provider: string, later: LedgerEntry | null) => {
    const { tally, unpriced } = await sumUp(call, later, provider);
    return [...tally.sums()].map(({ money, unpriced: open }) => [Number(money.all ?? 0), open, unpriced]);
  };
  expect(await sumOf("openai", null)).toEqual([[2_500_000, 0, 0]]);
  expect(await sumOf("openai", correction)).toEqual([[2_500_000, 0, 0]]);
  expect(await sumOf("house", null)).toEqual([[0, 1, 1]]);
  expect(await sumOf("house", correction)).toEqual([[700_000, 0, 0]]);
});
