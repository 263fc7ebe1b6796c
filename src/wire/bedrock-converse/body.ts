// The JSON of Amazon Bedrock's Converse API as far as this wire writes and reads it. Knows no other format and no model.
// Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html

import type { JsonObject } from "../../ir/index.ts";
import type { WireId } from "../type.ts";

/** This wire's name as the maker of signed reasoning. */
export const ID = "bedrock-converse" satisfies WireId;

// Type aliases rather than interfaces: only those fit where a JsonObject is asked for.

export type CachePoint = { cachePoint: { type: "default"; ttl?: "1h" } };

export type Source = { bytes: string } | { s3Location: { uri: string } };

export type ReasoningBlock = {
  reasoningContent: { reasoningText: { text: string; signature: string } } | { redactedContent: string };
};

export type ToolUse = { toolUse: { toolUseId: string; name: string; input: JsonObject } };

export type ToolResult = { toolResult: { toolUseId: string; content: JsonObject[]; status?: "error" } };

export type ToolSpec = {
  toolSpec: { name: string; description?: string; inputSchema: { json: JsonObject }; strict?: true };
};

export type ToolChoiceBody = { any: Record<string, never> } | { tool: { name: string } };

export type Turn = { role: "user" | "assistant"; content: JsonObject[] };
