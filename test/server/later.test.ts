// A provider that tells afterwards what a cut answer used: its figures take the place of our estimate, as a row of their own.

import { heapStats } from "bun:jsc";
import { afterEach, describe, expect, test } from "bun:test";
import {
  type Attempt,
  type Intent,
  type LedgerEntry,
  type Price,
  type PriceBook,
  repriceEntry,
} from "../../src/ledger/index.ts";
import { makeBudget } from "../ledger/budget/sample.ts";
import { makeEntry } from "../ledger/entry.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { type Rig, makeProviderSettings, makeRig } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const HELLO = [{ role: "user", content: "Tell me a story." }];
const CHUNK = {
  id: "gen-1",
  object: "chat.completion.chunk",
  created: 1,
  model: "openai/gpt-4o",
  choices: [{ index: 0, delta: { role: "assistant", content: "Once upon a time" }, finish_reason: null }],
};

/** https://openrouter.ai/docs/api-reference/get-a-generation */
const GENERATION = {
  data: {
    id: "gen-1",
    model: "openai/gpt-4o",
    cancelled: true,
    streamed: true,
    tokens_prompt: 11,
    tokens_completion: 40,
    native_tokens_prompt: 12,
    native_tokens_completion: 42,
    native_tokens_reasoning: 5,
    native_tokens_cached: 2,
    total_cost: 0.00045,
  },
};

async function cutStream(generation: () => Response, more: Parameters<typeof makeRig>[0] = {}): Promise<Rig> {
  const gateway = await makeRig({
    ...more,
    upstream: ({ url }) => {
      if (url.includes("/generation")) return generation();
      async function* pieces(): AsyncGenerator<string> {
        yield `data: ${JSON.stringify(CHUNK)}\n\n`;
        await new Promise(() => undefined);
      }
      return new Response(pieces(), { headers: { "content-type": "text/event-stream" } });
    },
    config: (base) => ({
      ...(more.config?.(base) ?? base),
      providers: [
        ...base.providers,
        makeProviderSettings({
          name: "openrouter",
          kind: "openrouter",
          baseUrl: "http://openrouter.test/api/v1",
          apiKey: "sk-or-test",
        }),
      ],
    }),
  });
  rig = gateway;
  await cutOne(gateway, HELLO);
  return gateway;
}

async function cutOne(gateway: Rig, messages: object[]): Promise<void> {
  const before = (await gateway.rows()).length;
  const client = new AbortController();
  const body = { model: "openrouter/openai/gpt-4o", stream: true, messages };
  const response = await gateway.chat(body, { signal: client.signal });
  await response.body?.getReader().read();
  client.abort();
  while ((await gateway.rows()).length === before) await new Promise(setImmediate);
}

async function untilCorrected(gateway: Rig): Promise<LedgerEntry> {
  for (;;) {
    const page: { entries: LedgerEntry[]; corrections?: LedgerEntry[] } = await gateway.store.ledger.page({}, 10, null);
    const found = [...page.entries, ...(page.corrections ?? [])].find(({ kind }) => kind === "correction");
    if (found !== undefined) return found;
    await new Promise(setImmediate);
  }
}

const isLookup = ({ url }: { url: string }): boolean => url.includes("/generation");

