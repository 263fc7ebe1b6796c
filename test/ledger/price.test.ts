// Costs against the vendors' published prices, computed by hand; unknown stays unknown.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { calcPrice } from "@pydantic/genai-prices";
import type { Usage } from "../../src/ir/index.ts";
import { formatUsd } from "../../src/ledger/money.ts";
import { PRICE_LIST, loadPriceBook } from "../../src/ledger/price-list.ts";
import { createTokenEstimate } from "../../src/ledger/estimate.ts";
import manifest from "../../package.json" with { type: "json" };

const AT = new Date("2026-06-01T12:00:00Z");
const usage = (over: Partial<Usage>): Usage => ({
  freshInputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: null,
  ...over,
});

describe("price book", () => {
  test("gpt-4o: $2.50 in, $1.25 cached, $10 out a million (OpenAI's price page)", async () => {
    const book = await loadPriceBook();
    const price = book.price(
      { vendor: "openai" },
      "gpt-4o-2024-08-06",
      usage({ freshInputTokens: 1_000, cacheReadTokens: 200, outputTokens: 500 }),
      AT,
    );
    expect(price?.costNanos).toBe(1_000 * 2_500 + 200 * 1_250 + 500 * 10_000);
    expect(price).toMatchObject({ source: PRICE_LIST, id: "openai/gpt-4o" });
  });
  test("claude-sonnet-4-5: $3 in, $0.30 cache read, $3.75 cache write, $15 out a million (Anthropic's price page)", async () => {
    const book = await loadPriceBook();
    const counts = usage({ freshInputTokens: 500, cacheReadTokens: 200, cacheWriteTokens: 300, outputTokens: 5 });
    const price = book.price({ vendor: "anthropic" }, "claude-sonnet-4-5-20250929", counts, AT);
    expect(price?.costNanos).toBe(500 * 3_000 + 200 * 300 + 300 * 3_750 + 5 * 15_000);
  });
  test("an unknown model and an unknown address have no price; the loopback is free", async () => {
    const book = await loadPriceBook();
    expect(book.price({ vendor: "openai" }, "no-such-model", usage({ outputTokens: 1 }), AT)).toBeNull();
    expect(book.price({ apiUrl: "http://127.0.0.1:9/v1" }, "gpt-4o", usage({ outputTokens: 1 }), AT)).toBeNull();
    expect(book.price("free", "loopback", usage({ outputTokens: 1 }), AT)).toMatchObject({
      costNanos: 0,
      source: "free",
    });
  });
  test("remembered rates and tiers give what the list itself gives", async () => {
    const book = await loadPriceBook();
    const models = [
      ["openai", "gpt-4o-mini"],
      ["openai", "gpt-5"],
      ["openai", "gpt-5.4"],
      ["anthropic", "claude-sonnet-4-5"],
      ["anthropic", "claude-haiku-4-5"],
      ["google", "gemini-2.5-pro"],
    ] as const;
    const count = fc.integer({ min: 0, max: 400_000 });
    fc.assert(
      fc.property(
        fc.constantFrom(...models),
        count,
        count,
        count,
        count,
        ([vendor, model], fresh, read, write, output) => {
          const counts = usage({
            freshInputTokens: fresh,
            cacheReadTokens: read,
            cacheWriteTokens: write,
            outputTokens: output,
          });
          const listed = calcPrice(
            {
              input_tokens: fresh + read + write,
              cache_read_tokens: read,
              cache_write_tokens: write,
              output_tokens: output,
            },
            model,
            { providerId: vendor, timestamp: AT },
          );
          const booked = book.price({ vendor }, model, counts, AT);
          expect(
            Math.abs((booked?.costNanos ?? -1) - Math.round((listed?.total_price ?? -9) * 1e9)),
          ).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
  test("the list's name on every row is the version that is installed", () => {
    expect(PRICE_LIST).toBe(`genai-prices@${manifest.dependencies["@pydantic/genai-prices"]}`);
  });
});

describe("money", () => {
  test.each([
    [0, "0"],
    [1, "0.000000001"],
    [1_500, "0.0000015"],
    [2_000_000_000, "2"],
    [12_340_000_000, "12.34"],
    [-5, "-0.000000005"],
    [9_007_199_254_740_991, "9007199.254740991"],
  ])("%d nano-dollars are $%s", (nanos, text) => {
    expect(formatUsd(nanos)).toBe(text);
  });
});

describe("token estimate", () => {
  test.each([
    ["", 0],
    ["a", 1],
    ["abcd efgh", 3],
    ["你好", 2],
  ])("%p is about %d", (text, tokens) => {
    const estimate = createTokenEstimate();
    estimate.add(text);
    expect(estimate.tokens()).toBe(tokens);
  });
  test("pieces count like the whole", () => {
    const whole = createTokenEstimate();
    whole.add("hello world, 你好");
    const pieces = createTokenEstimate();
    for (const letter of "hello world, 你好") pieces.add(letter);
    expect(pieces.tokens()).toBe(whole.tokens());
  });
});
