// What OpenRouter tells of a call that is over, also of one that was cut. https://openrouter.ai/docs/api-reference/get-a-generation
// Knows no row and no connection.

import { type Json, type JsonObject, type Usage, isJsonObject } from "../ir/index.ts";
import type { UsageLater } from "./type.ts";

export const generation: UsageLater = {
  path: (id) => `/generation?id=${encodeURIComponent(id)}`,
  read({ data }) {
    if (!isJsonObject(data)) return null;
    const usage = readUsage(data);
    const { model } = data;
    return usage === null ? null : { usage, model: typeof model === "string" ? model : null, report: data };
  },
};

/** The model's own tokens are billed, not those counted with everybody's tokenizer. Cached ones are part of the prompt, reasoning of the completion. */
function readUsage(data: JsonObject): Usage | null {
  const prompt = readCount(data["native_tokens_prompt"]) ?? readCount(data["tokens_prompt"]);
  const completion = readCount(data["native_tokens_completion"]) ?? readCount(data["tokens_completion"]);
  if (prompt === null || completion === null) return null;
  const cached = Math.min(readCount(data["native_tokens_cached"]) ?? 0, prompt);
  const tier = data["service_tier"];
  return {
    freshInputTokens: prompt - cached,
    cacheReadTokens: cached,
    cacheWriteTokens: 0,
    outputTokens: completion,
    reasoningTokens: readCount(data["native_tokens_reasoning"]),
    ...(typeof tier === "string" ? { serviceTier: tier } : {}),
  };
}

function readCount(value: Json | undefined): number | null {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : null;
}