test("OpenRouter's figures, asked for until it has them, less what was estimated", async () => {
  let looks = 0;
  const gateway = await cutStream(() =>
    ++looks === 1 ? Response.json({ error: { message: "Not found" } }, { status: 404 }) : Response.json(GENERATION),
  );
  const [row] = await gateway.rows();
  expect(row).toMatchObject({ usageSource: "estimate", freshInputTokens: 4, outputTokens: 4, status: 499 });
  expect(gateway.calls.filter(isLookup)).toEqual([]);
  gateway.clock.advance(2_000);
  while (gateway.calls.filter(isLookup).length < 1) await new Promise(setImmediate);
  // The first answer has to be digested before the next look is due.
  while (looks < 2) {
    gateway.clock.advance(5_000);
    await new Promise(setImmediate);
  }
  const correction = await untilCorrected(gateway);
  expect(gateway.calls.filter(isLookup).map(({ url, headers }) => [url, headers.get("authorization")])).toEqual(
    Array.from({ length: 2 }, () => ["http://openrouter.test/api/v1/generation?id=gen-1", "Bearer sk-or-test"]),
  );
  expect(correction).toMatchObject({
    kind: "correction",
    corrects: row?.id,
    reason: "usage",
    usageSource: "provider",
    freshInputTokens: 10 - 4,
    cacheReadTokens: 2,
    outputTokens: 42 - 4,
    reasoningTokens: 5,
    userId: row?.userId,
    apiKeyId: row?.apiKeyId,
    requestId: row?.requestId,
  });
  expect(JSON.parse(correction.attempts[0]?.usageRaw ?? "")).toEqual(GENERATION.data);
  // What the row and its correction cost together is what the provider's figures cost.
  const sum = await gateway.store.ledger.summarize({});
  expect(sum.consume).toMatchObject({
    freshInputTokens: 10,
    cacheReadTokens: 2,
    outputTokens: 42,
    reasoningTokens: 5,
    requests: 1,
  });
  expect((row?.costNanos ?? Number.NaN) + (correction.costNanos ?? Number.NaN)).toBe(sum.consume.costNanos);
  // Told once, it is not asked again.
  gateway.clock.advance(10_000_000);
  await new Promise(setImmediate);
  expect(looks).toBe(2);
});

test("figures that come while the books cannot be written are booked once, and asked for no more", async () => {
  let isFull = false;
  const append = (): void => {
    if (isFull) throw new Error("the disk is full");
  };
  const gateway = await cutStream(() => Response.json(GENERATION), { append });
  const budget = makeBudget({ hardLimit: 1_000_000 });
  await gateway.store.budgets.create(budget);
  await gateway.budgets.refresh();
  isFull = true;
  gateway.clock.advance(2_000);
  while (gateway.ledger.fault() === null) await new Promise(setImmediate);
  isFull = false;
  for (let spentMs = 0; spentMs < 20_000; spentMs += 500) {
    gateway.clock.advance(500);
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  }
  expect(await untilCorrected(gateway)).toMatchObject({ reason: "usage" });
  expect(gateway.calls.filter(isLookup)).toHaveLength(1);
  // As the provider counts: 12 that were read, and 42 that were written.
  expect(await gateway.budgets.look(budget, null)).toMatchObject({ spent: 54 });
  expect(gateway.log.filter((line) => line.includes("duplicate"))).toEqual([]);
});

test("figures beyond all that can be used are not taken, and asked for again", async () => {
  const odd = { data: { ...GENERATION.data, native_tokens_completion: 1e300 } };
  let looks = 0;
  const gateway = await cutStream(() => Response.json(++looks === 1 ? odd : GENERATION));
  while (looks < 2) {
    gateway.clock.advance(5_000);
    await new Promise(setImmediate);
  }
  expect(await untilCorrected(gateway)).toMatchObject({ outputTokens: 42 - 4 });
  expect((await gateway.store.ledger.summarize({})).consume).toMatchObject({ outputTokens: 42 });
});

test("while the provider is still to be asked, what it was sent is not kept in memory", async () => {
  const gateway = await cutStream(() => new Response(null, { status: 404 }));
  const long = [{ role: "user", content: "x".repeat(900_000) }];
  const measure = (): number => {
    gateway.calls.length = 0;
    Bun.gc(true);
    const { heapSize, extraMemorySize } = heapStats();
    return heapSize + extraMemorySize;
  };
  await cutOne(gateway, long);
  const before = measure();
  for (let count = 0; count < 20; count++) await cutOne(gateway, long);
  expect(measure() - before).toBeLessThan(10 * 900_000);
});

