// Of what kind a text is: as the ranges of its characters say, and the same again when the text comes again.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { addKinds, type Kinds } from "../../src/audit/recount/prior.ts";

const look = (text: string, tokens = 1_000): Kinds => {
  const kinds: Kinds = { prose: 0, code: 0, cjk: 0, other: 0 };
  addKinds(kinds, text, tokens);
  return kinds;
};

/** Said once more, in another way. */
function lookPlainly(text: string, tokens = 1_000): Kinds {
  const step = Math.max(1, Math.ceil(text.length / 16_384));
  const units = Array.from({ length: Math.ceil(text.length / step) }, (_, place) => text.slice(place * step)[0] ?? "");
  const count = (pattern: RegExp): number => units.filter((unit) => pattern.test(unit)).length;
  const scale = text.length / Math.max(1, units.length);
  const [cjkUnits, otherUnits] = [
    count(/[\u2e80-\ud7ff\uff00-\uffef]/),
    count(/[\u0370-\u1dff\ud800-\ufeff\ufff0-\uffff]/),
  ];
  const cjk = Math.min(tokens, cjkUnits * scale * 0.75);
  const other = Math.min(tokens - cjk, otherUnits * scale * 0.4);
  const latin = Math.max(1, units.length - cjkUnits - otherUnits);
  const signs = count(/[\d!"#$%&()*+/:;<=>@[\\\]^_`{|}~]/);
  const code = (tokens - cjk - other) * Math.min(1, Math.max(0, (signs / latin - 0.04) / (0.12 - 0.04)));
  return { cjk, other, code, prose: tokens - cjk - other - code };
}

test("every text is of the kinds that its characters are of", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 400 }),
    fc.string({ unit: "grapheme", maxLength: 400 }),
    fc.string({ unit: fc.constantFrom("a", " ", "{", "7", "語", "п", "é", "😀"), maxLength: 400 }),
  );
  fc.assert(
    fc.property(text, fc.nat({ max: 80 }), (some, times) => {
      const long = some.repeat(times);
      for (const given of [some, long]) {
        const found = look(given);
        const expected = lookPlainly(given);
        for (const kind of ["prose", "code", "cjk", "other"] as const)
          expect(found[kind]).toBeCloseTo(expected[kind], 6);
        expect(look(given)).toEqual(found);
      }
    }),
    { numRuns: 200 },
  );
});
