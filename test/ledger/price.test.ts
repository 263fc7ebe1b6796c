// The price book's laws: what the list says, exactly; sums and orders as money has them; nothing made up; overrides and discounts above.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { calcPrice } from "@pydantic/genai-prices";
import type { Usage } from "../../src/ir/index.ts";
import {
  type PriceOverride,
  type PriceRequest,
  createOverrideLayer,
  createPriceBook,
  joinPrices,
} from "../../src/ledger/index.ts";
import { PRICE_LIST, loadBundledPrices, loadPriceBook } from "../../src/ledger/price-list.ts";
import { PRICE_FACTS } from "../../src/provider/index.ts";
import { makeUsage } from "./entry.ts";
import manifest from "../../package.json" with { type: "json" };

const AT = new Date("2026-10-01T12:00:00Z");
const FACTS = { facts: PRICE_FACTS };

function ask(vendor: string, model: string, usage: Usage, over: Partial<PriceRequest> = {}): PriceRequest {
  return { provider: vendor, pricing: { vendor }, models: [model], usage, at: AT, ...over };
}

const count = fc.integer({ min: 0, max: 400_000 });
const usages = fc
  .record({ freshInputTokens: count, cacheReadTokens: count, cacheWriteTokens: count, outputTokens: count })
  .map((counts) => makeUsage(counts));

