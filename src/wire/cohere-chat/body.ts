// The JSON of Cohere's Chat API (v2) as far as this wire writes and reads it. Knows no other format and no model.
// Source: https://docs.cohere.com/reference/chat

import type { JsonObject } from "../../ir/index.ts";

// Type aliases rather than interfaces: only those fit where a JsonObject is asked for.

export type TextItem = { type: "text"; text: string };

export type ThinkingItem = { type: "thinking"; thinking: string };

export type ImageItem = { type: "image_url"; image_url: { url: string; detail?: "auto" | "high" | "low" } };

export type ToolCall = { id: string; type: "function"; function: { name: string; arguments: string } };

export type ToolBody = {
  type: "function";
  function: { name: string; description?: string; parameters: JsonObject };
};

export type DocumentBody = { id: string; data: { title?: string; text: string } };
