// Cache marks (`prompt_cache_breakpoint` of a content part) ↔ canonical ones. Knows no part.
// Source: https://platform.openai.com/docs/guides/prompt-caching

import { type CacheMark, type Extra, type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { asExtra } from "./body.ts";
import { omit } from "../json-read.ts";

const FIELD = "prompt_cache_breakpoint";

/** What an object says beside `known`, to be spread into a canonical value: its cache mark, and this format's own fields. */
export function decodeRest(source: JsonObject, known: readonly string[]): { cache?: CacheMark; extra?: Extra } {
  if (!isPlainMark(source[FIELD])) return asExtra(omit(source, known));
  return { cache: { ttl: null }, ...asExtra(omit(source, [...known, FIELD])) };
}

/** False for no mark, and for one that says more than the canonical mark can. */
function isPlainMark(mark: Json | undefined): boolean {
  return isJsonObject(mark) && mark["mode"] === "explicit" && Object.keys(mark).length === 1;
}

/** The mark as a field, where the server takes it; else its loss is named: servers cache by themselves, and older models refuse marks. */
export function encodeMark(
  cache: CacheMark | undefined,
  { takesMarks, dropped }: { takesMarks: boolean; dropped: Set<string> },
): JsonObject {
  if (cache === undefined) return {};
  if (takesMarks) return { [FIELD]: { mode: "explicit" } };
  dropped.add("cache_control");
  return {};
}
