// The names under which a client is told of its own fields. Encoders name what they leave out by one set of words, those of Chat Completions;
// each format says how its clients call the same. Knows no format.

import { type Json, type JsonObject, type Message, isJsonObject } from "../ir/index.ts";

/** The shared word, and the format's own paths for it, the likeliest first. */
export type FieldNames = Readonly<Record<string, readonly [string, ...string[]]>>;

/** Where the client's request has each canonical message, such as `contents[2]`. */
export type Sources = Map<Message, string>;

/** The client's own place for `messages[2].content[0]`; the name itself where nobody noted another. */
export function namePlace(name: string, messages: readonly Message[], sources: Sources, names?: FieldNames): string {
  const [start = "", index] = /^messages\[(\d+)\]/.exec(name) ?? [];
  const message = index === undefined ? undefined : messages[Number(index)];
  const source = message === undefined ? undefined : sources.get(message);
  if (source === undefined) return name;
  // What holds no list of messages has its parts in itself.
  const content = source.endsWith("]") ? `.${names?.["content"]?.[0] ?? "content"}` : "";
  // Most formats have thoughts among the parts, and no field for them.
  const thoughts = names?.["reasoning_content"] === undefined ? "" : ".reasoning_content";
  return (
    source +
    name
      .slice(start.length)
      .replace(/^\.content/, content)
      .replace(/^\.reasoning_content/, thoughts)
  );
}

/** The client's own name: of several, the one that stands in its request. `name` may go on with `.x` or `[0]`, which is kept. */
export function nameField(name: string, names: FieldNames | undefined, body: JsonObject): string {
  if (names === undefined) return name;
  const known = Object.keys(names)
    .filter((word) => name === word || name.startsWith(`${word}.`) || name.startsWith(`${word}[`))
    .sort((left, right) => right.length - left.length)[0];
  const own = known === undefined ? undefined : names[known];
  if (known === undefined || own === undefined) return name;
  return (own.find((path) => isSaid(body, path)) ?? own[0]) + name.slice(known.length);
}

function isSaid(body: JsonObject, path: string): boolean {
  let value: Json | undefined = body;
  for (const step of path.split(".")) value = isJsonObject(value) ? value[step] : undefined;
  return value !== undefined;
}
