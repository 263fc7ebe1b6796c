// The arguments of a call, for formats that ask for an object in the place of text. Knows no format.

import { type Json, type JsonObject, isJsonObject } from "../ir/index.ts";
import { MAX_DEPTH, isDeeper } from "../lib/depth.ts";

/** `{}` for none; null for text that is no JSON object, or one that nothing could write again. */
export function parseArguments(text: string): JsonObject | null {
  if (text.trim() === "") return {};
  try {
    const value: Json = JSON.parse(text);
    return isJsonObject(value) && !isDeeper(value, MAX_DEPTH) ? value : null;
  } catch {
    return null;
  }
}
