// The books of a request for which several providers are called, one after the other: each keeps its own figures, and the row is their sum.

import { expect, test } from "bun:test";
import { LONG_CALL_MS } from "../../src/gateway/books.ts";
import type { Scene } from "../../src/gateway/call.ts";
import { createMemoryCounters, createRateLimits } from "../../src/gateway/limit/index.ts";
import { openRecord } from "../../src/gateway/record.ts";
import { GatewayError, NO_USAGE } from "../../src/ir/index.ts";
import type { Amount, LedgerEntry } from "../../src/ledger/index.ts";
import { loadPriceBook } from "../../src/ledger/price-list.ts";
import { createSharedDelay } from "../../src/lib/shared-delay.ts";
import { PRICE_FACTS } from "../../src/provider/index.ts";
import { makeClock } from "../rig.ts";

type Provider = Parameters<ReturnType<typeof openRecord>["planned"]>[0]["provider"];

const CALLER = {
  userId: "u",
  email: "a@b.c",
  displayName: null,
  role: "gateway_user",
  keyId: "k",
  sessionId: null,
  scopes: [],
} as const;

/** Of a provider, the books ask its name and its prices alone. */
const named = (name: string, vendor: string) => ({ name, pricing: { vendor } }) as unknown as Provider;

/** As where it is switched off. */
const NO_RECOUNTER = {
  heardBytes: 0,
  offer: () => undefined,
  stats: () => {
    throw new Error("nobody asks");
  },
};

async function open() {
  const clock = makeClock();
  const written: LedgerEntry[] = [];
  const booked: Amount[] = [];
  const announced: unknown[] = [];
  const record = openRecord(
    {
      caller: { ...CALLER, isStrict: false, limits: null, tags: null },
      id: Bun.randomUUIDv7(),
      requestId: "r",
      startedMs: clock.monotonicMs(),
      startedWallMs: clock.wallMs(),
      endpoint: "chat.completions",
    },
    {
      clock,
      longCalls: createSharedDelay(clock, LONG_CALL_MS),
      books: { corrections: () => Promise.resolve([]) },
      capture: { isOn: () => false, keep: () => undefined },
      prices: await loadPriceBook({ facts: PRICE_FACTS }),
      fetch: () => Promise.reject(new Error("nobody is asked")),
      scene: () => ({ redact: (text: string) => text.replace("sk-secret", "…") }) as Scene,
      recounter: NO_RECOUNTER,
      limits: createRateLimits(createMemoryCounters()),
      budgets: { reserve: () => null, book: (_, amount) => void booked.push(amount) },
      metrics: { settled: (row) => void written.push(row as LedgerEntry) },
      ledger: {
        expect: () => () => undefined,
        add: () => Promise.resolve(),
        intend: (intent: unknown) => ({ ticket: { number: announced.push(intent) }, durable: Promise.resolve() }),
        withdraw: () => undefined,
        fault: () => null,
      } as unknown as Parameters<typeof openRecord>[1]["ledger"],
    },
  );
  return { record, clock, written, booked, announced };
}

const cut = new GatewayError({ kind: "timeout", message: "too slow" });
const refused = new GatewayError({ kind: "upstream_rejected", message: "no" });

