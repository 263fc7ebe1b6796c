// The canonical chat request: what every wire's `request.decode` makes and every `request.encode` reads. Imports nothing of a vendor.

import type { Json, JsonObject } from "./json.ts";

/**
 * What only one format can say, keyed by wire id: `{ "<wire>": { logit_bias: … } }`. A wire's `encode` writes back only its own entry,
 * so nothing leaks from one format into another.
 */
export type Extra = Readonly<Record<string, JsonObject>>;

export interface TextPart {
  type: "text";
  text: string;
  extra?: Extra;
}

/** Reasoning that the model showed. `signature` and `encrypted` are opaque to us and must come back unchanged. */
export interface ReasoningPart {
  type: "reasoning";
  text: string;
  signature?: string;
  /** A reasoning block whose text is hidden (`redacted_thinking`, `encrypted_content`). */
  encrypted?: string;
  extra?: Extra;
}

export interface MediaPart {
  type: "media";
  kind: "image" | "audio" | "document";
  /** Either a URL that the provider fetches itself, base64 data, or the id of a file kept at the provider. */
  source: { url: string } | { base64: string } | { fileId: string };
  /** MIME type, such as `image/png`; null where the format does not say. */
  mediaType: string | null;
  filename?: string;
  extra?: Extra;
}

export interface ToolCallPart {
  type: "tool-call";
  id: string;
  name: string;
  /** The arguments as the model wrote them: JSON text, kept verbatim (it may be cut or malformed). */
  arguments: string;
  extra?: Extra;
}

export interface ToolResultPart {
  type: "tool-result";
  callId: string;
  content: (TextPart | MediaPart)[];
  isError: boolean;
  extra?: Extra;
}

export type Part = TextPart | ReasoningPart | MediaPart | ToolCallPart | ToolResultPart;

/** `system` and `developer` keep their place among the messages; a wire that cannot say that hoists them and reports it. */
export type Role = "system" | "developer" | "user" | "assistant" | "tool";

export interface Message {
  role: Role;
  parts: Part[];
  extra?: Extra;
}

export interface Tool {
  name: string;
  description: string | null;
  /** JSON schema of the arguments; null where the client gave none. */
  parameters: JsonObject | null;
  strict: boolean | null;
  extra?: Extra;
}

export type ToolChoice = { type: "auto" } | { type: "none" } | { type: "required" } | { type: "tool"; name: string };

/** One scale for all formats; a wire maps to the nearest level that its provider knows. */
export type ReasoningEffort = "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";

export interface Reasoning {
  effort?: ReasoningEffort;
  /** Token budget for reasoning, where the client gave one in tokens. */
  budgetTokens?: number;
  /** True where the model decides for itself how much to think. */
  adaptive?: boolean;
}

export type ResponseFormat =
  | { type: "text" }
  | { type: "json" }
  | {
      type: "json-schema";
      name: string | null;
      description: string | null;
      schema: JsonObject;
      strict: boolean | null;
    };

export interface Request {
  /** The model's name as the target knows it (aliases and `provider/` prefixes are already resolved). */
  model: string;
  messages: Message[];
  tools: Tool[];
  toolChoice?: ToolChoice;
  parallelToolCalls?: boolean;
  maxOutputTokens?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  frequencyPenalty?: number;
  presencePenalty?: number;
  seed?: number;
  stop?: string[];
  /** Number of alternative answers. */
  choices?: number;
  reasoning?: Reasoning;
  responseFormat?: ResponseFormat;
  /** An opaque id of the end user. */
  user?: string;
  serviceTier?: string;
  metadata?: JsonObject;
  stream: boolean;
  extra: Extra;
}

/** One field that a target format cannot say: its path in the client's request, reported in `x-tokligence-dropped` and on the ledger. */
export type Dropped = string;

export type { Json, JsonObject };
