// Cache marks (`cache_control`) ↔ canonical ones, and what else a block says beside the fields that its codec reads. Knows no block's type.
// Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching

import { type CacheMark, type Extra, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { type CacheControl, asExtra, ownFields } from "./body.ts";
import { omit } from "../json-read.ts";

/** The most marks that one request may hold. */
const MAX_MARKS = 4;

/** What a block says beside `known`, to be spread into a canonical value: its cache mark, and this format's own fields. */
export function decodeRest(block: JsonObject, known: readonly string[]): { cache?: CacheMark; extra?: Extra } {
  const cache = decodeMark(block["cache_control"]);
  if (cache === null) return asExtra(omit(block, known));
  return { cache, ...asExtra(omit(block, [...known, "cache_control"])) };
}

/** The fields that `decodeRest` read. A mark of a kind that only this format knows stands among the own fields, and wins. */
export function encodeRest({ cache, extra }: { cache?: CacheMark; extra?: Extra }): JsonObject {
  const own = ownFields(extra);
  if (cache === undefined) return own;
  const mark: CacheControl = { type: "ephemeral", ...(cache.ttl === null ? {} : { ttl: cache.ttl }) };
  return { cache_control: mark, ...own };
}

/** Null for no mark, and for one that says more than the canonical mark can. */
function decodeMark(mark: JsonObject[string] | undefined): CacheMark | null {
  if (!isJsonObject(mark) || mark["type"] !== "ephemeral") return null;
  if (Object.keys(omit(mark, ["type", "ttl"])).length > 0) return null;
  const ttl = mark["ttl"] ?? null;
  return ttl === null || ttl === "5m" || ttl === "1h" ? { ttl } : null;
}

/** Takes marks off the first blocks where there are too many: a later mark covers all that stands before it. */
export function limitMarks(blocks: readonly JsonObject[], dropped: string[]): void {
  const marked = blocks.filter((block) => block["cache_control"] !== undefined);
  for (const block of marked.slice(0, -MAX_MARKS)) {
    delete block["cache_control"];
    dropped.push("cache_control");
  }
}
