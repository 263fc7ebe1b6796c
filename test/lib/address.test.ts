// Ranges of IP addresses: as they are written, what lies in them, and which lies in which.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { compileRanges, coversRange, findParty, normalizeAddress, normalizeRange } from "../../src/lib/address.ts";

test.each([
  ["10.0.0.0/8", "10.0.0.0/8"],
  [" 10.1.2.3/8 ", "10.0.0.0/8"],
  ["192.0.2.7", "192.0.2.7/32"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["2001:DB8::1/32", "2001:db8::/32"],
  ["::1", "::1/128"],
  ["::ffff:10.1.2.3/104", "10.0.0.0/8"],
  ["::ffff:10.1.2.3", "10.1.2.3/32"],
  ["fe80::1%eth0", "fe80::1/128"],
  ["10.0.0.0/33", null],
  ["10.0.0.0/-1", null],
  ["10.0.0.0/", null],
  ["10.0.0/8", null],
  ["10.1", null],
  ["012.0.0.1", null],
  ["0x7f.0.0.1", null],
  ["2130706433", null],
  ["::ffff:10.0.0.0/90", null],
  ["2001:db8::/129", null],
  ["gateway.example.com", null],
  ["", null],
  ["*", null],
])("%p is kept as %p", (text, expected) => {
  expect(normalizeRange(text)).toBe(expected);
});

test.each([
  [["10.0.0.0/8"], "10.255.0.1", true],
  [["10.0.0.0/8"], "::ffff:10.255.0.1", true],
  [["10.0.0.0/8"], "11.0.0.1", false],
  [["2001:db8::/32"], "2001:db8:1::1", true],
  [["2001:db8::/32"], "2001:db9::1", false],
  [["2001:db8::/32", "192.0.2.7"], "192.0.2.7", true],
  [["0.0.0.0/0"], "::1", false],
  [["::/0"], "10.0.0.1", false],
  [["::/0"], "fe80::1%lo", true],
  [["0.0.0.0/0"], "unknown", false],
  [["0.0.0.0/0"], "", false],
])("%j holds %p: %p", (ranges, address, expected) => {
  expect(compileRanges(ranges)(address)).toBe(expected);
});

describe("a range within another", () => {
  const old = ["0.0.0.0", "10.0.0.0", "10.0.0.1", "10.128.0.0", "11.0.0.0", "127.255.255.255", "255.255.255.255"];
  const young = ["::", "::1", "2001:db8::", "2001:db8::1", "2001:db8:8000::", "2001:db9::", "ffff::"];
  const address = fc.constantFrom(...old, ...young);
  const range = fc
    .tuple(address, fc.integer({ min: 0, max: 32 }), fc.boolean())
    .map(([text, bits, isLong]) => `${text}/${text.includes(":") && isLong ? bits + 96 : bits}`);
  test("holds all that the other holds", () => {
    fc.assert(
      fc.property(range, range, address, (outer, inner, text) => {
        if (!coversRange(outer, inner)) return true;
        return !compileRanges([inner])(text) || compileRanges([outer])(text);
      }),
      { numRuns: 5_000 },
    );
    fc.assert(fc.property(range, (one) => coversRange(one, normalizeRange(one) ?? "")));
  });
  test.each([
    ["10.0.0.0/8", "10.1.0.0/16", true],
    ["10.1.0.0/16", "10.0.0.0/8", false],
    ["10.0.0.0/8", "2001:db8::/32", false],
    ["::/0", "10.0.0.0/8", false],
  ])("%p has room for %p: %p", (outer, inner, expected) => {
    expect(coversRange(outer, inner)).toBe(expected);
  });
});

test("one party is an address of the old kind, and a network of the new", () => {
  expect(findParty("::ffff:192.0.2.7")).toBe("192.0.2.7");
  expect(findParty("2001:db8:1:2:3:4:5:6")).toBe(findParty("2001:db8:1:2::1"));
  expect(findParty("2001:db8:1:2::1")).not.toBe(findParty("2001:db8:1:3::1"));
  expect(findParty("unknown")).toBe("unknown");
});

test("an address has one spelling", () => {
  expect(["::FFFF:1.2.3.4", "2001:DB8:0:0::1", "1.2.3"].map(normalizeAddress)).toEqual([
    "1.2.3.4",
    "2001:db8::1",
    null,
  ]);
});
