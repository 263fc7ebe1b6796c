// Money as text, and rough counts of tokens.

import { describe, expect, test } from "bun:test";
import { createTokenEstimate } from "../../src/ledger/estimate.ts";
import { formatUsd } from "../../src/ledger/money.ts";

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
