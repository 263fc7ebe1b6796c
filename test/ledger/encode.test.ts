// The attested bytes of rows: as RFC 8785 has them, the same from every maker, and different for rows that differ.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  cleanEntry,
  cleanRecount,
  encodeFields,
  encodeRow,
  ENTRY_FIELDS,
  RECOUNT_FIELDS,
  type SealedEntry,
} from "../../src/ledger/index.ts";
import { makeCall, makeRecount } from "../audit/verify/books.ts";
import { canonicalize } from "../../src/lib/canonical-json.ts";

const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom('"', "\\", "\u0000\u001f\u007f\u2028", "é😀", ""));
const nullable = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null });
const count = nullable(fc.integer({ min: 0, max: 2 ** 53 - 1 }));
const real = fc.oneof(
  fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, 1e21, 1e-7, 0.1 + 0.2),
);

/** Rows as they come from anywhere, cleaned as the writer does it. */
export const anyEntry: fc.Arbitrary<SealedEntry> = fc
  .record({
    requestId: text,
    userId: text,
    tags: nullable(fc.array(text, { maxLength: 3 })),
    modelAsked: text,
    modelServed: nullable(text),
    provider: nullable(text),
    freshInputTokens: count,
    longCacheWriteTokens: count,
    units: nullable(fc.dictionary(text, fc.double({ noNaN: true, noDefaultInfinity: true }), { maxKeys: 3 })),
    serviceTier: nullable(text),
    latencyMs: real,
    ttftMs: nullable(real),
    streamed: fc.boolean(),
    pricesUnknown: nullable(fc.boolean()),
    costNanos: nullable(fc.integer({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1 })),
    dropped: fc.array(text, { maxLength: 3 }),
    usageRaw: text,
    seq: fc.integer({ min: 1, max: 2 ** 53 - 1 }),
  })
  .map(({ seq, usageRaw, ...over }) => {
    const call = makeCall(1);
    const attempts = call.attempts.map((attempt) => ({ ...attempt, usageRaw, latencyMs: over.latencyMs }));
    const entry = cleanEntry({ ...call, ...over, attempts } as SealedEntry);
    return { ...entry, chain: "abc-1", seq, hash: null };
  });

describe("canonical JSON", () => {
  test("is that of RFC 8785's own example", () => {
    const value = {
      numbers: [Number("333333333.33333329"), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"/",
      literals: [null, true, false],
    };
    expect(canonicalize(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  test("orders names by their UTF-16 units", () => {
    const value = { "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5, "\u0080": 6, "\u00f6": 7 };
    expect(canonicalize(value)).toBe('{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}');
  });
});

describe("a row's bytes", () => {
  test("are all attested fields in order, and nothing else", () => {
    fc.assert(
      fc.property(anyEntry, (row) => {
        const bytes = encodeRow(row);
        expect(bytes).toBe(encodeFields(ENTRY_FIELDS, row));
        const attested = ENTRY_FIELDS.filter((field) => row[field] !== null);
        expect(Object.keys(JSON.parse(bytes))).toEqual(attested);
        expect(canonicalize(JSON.parse(bytes))).toBe(bytes);
      }),
      { numRuns: 300 },
    );
    const recount = { ...cleanRecount(makeRecount("id")), chain: "abc-1", seq: 2, hash: null };
    expect(encodeRow(recount)).toBe(encodeFields(RECOUNT_FIELDS, recount));
  });

  test("leave out what retention may delete, and no other column", () => {
    const row = { ...makeCall(1), chain: "c", seq: 1, hash: "h" };
    const left = Object.keys(row).filter((name) => !(ENTRY_FIELDS as readonly string[]).includes(name));
    expect(left.sort()).toEqual(["hash", "payloadSalt", "requestHash", "responseHash"]);
    expect([...ENTRY_FIELDS]).toEqual([...ENTRY_FIELDS].toSorted());
    const recount = Object.keys({ ...makeRecount("id"), chain: "c", seq: 1, hash: "h" });
    expect(recount.filter((name) => !(RECOUNT_FIELDS as readonly string[]).includes(name))).toEqual(["hash"]);
  });
});
