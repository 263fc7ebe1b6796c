// The names under which a client is told of its own fields. Encoders name what they leave out by one set of words, those of Chat Completions;
// each format says how its clients call the same. Knows no format.

import {
  type Json,
  type JsonObject,
  type Message,
  type Part,
  type Request,
  type Tool,
  isJsonObject,
} from "../ir/index.ts";

/** The shared word, and the format's own paths for it, the likeliest first. */
export type FieldNames = Readonly<Record<string, readonly [string, ...string[]]>>;

/** Where the client's request has each canonical message, part and tool, such as `contents[2]`. */
export type Sources = Map<Message | Part | Tool, string>;

/** A function, of which something is said: other tools are named by the client's own places already. */
const TOOL = /^tools\[(\d+)\](?=\.)/;
/** A part of a message, by its place among all or among the calls, and what stands in it where it is a result. */
const PART =
  /^messages\[(\d+)\](?:\.(content|tool_calls)\[(\d+)\](?:\.content\[(\d+)\])?|\.(reasoning_content)(?![[\w]))?/;
const MESSAGE = /^messages\[(\d+)\]/;

/** The client's own place for `messages[2].content[0]` or `tools[1].strict`; the name itself where nobody noted another. */
export function namePlace(
  name: string,
  { messages, tools }: Pick<Request, "messages" | "tools">,
  sources: Sources,
  names?: FieldNames,
): string {
  const [called = "", number] = TOOL.exec(name) ?? [];
  const tool = number === undefined ? undefined : tools[Number(number)];
  if (tool !== undefined) return (sources.get(tool) ?? called) + name.slice(called.length);
  const [place = "", ...steps] = PART.exec(name) ?? [];
  const part = findPart(messages, steps);
  const own = part === null ? undefined : sources.get(part);
  if (own !== undefined) return own + name.slice(place.length);
  const [start = "", index] = MESSAGE.exec(name) ?? [];
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

/** A message of one result is named as that result, so its content is what stands in it. */
function findPart(
  messages: readonly Message[],
  [index, list, position, inner, thought]: readonly (string | undefined)[],
): Part | null {
  const { parts = [] } = messages[Number(index)] ?? {};
  const [only, ...more] = parts;
  const result = only?.type === "tool-result" && more.length === 0 ? only : null;
  if (result !== null) return position === undefined ? result : (result.content[Number(position)] ?? null);
  const thoughts = parts.filter(({ type }) => type === "reasoning");
  if (thought !== undefined) return thoughts.length === 1 ? (thoughts[0] ?? null) : null;
  const among = list === "tool_calls" ? parts.filter(({ type }) => type === "tool-call") : parts;
  const part = position === undefined ? undefined : among[Number(position)];
  if (inner === undefined || part?.type !== "tool-result") return part ?? null;
  return part.content[Number(inner)] ?? null;
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
