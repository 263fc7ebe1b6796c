// Which texts were there before: as a map would say, through every growth.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { createSieve } from "../../src/lib/sieve.ts";

test("says of each text where it stood first, as a map does", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 3 }), { maxLength: 300 }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      (texts, seed) => {
        const sieve = createSieve(seed);
        const known = new Map<string, number>();
        for (const [index, text] of texts.entries()) {
          expect(sieve.claim(text, index + 1)).toBe(known.get(text) ?? null);
          if (!known.has(text)) known.set(text, index + 1);
        }
      },
    ),
  );
});

test("of a hundred thousand, all of them twice", () => {
  const sieve = createSieve(7n);
  for (let row = 1; row <= 100_000; row++) expect(sieve.claim(`user-${row}@example.com`, row)).toBeNull();
  for (let row = 1; row <= 100_000; row += 997) expect(sieve.claim(`user-${row}@example.com`, row + 1)).toBe(row);
});
