// What a tokenizer.json of the operator's says of how text is cut, against Hugging Face's own reading of it. Every piece counts one.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTokenizers } from "../../src/audit/recount/vocabulary.ts";

const folder = mkdtempSync(join(tmpdir(), "tokenizer-cut-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function load(step: object, model: object = { type: "WordLevel", vocab: { "?": 0 }, unk_token: "?" }) {
  const file = join(folder, `${Bun.hash(JSON.stringify([step, model]))}.json`);
  const rest = { version: "1.0", added_tokens: [], normalizer: null, post_processor: null, decoder: null };
  writeFileSync(file, JSON.stringify({ ...rest, pre_tokenizer: step, model }));
  return (await createTokenizers(new Map([["mine", file]]))("file:mine")).count;
}

const TEXT =
  "Hello, world!! \uFEFFA caf\u00e9: 1\u00bd cups, x\u00b2 = 12345...  \u{1F98A}\u{1F98A}\u0085  don't_stop (ok)?";

const DIGITS = { type: "Digits", individual_digits: true };
const BYTES = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
const split = (behavior: string, invert: boolean) => ({
  type: "Split",
  pattern: { Regex: String.raw`\s+|o|\d` },
  behavior,
  invert,
});

/** By `encode` of tokenizers 0.23.3. */
test.each<[object, number]>([
  [DIGITS, 12],
  [{ ...DIGITS, individual_digits: false }, 7],
  [{ type: "WhitespaceSplit" }, 12],
  [{ type: "Whitespace" }, 24],
  [{ type: "FixedLength", length: 3 }, 23],
  [BYTES, 26],
  [{ type: "Sequence", pretokenizers: [DIGITS, BYTES] }, 33],
  [{ type: "Punctuation", behavior: "Isolated" }, 24],
  [{ type: "Punctuation", behavior: "Removed" }, 10],
  [{ type: "Punctuation", behavior: "MergedWithPrevious" }, 14],
  [{ type: "Punctuation", behavior: "MergedWithNext" }, 15],
  [{ type: "Punctuation", behavior: "Contiguous" }, 20],
  [split("Isolated", false), 39],
  [split("Isolated", true), 39],
  [split("Removed", false), 17],
  [split("Removed", true), 22],
  [split("MergedWithPrevious", false), 23],
  [split("MergedWithPrevious", true), 23],
  [split("MergedWithNext", false), 23],
  [split("MergedWithNext", true), 23],
  [split("Contiguous", false), 33],
  [split("Contiguous", true), 33],
  [{ type: "Split", pattern: { String: "." }, behavior: "MergedWithNext", invert: false }, 4],
])("%j makes %i pieces", async (step, pieces) => {
  const count = await load(step);
  expect(count(TEXT)).toBe(pieces);
});

test("what would be counted wrong is not taken", async () => {
  const model = { type: "BPE", vocab: { a: 0, "##b": 1 }, merges: [], continuing_subword_prefix: "##" };
  await expect(load({ type: "WhitespaceSplit" }, model)).rejects.toThrow("prefix");
});
