// What one event of a stream says of its answer, in whatever format: by the names that many share. Knows no format.

import type { JsonObject } from "../../ir/index.ts";
import { objectOf, objectsOf, textOf } from "../json-read.ts";

const TEXTS = ["content", "partial_json", "reasoning", "reasoning_content", "refusal", "text", "thinking"] as const;
/** Sound is told in pieces of text as well. */
const SOUND = /audio\.delta$/u;

/** Text, reasoning and arguments of calls alike; "" for what says nothing in text. */
export function readSaid(event: JsonObject): string {
  const { type, delta, choices, candidates } = event;
  if (typeof delta === "string") return SOUND.test(textOf(type)) ? "" : delta;
  const deltas = [objectOf(delta), ...objectsOf(choices).map((choice) => objectOf(choice["delta"]))];
  const calls = deltas.flatMap((each) => objectsOf(each["tool_calls"])).map((call) => objectOf(call["function"]));
  const parts = objectsOf(candidates).flatMap((candidate) => objectsOf(objectOf(candidate["content"])["parts"]));
  const texts = [...deltas, ...parts].flatMap((each) => TEXTS.map((name) => textOf(each[name])));
  return [...texts, ...calls.map((call) => textOf(call["name"]) + textOf(call["arguments"]))].join("");
}
