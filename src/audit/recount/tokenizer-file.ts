// Puts what a tokenizer.json says of how text is cut into words that the package which reads it takes as Hugging Face's own does: of the rest it
// takes some for others. Knows no model. The ways: https://github.com/huggingface/tokenizers/tree/main/tokenizers/src/pre_tokenizers

import { type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { objectOf, objectsOf } from "./reading.ts";

const PUNCTUATION = String.raw`[\p{P}\u0021-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u007E]`;
const SPACE = String.raw`\p{White_Space}`;
const WORD = String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}`;

/** Of the first encodings of bytes. */
const WORDS = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/** Throws a TypeError where it is no tokenizer.json, and a RangeError where the package would count something else. */
export function readTokenizerFile(text: string): JsonObject {
  const file: unknown = JSON.parse(text);
  if (!isJsonObject(file)) throw new TypeError("no object");
  const prefix = objectOf(file["model"])["continuing_subword_prefix"];
  if (objectOf(file["model"])["type"] === "BPE" && typeof prefix === "string" && prefix !== "") {
    throw new RangeError("a prefix within words is not known of byte pairs");
  }
  return { ...file, pre_tokenizer: rewrite(file["pre_tokenizer"] ?? null) };
}

function rewrite(step: Json): Json {
  if (!isJsonObject(step)) return step;
  switch (step["type"]) {
    case "Sequence":
      return { ...step, pretokenizers: objectsOf(step["pretokenizers"]).map(rewrite) };
    case "Digits":
      return split(step["individual_digits"] === true ? String.raw`\p{N}` : String.raw`\p{N}+`, "Isolated");
    case "WhitespaceSplit":
      return split(`${SPACE}+`, "Removed");
    case "Whitespace":
      return split(`[${WORD}]+|[^${WORD}${SPACE}]+`, "Removed", true);
    case "Punctuation":
      return split(PUNCTUATION, typeof step["behavior"] === "string" ? step["behavior"] : "Isolated");
    case "FixedLength":
      return split(`[\\s\\S]{1,${Number(step["length"])}}`, "Isolated");
    case "ByteLevel":
      if (step["use_regex"] === false || step["add_prefix_space"] !== false) return step;
      return { type: "Sequence", pretokenizers: [split(WORDS, "Isolated"), { ...step, use_regex: false }] };
    case "Split":
      return rewriteSplit(step);
    default:
      return step;
  }
}

function rewriteSplit(step: JsonObject): JsonObject {
  const { Regex: pattern, String: plain } = objectOf(step["pattern"]);
  const found = typeof plain === "string" ? RegExp.escape(plain) : pattern;
  return typeof found === "string" && typeof step["behavior"] === "string"
    ? split(found, step["behavior"], step["invert"] === true)
    : step;
}

/** By what is left out or stands alone, of which the package knows no more. */
function split(pattern: string, behavior: string, invert = false): JsonObject {
  const cut = (Regex: string, kept: string, isInverted = false): JsonObject => ({
    type: "Split",
    pattern: { Regex },
    behavior: kept,
    invert: isInverted,
  });
  const one = `(?:${pattern})`;
  const other = `(?:(?!${one})[\\s\\S])+`;
  const [found, between] = invert ? [other, one] : [one, other];
  switch (behavior) {
    case "Contiguous":
      return cut(`${one}+`, "Isolated");
    case "MergedWithNext":
      return cut(`${found}${between}|${found}|${between}`, "Isolated");
    case "MergedWithPrevious":
      return cut(`${between}${found}|${found}|${between}`, "Isolated");
    case "Removed":
      return cut(pattern, "Removed", invert);
    default:
      return cut(pattern, "Isolated");
  }
}
