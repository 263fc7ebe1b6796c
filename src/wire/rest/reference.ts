// Finds in a request the ids of objects that a provider keeps: nobody may name what another owns. Knows no owner.

import { type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { mayHold } from "../../lib/needle.ts";

/** Fields that hold an id or a list of them, wherever they stand but in what is the client's own business. */
const ID_FIELDS = new Set([
  "container",
  "container_id",
  "conversation",
  "conversation_id",
  "file_id",
  "file_ids",
  "input_file_id",
  "training_file",
  "validation_file",
  "vector_store_id",
  "vector_store_ids",
]);

/** Fields that hold an object with an id, or a list of such: of what else stands under these names, nothing is kept anywhere. */
const HOLDERS = new Set(["characters", "video"]);

/** What a client may fill as it likes: names in there mean nothing to the provider. */
const OWN_BUSINESS = new Set([
  "args",
  "arguments",
  "functionResponse",
  "input_schema",
  "json_schema",
  "metadata",
  "parameters",
  "parametersJsonSchema",
  "schema",
]);

/**
 * One pass over the text, as a request may be large. No serializer escapes plain letters, but who wants to hide a name may: such a text is
 * worth the search, too.
 */
const WORTH =
  /"(?:(?:input_)?file_ids?|(?:training|validation)_file|vector_store_ids?|(?:container|conversation)(?:_id)?|characters|video)"\s*:|\\u00[4-7]/u;

/** In whatever the expression finds, there is one of these: they are looked for first, as it takes ten times as long. */
const WORTH_WORDS = [
  "file_id",
  '_file"',
  "vector_store_id",
  "container",
  "conversation",
  '"characters"',
  '"video"',
  "\\u00",
];

/** A quick look at the text: false where the search would find nothing. */
export function mayReference(raw: string): boolean {
  return mayHold(raw, WORTH_WORDS) && WORTH.test(raw);
}

export interface Reference {
  id: string;
  /** Providers make such objects in passing, too, so that one may be used of which we never heard. */
  isIncidental: boolean;
}

/** Each id once, in order. */
export function findReferences(body: JsonObject): Reference[] {
  const found = new Map<string, Reference>();
  visit(body, found);
  return [...found.values()];
}

function visit(value: Json, found: Map<string, Reference>): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, found);
    return;
  }
  if (!isJsonObject(value)) return;
  // A call's arguments are made by the model, in one format under this name.
  const isToolUse = value["type"] === "tool_use" || value["type"] === "server_tool_use";
  for (const [name, member] of Object.entries(value)) {
    if (OWN_BUSINESS.has(name) || (isToolUse && name === "input")) continue;
    if (ID_FIELDS.has(name)) {
      const isIncidental = name.startsWith("container");
      for (const id of listIds(member)) if (!found.has(id)) found.set(id, { id, isIncidental });
    }
    if (HOLDERS.has(name)) {
      for (const id of listHeld(member)) if (!found.has(id)) found.set(id, { id, isIncidental: false });
    }
    visit(member, found);
  }
}

function listIds(value: Json): string[] {
  if (typeof value === "string") return value === "" ? [] : [value];
  if (Array.isArray(value)) return value.filter((item) => typeof item === "string");
  // A conversation may be named as an object; a container that is only described has no id.
  return isJsonObject(value) && typeof value["id"] === "string" ? [value["id"]] : [];
}

function listHeld(value: Json): string[] {
  const list = Array.isArray(value) ? value : [value];
  return list.flatMap((item) => (isJsonObject(item) && typeof item["id"] === "string" ? listIds(item["id"]) : []));
}

/** Likewise for the name of a form's field: `file_id`, `file_ids[]`, `input_reference[file_id]`, `video[id]`, `characters[0][id]`. */
export function isReferenceField(name: string): boolean {
  const words = name.split("[").map((word) => word.replace(/\]$/u, ""));
  const last = (words.at(-1) === "" ? words.at(-2) : words.at(-1)) ?? "";
  return ID_FIELDS.has(last) || (last === "id" && words.slice(0, -1).some((word) => HOLDERS.has(word)));
}
