// Decimals as whole numbers: exact, rounded once, and nothing that is no number.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseDecimal } from "../../src/lib/decimal.ts";

test.each([
  ["0.06", 9, 60_000_000n],
  ["123.78912", 7, 1_237_891_200n],
  ["$1,234.50", 2, 123_450n],
  ["-0.5", 0, -1n],
  ["0.4999999999999999999", 0, 0n],
  ["2.5e-6", 9, 2_500n],
  ["1E3", 0, 1_000n],
  [".25", 2, 25n],
  ["7.", 0, 7n],
  [" 12 ", 0, 12n],
])("%s with %d digits", (text, digits, expected) => {
  expect(parseDecimal(text, digits)).toBe(expected);
});

test.each(["", ".", "-", "1,23", "0,19", "0,005", "1.2.3", "1e", "NaN", "Infinity", "0x10", "1e999", "9".repeat(80)])(
  "%s is none",
  (text) => {
    expect(parseDecimal(text, 9)).toBeNull();
  },
);

test("any amount survives being written down", () => {
  fc.assert(
    fc.property(fc.bigInt(-(10n ** 20n), 10n ** 20n), fc.integer({ min: 0, max: 12 }), (units, digits) => {
      const text = (units < 0n ? -units : units).toString().padStart(digits + 1, "0");
      const whole = text.slice(0, text.length - digits);
      const written = `${units < 0n ? "-" : ""}${whole}${digits === 0 ? "" : `.${text.slice(-digits)}`}`;
      expect(parseDecimal(written, digits)).toBe(units);
    }),
  );
});
