// What is kept unreadable at rest: opened by its own key, for what it belongs to, unaltered, and by nothing else.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { makeSealKey, printSealKey, readSealKeys, seal, unseal } from "../../src/lib/seal.ts";

const KEY = makeSealKey();

test("any text comes back as it was, and no two sealings look alike", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 200 }), fc.string(), async (text, about) => {
      const [one, two] = [await seal(KEY, text, about), await seal(KEY, text, about)];
      expect(await unseal(KEY, one, about)).toBe(text.isWellFormed() ? text : text.toWellFormed());
      expect(one.nonce).not.toBe(two.nonce);
      expect(one.ciphertext).not.toBe(two.ciphertext);
      expect(one.keyId).toBe(KEY.id);
    }),
    { numRuns: 50 },
  );
});

test("nothing opens with another key, for something else, or with one bit changed", async () => {
  const sealed = await seal(KEY, "sk-secret", "acme api_key https://a.example.com");
  expect(await unseal(makeSealKey(), sealed, "acme api_key https://a.example.com")).toBeNull();
  expect(await unseal(KEY, sealed, "acme api_key https://b.example.com")).toBeNull();
  const bytes = Buffer.from(sealed.ciphertext, "base64");
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const ciphertext = changed.toString("base64");
    expect(await unseal(KEY, { ...sealed, ciphertext }, "acme api_key https://a.example.com")).toBeNull();
  }
  expect(await unseal(KEY, { nonce: "", ciphertext: "" }, "")).toBeNull();
});

describe("keys", () => {
  test("are read as they are printed, in hexadecimal, several at once, with comments between", () => {
    const other = makeSealKey();
    const hex = Buffer.from(other.bytes).toString("hex").toUpperCase();
    const urlSafe = printSealKey(KEY).replaceAll("+", "-").replaceAll("/", "_").replace("=", "");
    expect(readSealKeys(printSealKey(KEY))).toEqual([KEY]);
    expect(readSealKeys(`# the newest first, ok?\n${urlSafe}\r\n\n${hex}, ${printSealKey(KEY)}\n`)).toEqual([
      KEY,
      other,
      KEY,
    ]);
  });

  test("that are none make the whole text none", () => {
    for (const text of ["", "# nothing\n", "short", "a".repeat(42), "a".repeat(63), `${printSealKey(KEY)} password`]) {
      expect(readSealKeys(text)).toBeNull();
    }
  });

  test("have names that tell nothing of them, and that are the same wherever they are read", () => {
    expect(KEY.id).toMatch(/^[0-9a-f]{16}$/u);
    expect(readSealKeys("00".repeat(32))?.[0]?.id).toBe(readSealKeys(`${"A".repeat(43)}=`)?.[0]?.id as string);
    expect(makeSealKey().id).not.toBe(KEY.id);
  });
});
