// Sums of the books as a bill is held against them: whose key a call and its corrections are put down to.

import { expect, test } from "bun:test";
import { sumBooks } from "../../src/audit/reconcile/books.ts";
import { openTimeZone } from "../../src/lib/time-zone.ts";
import { makeEntry } from "../ledger/entry.ts";

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
  const zone = openTimeZone("UTC");
  if (zone === null) throw new Error("There is no UTC.");
  const { tally } = await sumBooks(
    {
      async *calls() {
        yield [call];
      },
      corrections: async () => [correction],
      removedBefore: async () => null,
    },
    {
      providers: new Set(["openai"]),
      from: new Date(0),
      to: new Date("2100-01-01"),
      zone,
      keyOf: (_provider, account) => account ?? null,
      split: () => null,
    },
  );
  expect([...tally.sums()].map(({ key, money }) => [key, money])).toEqual([["eu", { all: 7n }]]);
});