describe("price book", () => {
  test("names the entry, the list and the day", async () => {
    const book = await loadPriceBook(FACTS);
    const usage = makeUsage({ freshInputTokens: 1 });
    expect(book.price(ask("openai", "gpt-4o-2024-08-06", usage))).toEqual({
      costNanos: 2_500,
      id: "openai/gpt-4o",
      source: PRICE_LIST,
      date: "2026-09-23",
    });
    const batch = book.price(ask("anthropic", "claude-sonnet-4-6", { ...usage, serviceTier: "batch" }));
    expect(batch).toEqual({
      costNanos: 1_500,
      id: "anthropic/claude-sonnet-4-6",
      source: `${PRICE_LIST} batch`,
      date: "2026-03-13",
    });
  });
  test("an unknown model and an unknown address have no price; what is free is free", async () => {
    const book = await loadPriceBook(FACTS);
    const usage = makeUsage({ outputTokens: 1 });
    expect(book.price(ask("openai", "no-such-model", usage))).toBeNull();
    expect(book.price(ask("own", "gpt-4o", usage, { pricing: { apiUrl: "http://127.0.0.1:9/v1" } }))).toBeNull();
    expect(book.price(ask("loopback", "loopback", usage, { pricing: "free" }))).toMatchObject({
      costNanos: 0,
      source: "free",
    });
    expect(
      book.price(ask("deepseek", "deepseek-chat", usage, { pricing: { apiUrl: "https://api.deepseek.com/v1" } })),
    ).not.toBeNull();
  });
  test("every model of the list costs what the list's own reader says, to the nano-dollar", async () => {
    const { vendors } = await loadBundledPrices();
    const book = await loadPriceBook({ facts: [] });
    const models = vendors.flatMap((vendor) => vendor.models.map((model) => [vendor.id, model.id] as const));
    const found = models.filter(([vendor, model]) => listed(vendor, model, makeUsage({})) !== null);
    expect(found.length).toBeGreaterThan(1_500);
    const inputOnly = new Set(
      vendors.flatMap(({ id, models: own }) =>
        own.flatMap(({ id: model, prices }) => (JSON.stringify(prices).includes('"output') ? [] : [`${id}/${model}`])),
      ),
    );
    fc.assert(
      fc.property(fc.constantFrom(...found), usages, ([vendor, model], given) => {
        // Nor does its reader miss a price of what is written.
        const usage = inputOnly.has(`${vendor}/${model}`) ? { ...given, outputTokens: 0, reasoningTokens: 0 } : given;
        const expected = listed(vendor, model, usage);
        const price = book.price(ask(vendor, model, usage));
        // Where the list prices other things alone, its reader gives tokens away.
        if (price === null) return (expected ?? 0) === 0;
        if (expected === null) return false;
        // The reader's own floating point is off by less than a nano-dollar.
        return Math.abs(price.costNanos - expected) <= 1;
      }),
      { numRuns: 5_000 },
    );
  });
  test("costs are exact where floating point is not, and add up", () => {
    const layer = createOverrideLayer({ name: "own", source: "operator", date: null, overrides: [own("0.1")] });
    const book = createPriceBook({ layers: [layer], facts: [] });
    const costOf = (tokens: number): number =>
      book.price(ask("any", "m", makeUsage({ freshInputTokens: tokens })))?.costNanos ?? -1;
    // 0.1 + 0.2 in floating point is more than 0.3; a tenth of a dollar a million is 100 nano-dollars a token.
    expect(costOf(1) + costOf(2)).toBe(costOf(3));
    expect(costOf(3)).toBe(300);
    // Nine million dollars are the most that a number holds in nano-dollars; this is beneath.
    expect(costOf(80_000_000_000_001)).toBe(8_000_000_000_000_100);
    expect(costOf(100_000_000_000_000)).toBe(-1);
  });
  test("thirds of a nano-dollar neither drift nor get lost", () => {
    const layer = createOverrideLayer({
      name: "own",
      source: "operator",
      date: null,
      overrides: [own("0.000333333333333333")],
    });
    const book = createPriceBook({ layers: [layer], facts: [] });
    const price = book.price(ask("any", "m", makeUsage({ freshInputTokens: 3_000_000_000 })));
    // 3,000,000,000 × 0.333333333333333 nano-dollars
    expect(price?.costNanos).toBe(1_000_000_000 - 0);
  });
  test("below a size, the cost of two calls is that of one with the tokens of both", async () => {
    const book = await loadPriceBook(FACTS);
    const small = fc.integer({ min: 0, max: 20_000 });
    const smallUsages = fc
      .record({ freshInputTokens: small, cacheReadTokens: small, cacheWriteTokens: small, outputTokens: small })
      .map((counts) => makeUsage(counts));
    fc.assert(
      fc.property(fc.constantFrom(...MODELS), smallUsages, smallUsages, ([vendor, model], left, right) => {
        const costOf = (usage: Usage): number => book.price(ask(vendor, model, usage))?.costNanos ?? Number.NaN;
        const both = makeUsage({
          freshInputTokens: left.freshInputTokens + right.freshInputTokens,
          cacheReadTokens: left.cacheReadTokens + right.cacheReadTokens,
          cacheWriteTokens: left.cacheWriteTokens + right.cacheWriteTokens,
          outputTokens: left.outputTokens + right.outputTokens,
        });
        // Each cost is rounded once.
        expect(Math.abs(costOf(left) + costOf(right) - costOf(both))).toBeLessThanOrEqual(1);
      }),
    );
  });
  test("more of anything never costs less", async () => {
    const book = await loadPriceBook(FACTS);
    const kinds = ["freshInputTokens", "cacheReadTokens", "cacheWriteTokens", "outputTokens"] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...MODELS),
        usages,
        fc.constantFrom(...kinds),
        fc.integer({ min: 1, max: 400_000 }),
        ([vendor, model], usage, kind, more) => {
          const before = book.price(ask(vendor, model, usage))?.costNanos ?? Number.NaN;
          const after = book.price(ask(vendor, model, { ...usage, [kind]: usage[kind] + more }))?.costNanos;
          expect(after).toBeGreaterThanOrEqual(before);
        },
      ),
    );
  });
  test("the list's name on every row is the version that is installed", () => {
    expect(PRICE_LIST).toBe(`genai-prices@${manifest.dependencies["@pydantic/genai-prices"]}`);
  });
  test("pricing a call takes a few microseconds at most", async () => {
    const book = await loadPriceBook(FACTS);
    const request = ask(
      "anthropic",
      "claude-sonnet-4-5",
      makeUsage({ freshInputTokens: 900, cacheReadTokens: 40_000, outputTokens: 300 }),
    );
    for (let round = 0; round < 2_000; round++) book.price(request);
    const started = Bun.nanoseconds();
    for (let round = 0; round < 20_000; round++) book.price(request);
    const microseconds = (Bun.nanoseconds() - started) / 20_000 / 1_000;
    expect(microseconds).toBeLessThan(20);
  });
});

