// One member of a JSON text, found from its end without parsing what stands before it. Knows no format.

import type { Json } from "../ir/index.ts";
import { readValueAt } from "../lib/json-edit.ts";

/** At most so many places that look like the wanted field are tried, from the end, where it usually stands. */
const MAX_TRIES = 8;

/** What `read` makes of the last member named `key` that it accepts; null where there is none. */
export function findLastMember<T>(raw: string, key: string, read: (value: Json) => T | null): T | null {
  let at = raw.length;
  for (let tries = 0; tries < MAX_TRIES && at > 0; tries++) {
    at = raw.lastIndexOf(`"${key}"`, at - 1);
    if (at === -1) return null;
    const found = readMember(raw, at + key.length + 2);
    const value = found === undefined ? null : read(found);
    if (value !== null) return value;
  }
  return null;
}

/** The value behind a key's colon; undefined where there is no colon (then it was no key) or no JSON. */
function readMember(raw: string, from: number): Json | undefined {
  const colon = raw.slice(from, from + 64).search(/\S/);
  if (colon === -1 || raw[from + colon] !== ":") return undefined;
  try {
    return JSON.parse(readValueAt(raw, from + colon + 1));
  } catch {
    return undefined;
  }
}
