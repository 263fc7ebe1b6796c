// The attested bytes of rows: as RFC 8785 has them, the same from every maker, and different for rows that differ.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  BOOK_RULES,
  cleanEntry,
  cleanRecount,
  digestRow,
  encodeEntryLine,
  encodeRecountLine,
  encodeRow,
  ENTRY_FIELDS,
  type LedgerEntry,
  linkTo,
  type Recount,
  RECOUNT_FIELDS,
  type SealedEntry,
} from "../../src/ledger/index.ts";
import { SEALED_FIELDS, type sealLine, sealRow } from "../../src/ledger/line-seal.ts";
import { encodeParts } from "../../src/ledger/row-text.ts";
import { makeCall, makeRecount } from "../audit/verify/books.ts";
import { anyEntry } from "./any-entry.ts";
import { makeEntry } from "./entry.ts";
import { canonicalize } from "../../src/lib/canonical-json.ts";
import { cleanText } from "../../src/lib/text.ts";

const anySealed: fc.Arbitrary<SealedEntry> = fc
  .tuple(anyEntry, fc.integer({ min: 1, max: 2 ** 53 - 1 }))
  .map(([entry, seq]) => ({ ...entry, chain: "abc-1", seq, hash: null }));

/** By names alone. */
function encodeFields<Row>(fields: readonly (keyof Row & string)[], row: Row): string {
  const given = fields.filter((field) => row[field] !== null);
  return `{${given.map((field) => `"${field}":${canonicalize(row[field])}`).join(",")}}`;
}

const head = { chain: "abc-1", seq: 6, hash: "before" };

function nameValues({ type, values }: ReturnType<typeof sealLine>): Record<string, unknown> {
  return Object.fromEntries(SEALED_FIELDS[type].map((field, place) => [field, values[place]]));
}

/** As its columns are bound. */
function nameRow(sealed: ReturnType<typeof sealRow>): Record<string, unknown> {
  const parts = sealed.type === "entry" ? sealed.parts : {};
  return { ...sealed.row, ...parts, createdAt: sealed.row.createdAt.getTime() };
}

const anyText = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary" }),
  fc.constantFrom('"', "\\", "gpt-4o"),
);
const anyCount = fc.oneof(fc.nat(), fc.double(), fc.constantFrom(null, Number.NaN, 1e300, -0.5));

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
    for (const field of RECOUNT_FIELDS) {
      if (field === "createdAt" || field === "entryId" || field === "state") continue;
      const without = { ...recount, [field]: null };
      expect(encodeRow(without)).toBe(encodeFields(RECOUNT_FIELDS, without));
    }
  });

  test("are the same for whatever an attempt says, and for what no attempt of this version says", () => {
    const text = fc.string({ unit: "binary" }).map(cleanText);
    const attempt = fc.record(
      {
        account: fc.oneof(text, fc.constantFrom(null, 5)),
        answerId: text,
        costNanos: fc.option(fc.integer(), { nil: null }),
        errorKind: fc.constantFrom(null, "timeout", "interrupted"),
        latencyMs: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant("7")),
        model: text,
        provider: text,
        route: text,
        status: fc.oneof(fc.constantFrom(null, "200"), fc.integer()),
        upstreamRequestId: fc.option(text, { nil: null }),
        usage: fc.record({ outputTokens: fc.nat(), freshInputTokens: fc.nat() }),
        usageRaw: text,
        unheardOf: fc.anything({ withNullPrototype: false, withBigInt: false }).map((value) => value ?? null),
      },
      { requiredKeys: ["latencyMs"] },
    );
    fc.assert(
      fc.property(fc.array(attempt, { maxLength: 3 }), (given) => {
        // As a journal brings it.
        const attempts = JSON.parse(JSON.stringify(given)) as LedgerEntry["attempts"];
        expect(encodeParts({ attempts, dropped: [], tags: null, units: null }).attempts).toBe(canonicalize(attempts));
      }),
      { numRuns: 500 },
    );
  });

  test("are those of the row that was given, cleaned, when it comes out of a journal", () => {
    const text = fc.string({ unit: "binary" });
    const count = fc.oneof(fc.nat(), fc.double(), fc.constantFrom(Number.NaN, 1e300, -0.5));
    const given = fc.record({
      modelAsked: text,
      serviceTier: fc.option(text, { nil: null }),
      tags: fc.option(fc.array(text), { nil: null }),
      units: fc.option(fc.dictionary(fc.string(), count, { maxKeys: 3 }), { nil: null }),
      outputTokens: count,
      latencyMs: count,
      ttftMs: fc.option(count, { nil: null }),
    });
    fc.assert(
      fc.property(given, (over) => {
        const entry = makeEntry(over);
        const line = BOOK_RULES.decodeLine(encodeEntryLine(entry), BOOK_RULES.fields);
        if (line?.type !== "entry") throw new TypeError("no row");
        const sealed = sealRow(head, line);
        // Numbers that are none are null in JSON.
        const clean = cleanEntry(
          JSON.parse(JSON.stringify(entry), (name, value) => (name === "createdAt" ? new Date(value) : value)),
        );
        const place = { chain: head.chain, seq: 7 };
        const hash = linkTo("before", digestRow({ ...clean, ...place, hash: null }));
        expect(sealed.row).toEqual({ ...clean, ...place, hash });
        expect(sealed.head).toEqual({ ...place, hash });
      }),
      { numRuns: 300 },
    );
  });

  test("are the same of lines that are taken as they lie, and each value is in its place", () => {
    const anyLine = fc.oneof(
      anyEntry.map(encodeEntryLine),
      fc
        .record({ tokenizer: anyText, inputLow: anyCount, state: fc.constantFrom("counted", "skipped") })
        .map((over) => encodeRecountLine({ ...makeRecount("id"), ...over } as Recount)),
    );
    fc.assert(
      fc.property(anyLine, (line) => {
        const decoded = BOOK_RULES.decodeLine(line, BOOK_RULES.fields);
        if (decoded?.type !== "entry" && decoded?.type !== "recount") throw new TypeError("no row");
        const byNames = sealRow(head, decoded);
        const sealed = BOOK_RULES.sealLine(head, line, BOOK_RULES.fields);
        expect(sealed.head).toEqual(byNames.head);
        expect(nameValues(sealed)).toEqual(nameRow(byNames));
      }),
      { numRuns: 2_000 },
    );
  });

  test("are the same where another version of the program has named the values", () => {
    const { entry: names } = BOOK_RULES.fields;
    const [kind, at, ...values] = JSON.parse(encodeEntryLine(makeCall(1)));
    const line = JSON.stringify([kind, at, ...values.toReversed()]);
    const fields = { ...BOOK_RULES.fields, entry: names.toReversed() };
    const own = BOOK_RULES.sealLine(head, encodeEntryLine({ ...makeCall(1), id: values[0] }), BOOK_RULES.fields);
    expect(BOOK_RULES.sealLine(head, line, fields)).toEqual(own);
    expect(() => BOOK_RULES.sealLine(head, '["o",1]', BOOK_RULES.fields)).toThrow("no row");
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
