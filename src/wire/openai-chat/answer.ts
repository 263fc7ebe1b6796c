// What whole answers and streamed ones have in common: calls, images, the words for why a choice ended, the error for an answer that
// is none. Knows neither a whole answer nor a stream.

import {
  type FinishReason,
  GatewayError,
  type Json,
  type JsonObject,
  type MediaPart,
  type Tool,
  type ToolCallPart,
} from "../../ir/index.ts";
import { isCustomTool, unwrapInput } from "../custom-tool.ts";
import { decodeError } from "../openai-error.ts";
import { restoreName } from "../safe-name.ts";
import { type FinishWord, asExtra, ownFields } from "./body.ts";
import { readDataUrl } from "./media.ts";
import { readCallSignature } from "./reasoning.ts";
import { isLegacy } from "./tool.ts";
import { objectOf, omit, textOf } from "../json-read.ts";

const FINISHES: ReadonlyMap<string, FinishReason> = new Map(
  Object.entries<FinishReason>({
    stop: "stop",
    length: "length",
    model_length: "length",
    tool_calls: "tool-calls",
    function_call: "tool-calls",
    content_filter: "content-filter",
    error: "error",
    // Words of Together, Z.ai and DeepSeek.
    eos: "stop",
    sensitive: "content-filter",
    network_error: "error",
    insufficient_system_resource: "error",
  }),
);

const WORDS: Readonly<Record<FinishReason, FinishWord>> = {
  stop: "stop",
  length: "length",
  "tool-calls": "tool_calls",
  "content-filter": "content_filter",
  refusal: "content_filter",
  error: "stop",
  other: "stop",
};

/** `hasCalls`: servers that were made to call a tool, and sloppy ones, say "stop" all the same. */
export function decodeFinish(word: Json | undefined, hasCalls = false): FinishReason {
  const finish = FINISHES.get(textOf(word)) ?? "other";
  return hasCalls && finish === "stop" ? "tool-calls" : finish;
}

/** The server's own word where it still fits; OpenAI's otherwise, which is another for a call of the legacy kind. */
export function encodeFinish(finish: FinishReason, own: JsonObject, isLegacyKind: boolean): string {
  const word = own["finish_reason"];
  if (isLegacyKind && finish === "tool-calls") return "function_call";
  return typeof word === "string" && decodeFinish(word) === finish ? word : WORDS[finish];
}

/** A word that `encodeFinish` would not find again by itself. */
export function keepFinish(word: Json | undefined): JsonObject {
  return typeof word === "string" && WORDS[decodeFinish(word)] !== word ? { finish_reason: word } : {};
}

/** A call of an answer, with the signature on it. Never throws: what is missing is made up, as an answer that was paid for must arrive. */
export function decodeCall(call: JsonObject, fallbackId: string): { part: ToolCallPart; signature: string | null } {
  const isCustom = call["type"] === "custom";
  const target = objectOf(isCustom ? call["custom"] : call["function"]);
  const { signature, own } = readCallSignature(omit(call, ["id", "type", isCustom ? "custom" : "function", "index"]));
  const part: ToolCallPart = {
    type: "tool-call",
    id: textOf(call["id"]) || fallbackId,
    name: textOf(target["name"]),
    arguments: readArguments(isCustom ? target["input"] : target["arguments"]),
    ...(isCustom ? { custom: true } : {}),
    ...asExtra(own),
  };
  return { part, signature };
}

/** A call as the client knows its tools: under their own names, and with free text where the tool takes that. */
export function restoreCall(part: ToolCallPart, tools: readonly Tool[]): ToolCallPart {
  const name = restoreName(part.name, tools);
  if (isLegacyCall(name, tools)) return { ...part, name, ...asExtra({ function_call: true }) };
  if (part.custom === true || !isCustomTool(name, tools)) return { ...part, name };
  return { ...part, name, arguments: unwrapInput(part.arguments), custom: true };
}

/** True where the client declared the tool in the legacy way, and so expects its call there, too. */
export function isLegacyCall(name: string, tools: readonly Tool[]): boolean {
  return tools.some((tool) => tool.name === name && isLegacy(tool));
}

/** Some servers send the arguments as an object. */
export function readArguments(value: Json | undefined): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}

/** `images` of a message: OpenRouter's shape for models that draw. */
export function decodeImage(image: JsonObject): MediaPart {
  const { source, mediaType } = readDataUrl(textOf(objectOf(image["image_url"])["url"]));
  return { type: "media", kind: "image", source, mediaType, ...asExtra(omit(image, ["type", "image_url", "index"])) };
}

export function encodeImage({ source, mediaType, extra }: MediaPart): JsonObject[] {
  if ("fileId" in source) return [];
  const url = "url" in source ? source.url : `data:${mediaType ?? "image/png"};base64,${source.base64}`;
  return [{ ...ownFields(extra), type: "image_url", image_url: { url } }];
}

/** The error of an upstream that reports one in the place of an answer, or inside a stream. */
export function rejected(body: JsonObject): GatewayError {
  const upstream = decodeError(null, body);
  return new GatewayError({ kind: "upstream_rejected", message: upstream.message, upstream });
}

/**
 * An error that stands in the place of an answer, or beside one: `error`, vLLM's and FastAPI's bare ones, the reason why Groq stopped, and
 * MiniMax's report, which says 0 where all is well. Null where there is none.
 */
export function findError(body: JsonObject): JsonObject | null {
  const { error, choices, message, detail, base_resp: report, x_groq: groq } = body;
  if (error !== undefined && error !== null) return body;
  const reason = objectOf(groq)["error"];
  if (typeof reason === "string" && reason !== "") return { error: { message: reason } };
  const { status_code: code, status_msg: text } = objectOf(report);
  if (typeof code === "number" && code !== 0) return { error: { code, message: textOf(text) } };
  if (Array.isArray(choices)) return null;
  const isBare = body["object"] === "error" || typeof message === "string" || typeof detail === "string";
  return isBare ? body : null;
}

/** The error for an answer that cannot be read; the caller may ask another provider. */
export function malformed(message: string, cause?: unknown): GatewayError {
  return new GatewayError({ kind: "upstream_malformed", message, cause });
}
