// Decimals as fractions: read, multiplied and printed without loss.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { divide, multiply, parseFraction, printFraction, roundQuotient } from "../../src/lib/fraction.ts";

describe("fractions", () => {
  test.each([
    ["0.075", { top: 3n, bottom: 40n }],
    [0.1, { top: 1n, bottom: 10n }],
    [1e-7, { top: 1n, bottom: 10_000_000n }],
    ["2.5e3", { top: 2_500n, bottom: 1n }],
    ["20/11", { top: 20n, bottom: 11n }],
    ["-3", { top: -3n, bottom: 1n }],
    ["5.", { top: 5n, bottom: 1n }],
    ["", null],
    ["1,5", null],
    ["1/0", null],
    ["0x10", null],
    [Number.NaN, null],
  ])("%p", (text, expected) => {
    expect(parseFraction(text)).toEqual(expected);
  });
  test("what is printed reads as the same", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 20n), fc.bigInt(1n, 10n ** 12n), (top, bottom) => {
        const fraction = divide({ top, bottom: 1n }, { top: bottom, bottom: 1n });
        expect(parseFraction(printFraction(fraction))).toEqual(fraction);
      }),
    );
  });
  test("multiplying and dividing by the same changes nothing", () => {
    const third = parseFraction("1/3") ?? { top: 0n, bottom: 1n };
    const seven = parseFraction("0.7") ?? { top: 0n, bottom: 1n };
    expect(divide(multiply(third, seven), seven)).toEqual(third);
  });
  test.each([
    [1n, 2n, 1n],
    [149n, 100n, 1n],
    [150n, 100n, 2n],
    [0n, 7n, 0n],
  ])("%d/%d rounds to %d", (top, bottom, rounded) => {
    expect(roundQuotient(top, bottom)).toBe(rounded);
  });
});
