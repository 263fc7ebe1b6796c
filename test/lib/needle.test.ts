// Texts that are searched for words: nothing that is there is passed over, however long the text and whatever else is in it.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { mayHold } from "../../src/lib/needle.ts";

const WORDS = ["file_id", '_file"', "\\u00"];
const filling = fc.string({ unit: "grapheme", minLength: 0, maxLength: 50 });

test("a word is found wherever it stands, in short texts and long ones of any script", () => {
  const pieces = fc.tuple(filling, fc.constantFrom(...WORDS), filling, fc.constantFrom(1, 100, 400));
  fc.assert(
    fc.property(pieces, ([before, word, after, times]) => {
      expect(mayHold(`${before.repeat(times)}${word}${after.repeat(times)}`, WORDS)).toBe(true);
    }),
  );
});

test("a text of Latin letters without any of them is told from one with them", () => {
  const latin = fc.string({ unit: fc.constantFrom('"', "\\", "f", "i", "l", "_", "é", " "), maxLength: 60 });
  fc.assert(
    fc.property(latin, fc.constantFrom(1, 100), (text, times) => {
      const whole = text.repeat(times);
      expect(mayHold(whole, WORDS)).toBe(WORDS.some((word) => whole.includes(word)));
    }),
  );
});
