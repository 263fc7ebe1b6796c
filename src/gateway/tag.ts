// What callers file their calls under: `x-tokligence-tags: team=a,env=prod`. Knows no report.

import { invalidRequest } from "../ir/index.ts";

const HEADER = "x-tokligence-tags";
const MAX_TAGS = 16;
/** A name, and mostly a value; printable ASCII without a comma. */
const TAG = /^[\w./:@-]{1,64}(?:=[ -+\--~]{0,128})?$/u;

/** Each once, in their order; null where nothing is said. Throws invalid_request where it cannot be kept as it was said. */
export function readTags(headers: Headers): string[] | null {
  const header = headers.get(HEADER);
  if (header === null) return null;
  const tags = [...new Set(header.split(",").map((tag) => tag.trim()))].filter((tag) => tag !== "");
  if (tags.length > MAX_TAGS) throw invalidRequest(`${HEADER} may hold at most ${MAX_TAGS} tags.`, HEADER);
  if (tags.every((tag) => TAG.test(tag))) return tags.length === 0 ? null : tags;
  throw invalidRequest(
    `${HEADER} must be tags such as team=a, separated by commas: a name of at most 64 letters, digits and _ . - / : @, and a value of at most 128 printable characters.`,
    HEADER,
  );
}

/** A copy with one more tag of ours; where there is no room for it, in place of the last. */
export function addTag(headers: Headers, tag: string): Headers {
  const copy = new Headers(headers);
  const own = (readTags(headers) ?? []).filter((each) => each !== tag).slice(0, MAX_TAGS - 1);
  copy.set(HEADER, [...own, tag].join(","));
  return copy;
}
