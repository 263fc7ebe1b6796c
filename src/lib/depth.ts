// How deep a JSON value is nested, and of how many it is made. Knows no field.

import { skipString } from "./json-edit.ts";

/** What walks a value calls itself for each level: without a bound a sender could stop us with brackets alone. */
export const MAX_DEPTH = 256;

/** Looks no further than `levels`. Of what was parsed: there are no names but its own, and a list of them would be made for each. */
export function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) {
    for (const member of value) if (typeof member === "object" && isDeeper(member, levels - 1)) return true;
    return false;
  }
  const members = value as Readonly<Record<string, unknown>>;
  for (const name in members) {
    const member = members[name];
    if (typeof member === "object" && isDeeper(member, levels - 1)) return true;
  }
  return false;
}

/** Each takes many times its length in memory; what is asked of any model has fewer by far. */
export const MAX_HOLDERS = 2_000_000;

/** What takes too much in memory must be long. */
const LONG = 512 * 1024;

/**
 * Of JSON text that nobody has parsed yet, and that need not be any: whether it is long, and nested too deep or made of too many objects and lists to be
 * parsed at all; null where it is not.
 */
export function findExcess(raw: string): "deep" | "many" | null {
  if (raw.length < LONG) return null;
  let depth = 0;
  let holders = 0;
  for (let at = 0; at < raw.length;) {
    const code = raw.charCodeAt(at);
    if (code === QUOTE) {
      at = skipString(raw, at);
      continue;
    }
    at++;
    if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth > MAX_DEPTH) return "deep";
      if (++holders > MAX_HOLDERS) return "many";
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--;
  }
  return null;
}

const QUOTE = 0x22;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
