// Cache marks (`cache_control`), which are no field of OpenAI's: clients of models that have them put them on messages, parts, calls and
// tools, and servers that pass on to such models take them there. Knows no message.

import { type CacheMark, type Extra, type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { asExtra, omit } from "./body.ts";

/** What an object says beside `known`, to be spread into a canonical value: its cache mark, and this format's own fields. */
export function decodeRest(source: JsonObject, known: readonly string[]): { cache?: CacheMark; extra?: Extra } {
  const cache = decodeMark(source["cache_control"]);
  if (cache === null) return asExtra(omit(source, known));
  return { cache, ...asExtra(omit(source, [...known, "cache_control"])) };
}

/** Null for no mark, and for one that says more than the canonical mark can. */
export function decodeMark(mark: Json | undefined): CacheMark | null {
  if (!isJsonObject(mark) || mark["type"] !== "ephemeral") return null;
  if (Object.keys(omit(mark, ["type", "ttl"])).length > 0) return null;
  const ttl = mark["ttl"] ?? null;
  return ttl === null || ttl === "5m" || ttl === "1h" ? { ttl } : null;
}

/** The mark as a field, where the server takes it; else nothing, and its loss is named. */
export function encodeMark(
  cache: CacheMark | undefined,
  { takesMarks, dropped }: { takesMarks: boolean; dropped: Set<string> },
): JsonObject {
  if (cache === undefined) return {};
  if (takesMarks) return { cache_control: { type: "ephemeral", ...(cache.ttl === null ? {} : { ttl: cache.ttl }) } };
  dropped.add("cache_control");
  return {};
}
