// Which Responses may be answered with what was answered before, and by what they are told apart. Knows no cache.

import type { JsonObject } from "../../ir/index.ts";
import { findObject, objectsOf, omit } from "../json-read.ts";
import { memory } from "./memory.ts";

/**
 * Null where the answer is kept under its id (as it is unless `store` is false), where it goes on from what is kept, and where tools work on
 * what others keep. What is asked stands in the answer, `metadata` and `user` too, so all of it counts.
 */
export function findRepeatable(body: JsonObject): JsonObject | null {
  const { conversation, isBackground, isKept, previousId, references } = memory.ask(body);
  const isAlone = conversation === null && previousId === null && references.length === 0;
  if (isKept || isBackground || !isAlone || objectsOf(body["tools"]).some(isEffective)) return null;
  return omit(body, ["store"]);
}

/** What such a tool does is done at its provider, and is not done again by telling of it. */
function isEffective(tool: JsonObject): boolean {
  const isContained = (tool["container"] ?? findObject(tool["environment"])?.["type"] ?? null) !== null;
  return tool["type"] === "mcp" || isContained;
}