test("an answer that reported its usage to the end is not asked about", async () => {
  const gateway = await makeRig({
    upstream: () =>
      Response.json({
        ...CHUNK,
        object: "chat.completion",
        choices: [{ index: 0, message: { role: "assistant", content: "Hi." }, finish_reason: "stop" }],
        usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
      }),
    config: (config) => ({
      ...config,
      providers: [
        ...config.providers,
        makeProviderSettings({ name: "openrouter", kind: "openrouter", baseUrl: "http://openrouter.test/api/v1" }),
      ],
    }),
  });
  rig = gateway;
  expect((await gateway.chat({ model: "openrouter/openai/gpt-4o", messages: HELLO })).status).toBe(200);
  gateway.clock.advance(10_000_000);
  await new Promise(setImmediate);
  expect(gateway.calls.filter(isLookup)).toEqual([]);
  expect(await gateway.row()).toMatchObject({ usageSource: "provider", outputTokens: 2 });
});

test("a gateway that stops before its time asks once more: what it is told is on the books before they are closed", async () => {
  const gateway = await cutStream(() => Response.json(GENERATION));
  await gateway.ledger.settled(1_000);
  const correction = await untilCorrected(gateway);
  expect(correction).toMatchObject({ kind: "correction", reason: "usage", usageSource: "provider" });
  // Its time comes nevertheless, and nothing more.
  gateway.clock.advance(3_600_000);
  await new Promise(setImmediate);
  expect(gateway.calls.filter(({ url }) => url.includes("/generation"))).toHaveLength(1);
});

test("a gateway that died over a call that took long leaves to the next one what it used", async () => {
  const intents: Intent[] = [];
  const gateway = await cutStream(() => Response.json(GENERATION), {
    ledger: (writer) => ({
      ...writer,
      intend(intent, before) {
        intents.push(intent);
        return writer.intend(intent, before);
      },
    }),
  });
  const client = new AbortController();
  const body = { model: "openrouter/openai/gpt-4o", stream: true, messages: HELLO };
  const response = await gateway.chat(body, { signal: client.signal });
  await response.body?.getReader().read();
  gateway.clock.advance(10_000);
  const last = intents.at(-1);
  expect(last).toMatchObject({ usageSource: "estimate", attempts: [{ errorKind: "interrupted", answerId: "gen-1" }] });
  client.abort();
});

test("a gateway that begins anew goes on asking for those before it, and asks nobody twice who has told", async () => {
  let isReady = false;
  const gateway = await cutStream(() => (isReady ? Response.json(GENERATION) : new Response(null, { status: 404 })));
  const asked = (): number => gateway.calls.filter(({ url }) => url.includes("/generation")).length;
  const pass = async (seconds: number): Promise<void> => {
    gateway.clock.advance(seconds * 1_000);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  };
  // The first one has given up by then, as one does that is gone.
  for (const seconds of [2, 5, 15, 60, 300, 1_800, 60]) await pass(seconds);
  expect(asked()).toBe(6);
  isReady = true;
  await gateway.app.resume();
  await pass(2);
  const correction = await untilCorrected(gateway);
  expect(correction).toMatchObject({ kind: "correction", reason: "usage", outputTokens: expect.any(Number) });
  await gateway.app.resume();
  await pass(2);
  expect(asked()).toBe(7);
});

