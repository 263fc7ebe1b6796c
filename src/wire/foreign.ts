// What clients of other formats asked for beyond the canonical words, named for the report of what was left out; for formats that no client
// speaks, to which everything of the kind is foreign. Knows no format.

import { type Extra, type Json, type JsonObject, isJsonObject } from "../ir/index.ts";

/**
 * Names in a wire's own entry that ask for nothing: where instructions are moved and where a block becomes another, that is reported or no
 * loss, `field` and `noted` hold where and how the client said what the canonical value says, and functions are the older spelling of tools
 * and their calls.
 */
export const PLUMBING: readonly string[] = [
  "block",
  "field",
  "function_call",
  "functions",
  "noted",
  "role",
  "stream_options",
];
/** Fields that ask for something even where they are empty. */
const ASKS_WHEN_EMPTY = ["web_search_options"];

/** Fields of a message, a part or a tool. `path` is its place in the client's request. */
export function reportFields(extra: Extra | undefined, path: string, dropped: string[]): void {
  for (const fields of Object.values(extra ?? {})) {
    for (const [name, value] of Object.entries(fields)) {
      if (PLUMBING.includes(name) || isUsual(name, value) || !asksForSomething(value)) continue;
      if (isJsonObject(value)) dropped.push(...listAsked(value).map((inner) => `${path}.${name}.${inner}`));
      else dropped.push(`${path}.${name}`);
    }
  }
}

/** Fields of the request itself, but for those in `said`; tools of a format's own by their place in the list. */
export function reportRequest(extra: Extra, said: readonly string[], dropped: string[]): void {
  for (const fields of Object.values(extra)) {
    for (const [name, value] of Object.entries(fields)) {
      if (PLUMBING.includes(name) || said.includes(name)) continue;
      const places = name === "tools" ? readPlaces(value) : [];
      if (places.length > 0) dropped.push(...places.map((place) => `tools[${place}]`));
      else if (asksForSomething(value) || (isJsonObject(value) && ASKS_WHEN_EMPTY.includes(name))) dropped.push(name);
    }
  }
}

/** True where an empty part stands for a block that only the client's own format has. */
export function isForeignBlock(part: { text: string; extra?: Extra }): boolean {
  return part.text === "" && Object.values(part.extra ?? {}).some((fields) => Object.keys(fields).length > 0);
}

function readPlaces(value: Json): number[] {
  const items: JsonObject[] = Array.isArray(value) ? value.filter(isJsonObject) : [];
  return items.map((item) => item["index"]).filter((place) => typeof place === "number");
}

/** The fields of an object that ask for something. */
function listAsked(value: JsonObject): string[] {
  return Object.keys(value).filter(
    (name) => !isUsual(name, value[name] ?? null) && asksForSomething(value[name] ?? null),
  );
}

/** True for the detail of an image that the model chooses anyway. */
function isUsual(name: string, value: Json): boolean {
  return name === "detail" && value === "auto";
}

/** False for what a client may as well leave out: null, false, an empty list or object. */
export function asksForSomething(value: Json): boolean {
  if (value === null || value === false) return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}
