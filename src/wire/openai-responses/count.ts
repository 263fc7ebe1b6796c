// OpenAI's count of a request's tokens, and its shortening of a conversation: https://platform.openai.com/docs/api-reference/responses
// Forwarded; the count is estimated elsewhere, the shortening is a provider's own art. Knows no provider.

import { type JsonObject, NO_USAGE, isJsonObject } from "../../ir/index.ts";
import type { ForwardWire, MemoryAsk, WireMemory } from "../type.ts";
import { openaiResponses } from "./index.ts";
import { memory } from "./memory.ts";
import { decodeUsage } from "./usage.ts";
import { findObject, pickFields, textOf } from "../json-read.ts";

/** They go on from what is kept, and are not kept themselves. */
const reading: WireMemory = { ...memory, ask };

function ask(body: JsonObject): MemoryAsk {
  return { ...memory.ask(body), isKept: false, isBackground: false };
}

const like = {
  peek: (body: JsonObject) => ({ model: openaiResponses.peek(body).model, stream: false }),
  memory: reading,
  forward: openaiResponses.forward,
  error: openaiResponses.error,
};

/** All that the count depends on. */
const COUNTED = [
  "conversation",
  "input",
  "instructions",
  "model",
  "parallel_tool_calls",
  "previous_response_id",
  "reasoning",
  "text",
  "tool_choice",
  "tools",
  "truncation",
];

export const openaiResponsesCount: ForwardWire = {
  ...like,
  id: "openai-responses-count",
  operation: "count",
  endpoint: "responses.input_tokens",
  paths: ["/v1/responses/input_tokens"],
  meter: () => ({ usage: NO_USAGE, model: null, report: null }),
  count: {
    wire: openaiResponses,
    unwrap: (body) => body,
    encode: (tokens) => ({ object: "response.input_tokens", input_tokens: tokens }),
    ask: (request, model) => ({ model, ...pickFields(request, COUNTED) }),
    read: ({ input_tokens: tokens }) => (typeof tokens === "number" ? tokens : null),
  },
};

export const openaiResponsesCompact: ForwardWire = {
  ...like,
  id: "openai-responses-compact",
  operation: "compact",
  endpoint: "responses.compact",
  paths: ["/v1/responses/compact"],
  meter(raw) {
    const body: unknown = JSON.parse(raw);
    if (!isJsonObject(body)) return { usage: null, model: null, report: null };
    return {
      usage: decodeUsage(body["usage"])?.usage ?? null,
      model: textOf(body["model"]) || null,
      report: findObject(body["usage"]),
    };
  },
};
