// The JSON of OpenAI's Chat Completions as far as this wire writes it, and how its own fields travel in `extra`.
// Knows nothing of the other formats. Source: https://platform.openai.com/docs/api-reference/chat

import type { Extra, JsonObject } from "../../ir/index.ts";
import type { WireId } from "../type.ts";

/** This wire's key in every `extra`. */
export const ID = "openai-chat" satisfies WireId;

// Type aliases rather than interfaces: only those fit where a JsonObject is asked for.

export type FunctionCall = { id: string; type: "function"; function: { name: string; arguments: string } };

export type CustomCall = { id: string; type: "custom"; custom: { name: string; input: string } };

export type FunctionTool = {
  type: "function";
  function: { name: string; description?: string; parameters?: JsonObject; strict?: boolean };
};

export type CustomTool = {
  type: "custom";
  custom: {
    name: string;
    description?: string;
    format?: { type: "text" } | { type: "grammar"; grammar: { syntax: string; definition: string } };
  };
};

/** OpenRouter's shape, read and written by many: reasoning that must come back signed or sealed. */
export type ReasoningDetail =
  | { type: "reasoning.text"; text: string; signature?: string; index?: number }
  | { type: "reasoning.encrypted"; data: string; index?: number };

/** `reasoning_content` and `reasoning_details` are no fields of OpenAI's, but what its imitators and most clients agree on. */
export type AnswerMessage = {
  role: "assistant";
  content: string | null;
  refusal: string | null;
  reasoning_content?: string;
  reasoning_details?: ReasoningDetail[];
  tool_calls?: (FunctionCall | CustomCall)[];
};

export type FinishWord = "stop" | "length" | "tool_calls" | "content_filter" | "function_call";

export type UsageBody = {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details: { cached_tokens: number; cache_write_tokens?: number };
  completion_tokens_details?: { audio_tokens?: number; reasoning_tokens?: number };
};

export type ToolCallDelta = {
  index: number;
  id?: string;
  type?: "function" | "custom";
  function?: { name?: string; arguments?: string };
  custom?: { name?: string; input?: string };
};

export type Delta = {
  role?: "assistant";
  content?: string | null;
  refusal?: string;
  reasoning_content?: string;
  reasoning_details?: ReasoningDetail[];
  tool_calls?: ToolCallDelta[];
  annotations?: JsonObject[];
};

/** This wire's own entry; empty where there is none. */
export function ownFields(extra: Extra | undefined): JsonObject {
  return extra?.[ID] ?? {};
}

/** `{ extra }` with this wire's own fields, to be spread into an IR value; nothing where there are none. */
export function asExtra(fields: JsonObject): { extra?: Extra } {
  return Object.keys(fields).length === 0 ? {} : { extra: { [ID]: fields } };
}
