// The JSON of OpenAI's Responses as far as this wire writes it, and how its own fields travel in `extra`.
// Knows nothing of the other formats. Source: https://platform.openai.com/docs/api-reference/responses

import type { Extra, JsonObject } from "../../ir/index.ts";
import type { WireId } from "../type.ts";

/** This wire's key in every `extra`. */
export const ID = "openai-responses" satisfies WireId;

// Type aliases rather than interfaces: only those fit where a JsonObject is asked for.

export type ItemStatus = "in_progress" | "completed" | "incomplete";

export type OutputText = { type: "output_text"; annotations: JsonObject[]; logprobs: JsonObject[]; text: string };

export type FunctionTool = {
  type: "function";
  name: string;
  description?: string;
  parameters: JsonObject | null;
  strict?: boolean;
};

export type CustomTool = {
  type: "custom";
  name: string;
  description?: string;
  format?: { type: "grammar"; syntax: string; definition: string };
};

export type UsageBody = {
  input_tokens: number;
  input_tokens_details: { cached_tokens: number; cache_write_tokens: number };
  output_tokens: number;
  output_tokens_details: { reasoning_tokens: number };
  total_tokens: number;
};

/** This wire's own entry; empty where there is none. */
export function ownFields(extra: Extra | undefined): JsonObject {
  return extra?.[ID] ?? {};
}

/** `{ extra }` with this wire's own fields, to be spread into an IR value; nothing where there are none. */
export function asExtra(fields: JsonObject): { extra?: Extra } {
  return Object.keys(fields).length === 0 ? {} : { extra: { [ID]: fields } };
}
