// The models that a body names, wherever, and that an address names: what keys, budgets and limits of models are held against, where a request goes out
// as it came. Knows no format beyond the name that all give the field, and the places that addresses have for it.

import { type Json, isJsonObject } from "../ir/index.ts";

/** The client's own notes, in which a word means what the client will. */
const NOTES: ReadonlySet<string> = new Set(["attributes", "metadata"]);

/** Whether a text can name one at all: cheaper than to read it. */
export function mayName(text: string): boolean {
  return text.includes("model") || text.includes("\\u");
}

export function listNamedModels(value: Json): string[] {
  const names = new Set<string>();
  collect(value, names);
  return [...names];
}

function collect(value: Json, names: Set<string>): void {
  if (Array.isArray(value)) {
    for (const member of value) collect(member, names);
    return;
  }
  if (!isJsonObject(value)) return;
  for (const [name, member] of Object.entries(value)) {
    if (name === "model" && typeof member === "string" && member !== "") names.add(member);
    else if (!NOTES.has(name)) collect(member, names);
  }
}

/** `/models/NAME:verb`, `/model/NAME/verb`, `/deployments/NAME/…`; a name may hold a colon and digits. */
const PLACES = /\/(?:models\/([^/]+):[a-z]+$|(?:model|deployments)\/([^/]+)\/)/iu;

/** Null where it names none. */
export function findModelInPath(path: string): string | null {
  const [, verbed, named] = PLACES.exec(path) ?? [];
  const found = verbed ?? named;
  if (found === undefined) return null;
  try {
    return decodeURIComponent(found);
  } catch {
    return null;
  }
}
