// The token count of an embeddings answer as canonical usage. Knows no answer.

import { type Json, type Usage, isJsonObject } from "../../ir/index.ts";

/** Null where the value is no report. */
export function readUsage(value: Json): Usage | null {
  if (!isJsonObject(value)) return null;
  const tokens = value["prompt_tokens"] ?? value["total_tokens"];
  if (typeof tokens !== "number" || !Number.isInteger(tokens) || tokens < 0) return null;
  return { freshInputTokens: tokens, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: null };
}
