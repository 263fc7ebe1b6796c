// What calls are filed under: what their key says, and `x-tokligence-tags: team=a,env=prod`. Knows no report.

import type { Caller } from "../identity/index.ts";
import { invalidRequest } from "../ir/index.ts";
import { holdsKey } from "../lib/redact.ts";
import { MAX_TAGS, TAG_RULE, isTag, nameOfTag } from "../lib/tag.ts";

const HEADER = "x-tokligence-tags";

export interface TagCall {
  headers: Headers;
  caller: Pick<Caller, "tags">;
}

/**
 * Each once, in their order, the key's before the request's; null where nothing is said. What the key says of a name stands, whatever the
 * request says of it. Throws invalid_request where the request's cannot be kept as they were said.
 */
export function readTags({ headers, caller }: TagCall): string[] | null {
  const said = readHeader(headers);
  const own = caller.tags;
  if (own === null) return said;
  const names = new Set(own.map(nameOfTag));
  return [...own, ...(said ?? []).filter((tag) => !names.has(nameOfTag(tag)))];
}

function readHeader(headers: Headers): string[] | null {
  const header = headers.get(HEADER);
  if (header === null) return null;
  const tags = [...new Set(header.split(",").map((tag) => tag.trim()))].filter((tag) => tag !== "");
  if (tags.length > MAX_TAGS) throw invalidRequest(`${HEADER} may hold at most ${MAX_TAGS} tags.`, HEADER);
  if (tags.some(holdsKey)) throw invalidRequest(`${HEADER} holds what looks like an API key.`, HEADER);
  if (tags.every(isTag)) return tags.length === 0 ? null : tags;
  throw invalidRequest(`${HEADER} must be tags such as team=a, separated by commas: ${TAG_RULE}.`, HEADER);
}

/** A copy with one more tag of ours; where there is no room for it, in place of the last. */
export function addTag(headers: Headers, tag: string): Headers {
  const copy = new Headers(headers);
  const own = (readHeader(headers) ?? []).filter((each) => each !== tag).slice(0, MAX_TAGS - 1);
  copy.set(HEADER, [...own, tag].join(","));
  return copy;
}
