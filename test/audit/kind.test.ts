// Of what kind a text is: as the ranges of its characters say, and the same again when the text comes again.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { addKinds, type Kinds, startKinds } from "../../src/audit/recount/prior.ts";

const look = (text: string, tokens = 1_000): Kinds => {
  const kinds = startKinds();
  addKinds(kinds, text, tokens);
  return kinds;
};

/** Said once more, in another way. */
function lookPlainly(text: string, tokens = 1_000): Kinds {
  const starts = Array.from({ length: 64 }, (_, part) => Math.floor((part * text.length) / 64));
  const seen = text.length <= 16_384 ? text : starts.map((from) => text.slice(from, from + 256)).join("");
  const count = (pattern: RegExp): number => seen.match(pattern)?.length ?? 0;
  const scale = text.length / Math.max(1, seen.length);
  const [cjkUnits, otherUnits] = [
    count(/[\u2e80-\u2fff\u3001-\ud7ff\uff00-\uffef]/g),
    count(/[\u0370-\u167f\u1681-\u1dff\u2190-\u2bff\ud800-\ufefe\ufff0-\uffff]/g),
  ];
  const [digitUnits, signs] = [count(/\d/g), count(/[\d!"#$%&()*+/:;<=>@[\\\]^_`{|}~]/g)];
  const numbers = Math.min(tokens, count(/\d{1,3}/g) * scale);
  const digits = (digitUnits - count(/\d{1,3}/g)) * scale;
  const latinUnits = Math.max(1, seen.length - cjkUnits - otherUnits - digitUnits);
  const rest = tokens - numbers;
  const [blanks, words] = [count(/\s/g), Math.max(1, latinUnits - count(/\s/g)) * 0.3];
  const whole = words + cjkUnits * 0.75 + otherUnits * 0.4;
  const latin = (rest * words) / whole;
  const code = latin * Math.min(1, Math.max(0, (signs / (latinUnits + digitUnits) - 0.04) / (0.12 - 0.04)));
  const letters = seen.length - cjkUnits - otherUnits - signs - blanks;
  const isEnglish = count(/\b(?:the|and)\b/gi) * 250 >= letters;
  return {
    prose: isEnglish ? latin - code : 0,
    latin: isEnglish ? 0 : latin - code,
    code,
    cjk: (rest * cjkUnits * 0.75) / whole,
    other: (rest * otherUnits * 0.4) / whole,
    numbers,
    digits,
  };
}

test("every text is of the kinds that its characters are of", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 400 }),
    fc.string({ unit: "grapheme", maxLength: 400 }),
    fc.string({ unit: fc.constantFrom("a", " ", "{", "7", "語", "п", "é", "😀", "│", " the "), maxLength: 400 }),
  );
  fc.assert(
    fc.property(text, fc.nat({ max: 80 }), (some, times) => {
      const long = some.repeat(times);
      for (const given of [some, long]) {
        const found = look(given);
        const expected = lookPlainly(given);
        for (const kind of ["prose", "latin", "code", "cjk", "other", "numbers", "digits"] as const)
          expect(found[kind]).toBeCloseTo(expected[kind], 6);
        expect(look(given)).toEqual(found);
      }
    }),
    { numRuns: 200 },
  );
});