describe.each(["sqlite", ...(hasPostgres ? ["postgres"] : [])])("priced again meanwhile, on %s", (engine) => {
  /** $5, $2.50 and $20 a million: twice what the list says. */
  const priceTwice = ({ usage }: Pick<Parameters<PriceBook["price"]>[0], "usage">): Price => ({
    id: "dear/gpt-4o",
    source: "test",
    date: null,
    costNanos:
      (usage?.freshInputTokens ?? 0) * 5_000 +
      (usage?.cacheReadTokens ?? 0) * 2_500 +
      (usage?.outputTokens ?? 0) * 20_000,
  });
  /** By the list, of what the provider tells. */
  const TOLD = 12 * 2_500 + 42 * 10_000;

  async function reprice(gateway: Rig, row: LedgerEntry): Promise<void> {
    const sources = { book: { price: priceTwice }, pricingOf: () => ({ vendor: "openrouter" }) };
    const { correction } = repriceEntry(row, [], sources) ?? {};
    await gateway.store.ledger.append(correction ? [correction] : []);
  }

  const open = async (): Promise<Rig> => {
    const dsn = engine === "postgres" ? await createDatabase() : null;
    return cutStream(() => Response.json(GENERATION), {
      config: (base) => (dsn === null ? base : { ...base, identityPath: dsn, ledgerPath: dsn }),
    });
  };

  const untilTold = async (gateway: Rig, row: LedgerEntry): Promise<LedgerEntry[]> => {
    for (;;) {
      await gateway.store.arrive();
      const corrections = await gateway.store.ledger.corrections([row.id]);
      if (corrections.some(({ reason }) => reason === "usage")) return [row, ...corrections];
      await new Promise(setImmediate);
    }
  };
  const sum = (rows: readonly LedgerEntry[]): number =>
    rows.reduce((cost, { costNanos }) => cost + (costNanos ?? 0), 0);

  test("what the row costs together is the price of what was told", async () => {
    const gateway = await open();
    const [row] = await gateway.rows();
    if (row === undefined) throw new Error("there is no row");
    await reprice(gateway, row);
    gateway.clock.advance(2_000);
    const rows = await untilTold(gateway, row);
    expect(new Set(rows.map(({ reason }) => reason))).toEqual(new Set([null, "reprice", "usage"]));
    expect(sum(rows)).toBe(TOLD);
  });

  const ESTIMATE = { freshInputTokens: 4, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 4 };
  const CUT: Attempt = {
    provider: "openrouter",
    model: "openai/gpt-4o",
    status: 200,
    errorKind: "cancelled",
    latencyMs: 1,
    upstreamRequestId: null,
  };
  const BASE = { modelServed: "openai/gpt-4o", provider: "openrouter", usageSource: "estimate", ...ESTIMATE } as const;
  const OTHER = { ...CUT, usage: { ...ESTIMATE, reasoningTokens: null } };

  test.each<{ name: string; row: Partial<LedgerEntry>; more: number }>([
    {
      name: "at a price that nobody knew before",
      row: { costNanos: null, priceId: null, attempts: [{ ...CUT, answerId: "gen-2" }] },
      more: 0,
    },
    {
      name: "as one of several calls",
      row: {
        costNanos: 100_000,
        attempts: [
          { ...OTHER, costNanos: 50_000 },
          { ...OTHER, costNanos: 50_000, answerId: "gen-2" },
        ],
      },
      more: 100_000,
    },
    {
      name: "as one of several calls that nobody could price together",
      row: {
        costNanos: null,
        attempts: [
          { ...OTHER, costNanos: null },
          { ...OTHER, costNanos: 50_000, answerId: "gen-2" },
        ],
      },
      more: 100_000,
    },
  ])("asked by the next gateway, $name", async ({ row: own, more }) => {
    const gateway = await open();
    const row = makeEntry({ ...BASE, createdAt: new Date(gateway.clock.wallMs()), ...own });
    await gateway.ledger.add(row);
    await gateway.store.arrive();
    await reprice(gateway, row);
    await gateway.app.resume();
    gateway.clock.advance(2_000);
    const rows = await untilTold(gateway, row);
    expect(rows).toHaveLength(3);
    expect(sum(rows)).toBe(TOLD + more);
    expect(rows.filter(({ pricesUnknown }) => pricesUnknown === true)).toHaveLength(own.costNanos === null ? 1 : 0);
  });
});
