// Which Chat Completions may be answered with what was answered before, and by what they are told apart. Knows no cache.

import type { JsonObject } from "../../ir/index.ts";
import { omit } from "../json-read.ts";

/** Who asks, and how the provider is to remember it: nothing of it shows in an answer. */
const UNSEEN = ["metadata", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "store", "user"];

/** Null where the provider is to keep the answer. */
export function findRepeatable(body: JsonObject): JsonObject | null {
  return body["store"] === true ? null : omit(body, UNSEEN);
}
