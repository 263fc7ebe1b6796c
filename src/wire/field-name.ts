// The names under which a client is told of its own fields. Encoders name what they leave out by one set of words, those of Chat Completions;
// each format says how its clients call the same. Knows no format.

import { type Json, type JsonObject, isJsonObject } from "../ir/index.ts";

/** The shared word, and the format's own paths for it, the likeliest first. */
export type FieldNames = Readonly<Record<string, readonly [string, ...string[]]>>;

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
