// The pieces of a text as the published pattern cuts them, on whatever text.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { O200K_TOKEN_SPLIT_REGEX } from "gpt-tokenizer/encodingParams/constants";
import { createSplit, readPublished } from "../../src/audit/recount/split.ts";

const split = createSplit();

function cut(text: string): string[] {
  const pieces: string[] = [];
  split(text, (start, end, isPlain) => {
    const piece = text.slice(start, end);
    // eslint-disable-next-line no-control-regex -- what has one byte a character
    expect(/^[\u0000-\u007f]*$/u.test(piece)).toBe(isPlain);
    pieces.push(piece);
  });
  return pieces;
}

const PATTERN = readPublished(O200K_TOKEN_SPLIT_REGEX);
const cutByPattern = (text: string): string[] => [...text.matchAll(PATTERN)].map(([piece]) => piece);

test.each([
  "It's the HTTPServer's job, isn't it? I'Ll see. They'RE",
  "  two  blanks\n\n\t tab \r\n  and ends  ",
  "x = {'a': [1, 22, 333, 4444]}; // ok\n/// path/to/file\n/\n",
  "\u4e2dA \u65e5\u672c\u8a9eText \u4e2d\u6587a\u0301 \u01c5ungla e\u0301E\u0301 \u02b0x",
  "caf\u00e9 na\u00efve \u201cquoted\u201d \u2014 dash\u2026 \u{1f98a}\u{1f468}\u200d\u{1f469} \u{1d400}bc \u{1d7d8}1",
  "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u0939\u093f\u0928\u094d\u0926\u0940 \u0410\u0411\u0412\u0433\u0434 \u2162\u00bd\u0663",
  "a\u2028b\u00a0c\ufeffd\u3000\u3000e\u0085f 'sS '\u017f x'\u017f A'S",
  "",
])("%j", (text) => {
  expect(cut(text)).toEqual(cutByPattern(text));
});

/** Characters of every class, often next to each other. */
const mixed = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...Array.from("aBzZ09 '\n\r\t/.,({-_"),
        "\u00e9",
        "\u4e2d",
        "\u0301",
        "\u01c5",
        "\u02b0",
        "\u017f",
        "\u00a0",
        "\u2028",
      ),
      fc.constantFrom(
        "\u{1f98a}",
        "\u{1d400}",
        "\u{1d7d8}",
        "\u{10428}",
        "\u{10400}",
        "'s",
        "'LL",
        "'Ve",
        "  ",
        "\n\n",
        "//",
      ),
      fc.string({ unit: "binary", maxLength: 3 }),
    ),
    { maxLength: 24 },
  )
  .map((parts) => parts.join("").toWellFormed());

test("any text is cut as the pattern cuts it", () => {
  fc.assert(
    fc.property(mixed, (text) => {
      expect(cut(text)).toEqual(cutByPattern(text));
    }),
    { numRuns: 20_000 },
  );
});

test("a very long piece is cut in time that grows with its length alone", () => {
  for (const unit of ["a", "A", "\u4e2d", " ", "\n", "!", "a ", "A\u4e2d"]) {
    const started = performance.now();
    let pieces = 0;
    split(unit.repeat(400_000), () => pieces++);
    expect(pieces).toBeGreaterThan(0);
    expect(performance.now() - started).toBeLessThan(3_000);
  }
});