test("a loser that was cut, one that refused, and the one that answered", async () => {
  const { record, clock, written, booked } = await open();
  record.asked("gpt-4o", true);

  record.planned({ provider: named("first", "openai"), model: "gpt-4o", dropped: [] });
  record.estimateInput(() => "a".repeat(40));
  record.observed({ type: "start", id: "1", model: "gpt-4o", createdAt: null, extra: {} });
  record.observed({ type: "part-delta", choice: 0, part: 0, text: "b".repeat(20) });
  clock.advance(100);
  record.attempted({ status: 200, error: cut, upstreamRequestId: "req-1" });

  record.planned({ provider: named("second", "openai"), model: "gpt-4o", dropped: [] });
  record.estimateInput(() => "a".repeat(40));
  record.attempted({ status: 429, error: refused, upstreamRequestId: "req-sk-secret" });

  record.planned({ provider: named("third", "anthropic"), model: "claude-sonnet-4-5", dropped: [] });
  record.estimateInput(() => "a".repeat(40));
  const usage = { ...NO_USAGE, freshInputTokens: 12, cacheReadTokens: 3, outputTokens: 7, reasoningTokens: 2 };
  record.answered({ model: "claude-sonnet-4-5", usage, report: { input_tokens: 12 }, text: () => "" });
  record.attempted({ status: 200, error: null, upstreamRequestId: "req-3" });
  expect(record.describe()["x-tokligence-attempts"]).toBe("3");
  await record.settle(200, null);
  await record.settle(200, null);

  expect(written).toHaveLength(1);
  const [row] = written;
  // $2.50 and $10 a million at OpenAI, $3, $0.30 and $15 at Anthropic.
  const first = 10 * 2_500 + 5 * 10_000;
  const third = 12 * 3_000 + 3 * 300 + 7 * 15_000;
  expect(row).toMatchObject({
    provider: "third",
    modelServed: "claude-sonnet-4-5",
    freshInputTokens: 22,
    cacheReadTokens: 3,
    outputTokens: 12,
    reasoningTokens: 2,
    usageSource: "estimate",
    costNanos: first + third,
    attempts: [
      { provider: "first", errorKind: "timeout", usage: { freshInputTokens: 10, outputTokens: 5 }, costNanos: first },
      { provider: "second", status: 429, errorKind: "upstream_rejected", upstreamRequestId: "req-…" },
      { provider: "third", usage, costNanos: third, usageRaw: '{"input_tokens":12}' },
    ],
  });
  expect(row?.attempts[1]).not.toContainKey("usage");
  // So that whoever reads rows knows which of them are booked already.
  const rowId = row?.id ?? "";
  expect(booked).toEqual([
    { costNanos: third, tokens: 22, rowId },
    { costNanos: first, tokens: 15, rowId },
    { costNanos: 0, tokens: 0, rowId },
  ]);
});

test("a single attempt's figures are the row's, and stand there alone", async () => {
  const { record, written } = await open();
  record.asked("gpt-4o", false);
  record.planned({ provider: named("only", "openai"), model: "gpt-4o", dropped: [] });
  record.answered({
    model: "gpt-4o",
    usage: { ...NO_USAGE, freshInputTokens: 1, outputTokens: 1 },
    report: null,
    text: () => "",
  });
  record.attempted({ status: 200, error: null, upstreamRequestId: null });
  await record.settle(200, null);
  expect(written[0]).toMatchObject({ freshInputTokens: 1, outputTokens: 1, usageSource: "provider" });
  expect(written[0]?.attempts[0]).not.toContainAnyKeys(["usage", "costNanos", "usageRaw"]);
});

test("the price of all is unknown as soon as that of any tokens is", async () => {
  const { record, written } = await open();
  record.asked("gpt-4o", false);
  for (const model of ["gpt-4o", "a-model-of-nobody"]) {
    record.planned({ provider: named(model, "openai"), model, dropped: [] });
    record.answered({ model, usage: { ...NO_USAGE, freshInputTokens: 5 }, report: null, text: () => "" });
    record.attempted({ status: 200, error: null, upstreamRequestId: null });
  }
  await record.settle(200, null);
  expect(written[0]).toMatchObject({ freshInputTokens: 10, costNanos: null, priceId: null });
  expect(written[0]?.attempts.map(({ costNanos }) => costNanos)).toEqual([5 * 2_500, null]);
});

test("what was withdrawn is not announced anew as a call that takes long", async () => {
  const { record, clock, announced } = await open();
  record.asked("gpt-4o", false);
  record.planned({ provider: named("first", "openai"), model: "gpt-4o", dropped: [] });
  record.estimateInput(() => "a".repeat(40));
  await record.intend();
  record.withdraw();
  clock.advance(10_000);
  expect(announced).toHaveLength(1);
});

test("of a call that begins long after it was announced, what it asks is announced as well", async () => {
  const { record, clock, announced } = await open();
  record.asked("gpt-4o", false);
  record.planned({ provider: named("first", "openai"), model: "gpt-4o", dropped: [] });
  await record.intend();
  clock.advance(10_000);
  expect(announced).toHaveLength(1);
  await record.intend();
  record.estimateInput(() => "a".repeat(40));
  clock.advance(10_000);
  expect(announced).toHaveLength(3);
  expect(announced[2]).toMatchObject({ usageSource: "estimate", freshInputTokens: 10 });
  record.withdraw();
});