describe("overrides and discounts", () => {
  const base = { name: "contract", model: "gpt-4o*", provider: "openai", tier: "default", from: null, to: null };
  const prices = joinPrices([
    ["input", "2"],
    ["output", "8"],
    ["output_above_100000", "9.5"],
    ["request", "0.01"],
  ]);

  test("the operator's word is above the list, and says since when", async () => {
    const book = await withOverrides([{ ...base, prices, from: new Date("2026-09-01T00:00:00Z") }]);
    const usage = makeUsage({ freshInputTokens: 1_000, outputTokens: 100 });
    expect(book.price(ask("openai", "gpt-4o-mini", usage))).toEqual({
      costNanos: 1_000 * 2_000 + 100 * 8_000 + 10_000_000,
      id: "contract/gpt-4o*",
      source: "operator",
      date: "2026-09-01",
    });
    const large = makeUsage({ freshInputTokens: 100_001, outputTokens: 100 });
    expect(book.price(ask("openai", "gpt-4o", large))?.costNanos).toBe(100_001 * 2_000 + 100 * 9_500 + 10_000_000);
  });
  test("sold by the request alone, a call has its price whatever was counted; by tokens as well, it has none", async () => {
    const one = { ...base, name: "one", model: "brush", prices: joinPrices([["request", "0.04"]]) };
    const both = { ...base, name: "both", model: "pen", prices };
    const book = await withOverrides([one, both]);
    const drawn = { usage: null, units: { images: 1 } };
    expect(book.price({ ...ask("openai", "brush", makeUsage({})), ...drawn })?.costNanos).toBe(40_000_000);
    expect(book.price({ ...ask("openai", "pen", makeUsage({})), ...drawn })).toBeNull();
  });
  test("it may name the model as it was asked for or as it was served", async () => {
    const book = await withOverrides([{ ...base, model: "gpt-4o", prices }]);
    const request = ask("openai", "", makeUsage({ freshInputTokens: 1 }), { models: ["gpt-4o-2024-08-06", "gpt-4o"] });
    expect(book.price(request)?.source).toBe("operator");
  });
  test("it holds in its time, for its provider and its tier alone; else the list does", async () => {
    const window = { from: new Date("2026-09-01T00:00:00Z"), to: new Date("2026-10-01T00:00:00Z") };
    const book = await withOverrides([{ ...base, ...window, prices }]);
    const usage = makeUsage({ freshInputTokens: 1_000 });
    const sourceAt = (at: string): string | undefined =>
      book.price(ask("openai", "gpt-4o", usage, { at: new Date(at) }))?.source;
    expect(sourceAt("2026-08-31T23:59:59Z")).toBe(PRICE_LIST);
    expect(sourceAt("2026-09-01T00:00:00Z")).toBe("operator");
    expect(sourceAt("2026-09-30T23:59:59Z")).toBe("operator");
    expect(sourceAt("2026-10-01T00:00:00Z")).toBe(PRICE_LIST);
    const other = ask("other", "gpt-4o", usage, {
      pricing: { vendor: "openai" },
      at: new Date("2026-09-02T00:00:00Z"),
    });
    expect(book.price(other)?.source).toBe(PRICE_LIST);
    const batch = ask("openai", "gpt-4o", { ...usage, serviceTier: "batch" }, { at: new Date("2026-09-02T00:00:00Z") });
    expect(book.price(batch)?.source).toBe(`${PRICE_LIST} batch`);
  });
  test("the closest pattern wins, then the youngest", async () => {
    const book = await withOverrides([
      { ...base, name: "wide", model: "*", provider: null, prices: joinPrices([["input", "1"]]) },
      { ...base, name: "old", prices: joinPrices([["input", "2"]]) },
      { ...base, name: "new", from: new Date("2026-09-01T00:00:00Z"), prices: joinPrices([["input", "3"]]) },
    ]);
    const usage = makeUsage({ freshInputTokens: 1 });
    expect(book.price(ask("openai", "gpt-4o", usage))?.costNanos).toBe(3_000);
    expect(book.price(ask("openai", "gpt-4o", usage, { at: new Date("2026-08-01T00:00:00Z") }))?.costNanos).toBe(2_000);
    expect(book.price(ask("openai", "made-up", usage))?.costNanos).toBe(1_000);
  });
  test.each([
    ["gpt-4o", ["gpt-4o", "GPT-4O"], ["gpt-4", "gpt-4o-mini"]],
    ["*gpt*4*mini", ["my-gpt-4o-mini", "gpt4mini"], ["gpt-mini-4", "gpt-4-mini-x"]],
    ["ab*ba", ["abba", "ab-ba"], ["aba", "ab"]],
    ["a**b", ["ab", "axb"], ["a", "b"]],
    ["g.t*", ["g.t-4"], ["gpt-4"]],
  ])("the pattern %s", async (model, those, others) => {
    const book = await withOverrides([{ ...base, model, prices }]);
    const isOurs = (name: string): boolean =>
      book.price(ask("openai", name, makeUsage({ freshInputTokens: 1 })))?.source === "operator";
    expect(those.filter(isOurs)).toEqual(those);
    expect(others.filter(isOurs)).toEqual([]);
  });
  test("a pattern is not looked for longer than a name is long", async () => {
    const book = await withOverrides([{ ...base, model: "*claude*sonnet*5*", prices }]);
    const fromMs = performance.now();
    expect(book.price(ask("made-up", "claude-sonnet-".repeat(20_000), makeUsage({})))).toBeNull();
    expect(performance.now() - fromMs).toBeLessThan(4_000);
  });
  test("an override that prices writes for five minutes alone does not price those for an hour", async () => {
    const book = await withOverrides([
      {
        ...base,
        model: "*",
        prices: joinPrices([
          ["input", "3"],
          ["cache_write", "3.75"],
        ]),
      },
    ]);
    const write = makeUsage({ cacheWriteTokens: 100 });
    expect(book.price(ask("openai", "m", write))?.costNanos).toBe(375_000);
    expect(book.price(ask("openai", "m", { ...write, longCacheWriteTokens: 1 }))).toBeNull();
    const both = await withOverrides([
      {
        ...base,
        model: "*",
        prices: joinPrices([
          ["input", "3"],
          ["cache_write", "3.75"],
          ["cache_write_1h", "6"],
        ]),
      },
    ]);
    expect(both.price(ask("openai", "m", { ...write, longCacheWriteTokens: 40 }))?.costNanos).toBe(
      60 * 3_750 + 40 * 6_000,
    );
  });
  test("cached sound has no price where only the cache and sound have one", async () => {
    const named: [string, string][] = [
      ["input", "2"],
      ["cache_read", "1"],
      ["input_audio", "8"],
    ];
    const book = await withOverrides([{ ...base, model: "*", prices: joinPrices(named) }]);
    const usage = makeUsage({ freshInputTokens: 60, cacheReadTokens: 40 });
    const costOf = (units: Record<string, number>, over = book): number | undefined =>
      over.price(ask("openai", "m", { ...usage, units }))?.costNanos;
    expect(costOf({ input_audio_tokens: 50 })).toBe(10 * 2_000 + 40 * 1_000 + 50 * 8_000);
    expect(costOf({ input_audio_tokens: 50, cache_audio_read_tokens: 20 })).toBeUndefined();
    const whole = joinPrices([...named, ["cache_audio_read_mtok", "4"]]);
    const priced = await withOverrides([{ ...base, model: "*", prices: whole }]);
    // Of 50 of sound 20 come from the cache, of 40 from the cache 20 are sound: 30 are text and fresh.
    expect(costOf({ input_audio_tokens: 50, cache_audio_read_tokens: 20 }, priced)).toBe(
      30 * 2_000 + 20 * 1_000 + 30 * 8_000 + 20 * 4_000,
    );
  });
  test("a discount is taken off what is listed, exactly, and not off what was agreed", async () => {
    const book = await withOverrides(
      [
        {
          ...base,
          model: "agreed",
          prices: joinPrices([
            ["input", "2"],
            ["output", "0"],
          ]),
        },
      ],
      "12.5",
    );
    const usage = makeUsage({ freshInputTokens: 1_000, outputTokens: 1_000 });
    expect(book.price(ask("openai", "gpt-4o", usage))).toMatchObject({
      costNanos: (2_500_000 + 10_000_000) * 0.875,
      source: `operator -12.5% ${PRICE_LIST}`,
    });
    expect(book.price(ask("openai", "agreed", usage))?.costNanos).toBe(2_000_000);
    expect(book.price(ask("other", "gpt-4o", usage, { pricing: { vendor: "openai" } }))?.source).toBe(PRICE_LIST);
  });
  test("where the input alone was agreed, the output is not free, and the other way round", async () => {
    const book = await withOverrides([
      { ...base, model: "half", prices: joinPrices([["input", "2"]]) },
      { ...base, model: "other-half", prices: joinPrices([["output", "2"]]) },
      { ...base, model: "call", prices: joinPrices([["request", "0.01"]]) },
    ]);
    const costOf = (model: string, usage: Partial<Usage>) =>
      book.price(ask("openai", model, makeUsage(usage)))?.costNanos ?? null;
    expect(costOf("half", { freshInputTokens: 1_000 })).toBe(2_000_000);
    expect(costOf("half", { freshInputTokens: 1_000, outputTokens: 1 })).toBeNull();
    expect(costOf("other-half", { outputTokens: 1_000 })).toBe(2_000_000);
    expect(costOf("other-half", { cacheReadTokens: 1, outputTokens: 1_000 })).toBeNull();
    // Whoever is paid by the call is paid for all of it.
    expect(costOf("call", { freshInputTokens: 1_000, outputTokens: 1 })).toBe(10_000_000);
  });
  test("new rules are in force at once", async () => {
    const book = await withOverrides([]);
    const usage = makeUsage({ freshInputTokens: 1 });
    expect(book.price(ask("openai", "gpt-4o", usage))?.costNanos).toBe(2_500);
    book.adopt({ layers: [await loadBundledPrices()], facts: [], discounts: new Map([["openai", "50"]]) });
    expect(book.price(ask("openai", "gpt-4o", usage))?.costNanos).toBe(1_250);
  });
  test.each([
    [[["inptu", "1"]], "inptu is no kind of price"],
    [[["input", "cheap"]], "input is no price"],
    [[["input", "-1"]], "input is no price"],
    [[["output_above_1000", "1"]], "output_mtok has a price above a size, and none below it"],
    [[["cache_read", "1"]], "cache_read_mtok lies within the input"],
  ] as const)("%j is refused", (named, message) => {
    expect(() => joinPrices(named.map(([name, price]) => [name, price] as const))).toThrow(message);
  });
});

