// The JSON of Anthropic's Messages API as far as this wire reads and writes it, and how its own fields travel in `extra`.
// Knows nothing of the other formats. Source: https://platform.claude.com/docs/en/api/messages

import type { Extra, JsonObject } from "../../ir/index.ts";
import type { WireId } from "../type.ts";

/** This wire's key in every `extra`. */
export const ID = "anthropic-messages" satisfies WireId;

// Type aliases rather than interfaces: only those fit where a JsonObject is asked for.

export type CacheControl = { type: "ephemeral"; ttl?: "5m" | "1h" };

export type TextBlock = { type: "text"; text: string; cache_control?: CacheControl };

export type ImageSource =
  | { type: "base64"; media_type: string; data: string }
  | { type: "url"; url: string }
  | { type: "file"; file_id: string };

export type ImageBlock = { type: "image"; source: ImageSource };

export type DocumentSource = ImageSource | { type: "text"; media_type: "text/plain"; data: string };

export type DocumentBlock = { type: "document"; source: DocumentSource; title?: string };

export type ThinkingBlock = { type: "thinking"; thinking: string; signature: string };

export type RedactedThinkingBlock = { type: "redacted_thinking"; data: string };

export type ToolUseBlock = { type: "tool_use"; id: string; name: string; input: JsonObject };

export type ToolResultBlock = { type: "tool_result"; tool_use_id: string; content?: JsonObject[]; is_error?: true };

export type ToolDefinition = { name: string; description?: string; input_schema: JsonObject; strict?: true };

export type ToolChoiceBody =
  | { type: "none" }
  | { type: "auto" | "any"; disable_parallel_tool_use?: boolean }
  | { type: "tool"; name: string; disable_parallel_tool_use?: boolean };

type Display = "summarized" | "omitted";

export type Thinking =
  | { type: "enabled"; budget_tokens: number; display?: Display }
  | { type: "adaptive"; display?: Display }
  | { type: "disabled" };

export type EffortLevel = "low" | "medium" | "high" | "xhigh" | "max";

export type StopReason =
  "end_turn" | "max_tokens" | "stop_sequence" | "tool_use" | "pause_turn" | "refusal" | "model_context_window_exceeded";

export type UsageBody = {
  input_tokens: number;
  cache_creation_input_tokens: number;
  cache_read_input_tokens: number;
  cache_creation?: { ephemeral_5m_input_tokens: number; ephemeral_1h_input_tokens: number };
  output_tokens: number;
  output_tokens_details?: { thinking_tokens: number };
};

/** This wire's own entry; empty where there is none. */
export function ownFields(extra: Extra | undefined): JsonObject {
  return extra?.[ID] ?? {};
}

/** `{ extra }` with this wire's own fields, to be spread into an IR value; nothing where there are none. */
export function asExtra(fields: JsonObject): { extra?: Extra } {
  return Object.keys(fields).length === 0 ? {} : { extra: { [ID]: fields } };
}
