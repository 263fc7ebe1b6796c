// The attested bytes of rows: as RFC 8785 has them, the same from every maker, and different for rows that differ.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  cleanRecount,
  encodeFields,
  encodeRow,
  ENTRY_FIELDS,
  RECOUNT_FIELDS,
  type SealedEntry,
} from "../../src/ledger/index.ts";
import { makeCall, makeRecount } from "../audit/verify/books.ts";
import { anyEntry } from "./any-entry.ts";
import { canonicalize } from "../../src/lib/canonical-json.ts";

const anySealed: fc.Arbitrary<SealedEntry> = fc
  .tuple(anyEntry, fc.integer({ min: 1, max: 2 ** 53 - 1 }))
  .map(([entry, seq]) => ({ ...entry, chain: "abc-1", seq, hash: null }));

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
      fc.property(anySealed, (row) => {
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
