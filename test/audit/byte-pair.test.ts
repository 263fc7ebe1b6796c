// Our own merging against the package that the vocabularies come from: the same counts for every text, and none that takes long.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { countTokens as countCl100k } from "gpt-tokenizer/encoding/cl100k_base";
import { countTokens as countO200k } from "gpt-tokenizer/encoding/o200k_base";
import { dependencies } from "../../package.json";
import { readRankTable } from "../../src/audit/recount/rank-table.ts";
import { ENCODINGS_VERSION, FILES_VERSION, createTokenizers } from "../../src/audit/recount/vocabulary.ts";
import { listRecordings } from "../fixture.ts";

const OPTIONS = { disallowedSpecial: new Set<string>() };
const tokenizers = createTokenizers(new Map());
const BOTH = [
  ["o200k_base", (text: string) => countO200k(text, OPTIONS)],
  ["cl100k_base", (text: string) => countCl100k(text, OPTIONS)],
] as const;

test.each(BOTH)("%s: every recording counts the same", async (name, theirs) => {
  const { count } = await tokenizers(name);
  for (const { file } of listRecordings()) {
    const text = readFileSync(join(import.meta.dir, "../fixtures", file), "utf8").slice(0, 100_000);
    expect(`${file} ${count(text)}`).toBe(`${file} ${theirs(text)}`);
  }
});

test.each(BOTH)("%s: any text counts the same", async (name, theirs) => {
  const { count } = await tokenizers(name);
  const text = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: "binary" }),
    fc.string({
      unit: fc.constantFrom("a", "B", " ", "\n", "7", "é", "語", "😀", "<|endoftext|>", "'s"),
      maxLength: 300,
    }),
  );
  // Of these the package has another opinion than tiktoken.
  const plain = text.map((given) => given.toWellFormed().replaceAll(/[\u0085\u017F\uFEFF]/gu, "x"));
  fc.assert(fc.property(plain, (given) => expect(count(given)).toBe(theirs(given))));
});

/** By `encode` of tiktoken 0.14.0. */
test.each([
  ["\uFEFF's", 3, 3],
  ["x\uFEFF/y", 4, 4],
  ["\uFEFF//", 1, 1],
  ["x \uFEFFy", 3, 3],
  ["\u0085's", 3, 3],
  ["x\u0085\n/y", 5, 5],
  ["x \u0085y", 5, 5],
  ["x'\u017F'lLy", 5, 7],
])("%j counts as tiktoken counts it", async (text, o200k, cl100k) => {
  const counts = await Promise.all(BOTH.map(async ([name]) => (await tokenizers(name)).count(text)));
  expect(counts).toEqual([o200k, cl100k]);
});

test("a million times the same letter is counted, not waited for", async () => {
  const { count } = await tokenizers("o200k_base");
  expect(count("a".repeat(1_000_000))).toBe(125_000);
  expect(count(`${" ".repeat(1_000_000)}x`)).toBeGreaterThan(1_000);
  expect(count("é".repeat(500_000))).toBeGreaterThan(100_000);
}, 60_000);

test("a vocabulary that is not what it should be is refused, and no text is counted by half of it", () => {
  const read = (text: string) => readRankTable(new TextEncoder().encode(text));
  const find = (text: string, token: string) => read(text).findPlain(token, 0, token.length);
  const whole = "aA== 0\naQ== 1\naGk= 2\n";
  expect(["h", "i", "hi", "x", ""].map((token) => find(whole, token))).toEqual([0, 1, 2, -1, -1]);
  expect(find(whole.trimEnd(), "hi")).toBe(2);
  expect(read("4pyT 0\n").find(new TextEncoder().encode("\u2713"), 0, 3)).toBe(0);
  for (const broken of ["aA== 1\n", "aA== 0\naQ== 2\n", "aA==\n", "aA== 0\n\naQ== 1\n"])
    expect(() => read(broken)).toThrow(RangeError);
  expect(read("").find(new Uint8Array(1), 0, 1)).toBe(-1);
});

test("the versions on rows are those of the packages", () => {
  expect(ENCODINGS_VERSION).toBe(`gpt-tokenizer@${dependencies["gpt-tokenizer"]}`);
  expect(FILES_VERSION).toBe(`@huggingface/tokenizers@${dependencies["@huggingface/tokenizers"]}`);
});
