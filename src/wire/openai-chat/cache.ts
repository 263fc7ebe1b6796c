// Cache marks on messages, parts, calls and tools: `cache_control`, which is no field of OpenAI's but stands where clients of models that
// have it put it on their behalf, and OpenAI's own `prompt_cache_breakpoint`, which only parts can carry. Knows no message.
// Source: https://developers.openai.com/api/docs/guides/prompt-caching

import { type CacheMark, type Extra, type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { asExtra, ownFields } from "./body.ts";
import { omit } from "../json-read.ts";

const BREAKPOINT = "prompt_cache_breakpoint";

/** The longest time that a breakpoint can ask for, and the canonical mark that is nearest to it. */
const LONG = { own: "12h", canonical: "1h" } as const;

/** What an object says beside `known`, to be spread into a canonical value: its cache mark, and this format's own fields. */
export function decodeRest(source: JsonObject, known: readonly string[]): { cache?: CacheMark; extra?: Extra } {
  const cache = decodeMark(source["cache_control"]);
  if (cache !== null) return { cache, ...asExtra(omit(source, [...known, "cache_control"])) };
  const breakpoint = decodeBreakpoint(source[BREAKPOINT]);
  if (breakpoint === null) return asExtra(omit(source, known));
  // False cannot come from a client: it notes which of the two marks it was.
  return { cache: breakpoint, ...asExtra({ ...omit(source, known), [BREAKPOINT]: false }) };
}

/** Null for no mark, and for one that says more than the canonical mark can. */
export function decodeMark(mark: Json | undefined): CacheMark | null {
  if (!isJsonObject(mark) || mark["type"] !== "ephemeral") return null;
  if (Object.keys(omit(mark, ["type", "ttl"])).length > 0) return null;
  const ttl = mark["ttl"] ?? null;
  return ttl === null || ttl === "5m" || ttl === "1h" ? { ttl } : null;
}

function decodeBreakpoint(mark: Json | undefined): CacheMark | null {
  if (!isJsonObject(mark) || mark["mode"] !== "explicit") return null;
  if (Object.keys(omit(mark, ["mode", "ttl"])).length > 0) return null;
  if (mark["ttl"] === undefined) return { ttl: null };
  return mark["ttl"] === LONG.own ? { ttl: LONG.canonical } : null;
}

/** True for a part whose mark came as a breakpoint. */
export function isBreakpoint({ extra }: { extra?: Extra }): boolean {
  return ownFields(extra)[BREAKPOINT] === false;
}

interface MarkTarget {
  takesMarks: boolean;
  takesBreakpoints: boolean;
  dropped: Set<string>;
}

/** The mark as a field, where the server takes it; else nothing, and its loss is named. */
export function encodeMark(cache: CacheMark | undefined, { takesMarks, dropped }: MarkTarget): JsonObject {
  if (cache === undefined) return {};
  if (takesMarks) return { cache_control: { type: "ephemeral", ...(cache.ttl === null ? {} : { ttl: cache.ttl }) } };
  dropped.add("cache_control");
  return {};
}

/** The mark of a part, which may be a breakpoint; `own` are this format's fields of the part. */
export function encodePartMark(cache: CacheMark | undefined, own: JsonObject, target: MarkTarget): JsonObject {
  const isOwnKind = own[BREAKPOINT] === false;
  if (cache === undefined || !(isOwnKind || target.takesBreakpoints)) return encodeMark(cache, target);
  return { [BREAKPOINT]: { mode: "explicit", ...(cache.ttl === LONG.canonical ? { ttl: LONG.own } : {}) } };
}