const MODELS = [
  ["openai", "gpt-4o-mini"],
  ["openai", "gpt-5"],
  ["openai", "gpt-5.4"],
  ["openai", "gpt-5.6-luna"],
  ["anthropic", "claude-sonnet-4-5"],
  ["anthropic", "claude-haiku-4-5"],
  ["google", "gemini-2.5-pro"],
  ["deepseek", "deepseek-v4-pro"],
] as const;

function own(input: string): PriceOverride {
  const prices = joinPrices([["input", input]]);
  return { name: "own", model: "*", provider: null, tier: "default", from: null, to: null, prices };
}

async function withOverrides(overrides: readonly PriceOverride[], discount?: string) {
  return createPriceBook({
    layers: [
      createOverrideLayer({ name: "own", source: "operator", date: null, overrides }),
      await loadBundledPrices(),
    ],
    facts: PRICE_FACTS,
    ...(discount === undefined ? {} : { discounts: new Map([["openai", discount]]) }),
  });
}

/** Nano-dollars by the list's own reader; null where it knows no price. */
function listed(vendor: string, model: string, usage: Usage): number | null {
  const counts = {
    input_tokens: usage.freshInputTokens + usage.cacheReadTokens + usage.cacheWriteTokens,
    cache_read_tokens: usage.cacheReadTokens,
    cache_write_tokens: usage.cacheWriteTokens,
    cache_audio_read_tokens: 0,
    cache_image_read_tokens: 0,
    output_tokens: usage.outputTokens,
    output_reasoning_tokens: usage.reasoningTokens ?? 0,
  };
  const found = calcPrice(counts, model, { providerId: vendor, timestamp: AT });
  return found === null ? null : Math.round(found.total_price * 1e9);
}
