// The models that a body names, wherever, and that an address names: what keys, budgets and limits of models are held against, where a request goes out
// as it came. Knows no format beyond the name that all give the field, and the places that addresses have for it.

import { type Json, type JsonObject, isJsonObject } from "../ir/index.ts";

/** The client's own notes, in which a word means what the client will. */
const NOTES: readonly string[] = ["attributes", "metadata"];

/** Values that a schema tells of, for a tool's arguments or an answer: they are what the model may write. */
const EXAMPLES = ["const", "default", "enum", "examples", "input_examples"];

/** What is said to the model, wherever a request stands: nothing in there chooses one. */
const TURNS = ["contents", "documents", "messages"];

const IDLE: ReadonlySet<string> = new Set([...EXAMPLES, ...NOTES, ...TURNS]);

/** Whether a text can name one at all: cheaper than to read it. */
export function mayName(text: string): boolean {
  return text.includes("model") || text.includes("\\u");
}

export function listNamedModels(value: Json): string[] {
  const names = new Set<string>();
  collect(value, names);
  return [...names];
}

/** Likewise, of a chat itself: in other places these words mean other things. */
const SAID: ReadonlySet<string> = new Set([
  "input",
  "instructions",
  "prompt",
  "system",
  "systemInstruction",
  "system_instruction",
]);

/** Beside the one that is asked: those of tools that the provider runs, and those that it may ask instead. */
export function listFurtherModels({ model: _asked, ...rest }: JsonObject): string[] {
  const said = Object.entries(rest).filter(([name]) => !SAID.has(name));
  // As Google writes them.
  return listNamedModels(Object.fromEntries(said)).map((name) => name.replace(/^models\//u, ""));
}

function collect(value: Json, names: Set<string>): void {
  if (Array.isArray(value)) {
    for (const member of value) collect(member, names);
    return;
  }
  if (!isJsonObject(value)) return;
  for (const [name, member] of Object.entries(value)) {
    if (name === "model" && typeof member === "string" && member !== "") names.add(member);
    else if (name === "models" && Array.isArray(member)) collectEach(member, names);
    else if (!IDLE.has(name)) collect(member, names);
  }
}

function collectEach(list: readonly Json[], names: Set<string>): void {
  for (const member of list) {
    if (typeof member === "string") names.add(member);
    else collect(member, names);
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
