// The canonical chat request: what every wire's `request.decode` makes and every `request.encode` reads. Imports nothing of a vendor.

import type { Json, JsonObject } from "./json.ts";

/**
 * What only one format can say, keyed by wire id: `{ "<wire>": { logit_bias: … } }`. A wire's `encode` writes back only its own entry,
 * so nothing leaks from one format into another.
 */
export type Extra = Readonly<Record<string, JsonObject>>;

/** The client wants the prompt up to and including this place kept in the provider's cache. */
export interface CacheMark {
  /** How long; null for the provider's usual time. */
  ttl: "5m" | "1h" | null;
}

/** Where an answer took something from. Offsets count UTF-16 units of the part's text, `end` is exclusive. */
export interface Citation {
  url?: string;
  title?: string;
  /** The cited words of the source. */
  quote?: string;
  start?: number;
  end?: number;
  /** The file at the provider that is cited. */
  fileId?: string;
  /** Running number, from 0, of the request's document that is cited. */
  document?: number;
  extra?: Extra;
}

export interface TokenLogprob {
  token: string;
  logprob: number;
  /** The token's UTF-8 bytes; null where the format does not say. */
  bytes: number[] | null;
  top: { token: string; logprob: number; bytes: number[] | null }[];
}

export interface TextPart {
  type: "text";
  text: string;
  citations?: Citation[];
  logprobs?: TokenLogprob[];
  cache?: CacheMark;
  extra?: Extra;
}

/**
 * Reasoning that the model showed. `signature` and `encrypted` are opaque to us and must come back unchanged to the format that made them
 * (`origin`, a wire id; missing where nobody knows). One with `encrypted` and no text may belong to the part that follows it.
 */
export interface ReasoningPart {
  type: "reasoning";
  text: string;
  signature?: string;
  /** A reasoning block whose text is hidden (`redacted_thinking`, `encrypted_content`, `thoughtSignature`). */
  encrypted?: string;
  origin?: string;
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
  /** How closely an image is looked at; missing for as the model sees fit. */
  detail?: "high" | "low";
  cache?: CacheMark;
  extra?: Extra;
}

export interface ToolCallPart {
  type: "tool-call";
  id: string;
  name: string;
  /** The arguments as the model wrote them, kept verbatim (they may be cut or malformed): JSON text, or any text where `custom`. */
  arguments: string;
  /** A call of a tool that takes free text. */
  custom?: true;
  cache?: CacheMark;
  extra?: Extra;
}

export interface ToolResultPart {
  type: "tool-result";
  callId: string;
  content: (TextPart | MediaPart)[];
  isError: boolean;
  cache?: CacheMark;
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
  /** A tool that takes free text instead of JSON arguments; its form where the client demands one. `parameters` is null then. */
  custom?: { grammar: { syntax: string; definition: string } | null };
  /**
   * Where the client groups its tools: what it calls the group and the tool in it. `name` then says both, and `description` too, so that
   * formats without groups need not know of it.
   */
  namespace?: { name: string; description: string | null; toolName: string; toolDescription: string | null };
  cache?: CacheMark;
  extra?: Extra;
}

export type ToolChoice =
  | { type: "auto" }
  | { type: "none" }
  | { type: "required" }
  | { type: "tool"; name: string }
  /** Of all the tools only these may be called; with `required`, one of them must be. */
  | { type: "allowed"; names: string[]; required: boolean };

/** One scale for all formats; a wire maps to the nearest level that its provider knows. */
export type ReasoningEffort = "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";

export interface Reasoning {
  effort?: ReasoningEffort;
  /** Token budget for reasoning, where the client gave one in tokens. */
  budgetTokens?: number;
  /** True where the model decides for itself how much to think. */
  adaptive?: boolean;
  /** How much of the reasoning the client wants to see; missing for the format's usual. */
  summary?: "none" | "auto" | "concise" | "detailed";
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
  /** Probabilities of the answer's tokens are wanted, and of how many alternatives each. */
  logprobs?: boolean;
  topLogprobs?: number;
  /** Length of the answer in the model's own judgement. */
  verbosity?: "low" | "medium" | "high";
  /** What the answer may be made of; missing for text alone. */
  modalities?: ("text" | "audio" | "image")[];
  reasoning?: Reasoning;
  responseFormat?: ResponseFormat;
  /** An opaque id of the end user. */
  user?: string;
  /** Another opaque id of the end user, for abuse detection, in formats that have both. */
  safetyIdentifier?: string;
  /** Requests with the same key share a prompt cache. */
  promptCacheKey?: string;
  serviceTier?: string;
  metadata?: JsonObject;
  stream: boolean;
  extra: Extra;
}

/** One field that a target format cannot say: its path in the client's request, reported in `x-tokligence-dropped` and on the ledger. */
export type Dropped = string;

export type { Json, JsonObject };
