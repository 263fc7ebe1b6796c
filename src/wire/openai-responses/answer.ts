// What whole answers and streamed ones have in common: output items ↔ parts, one at a time, why an answer ended, the error for an answer that
// is none. Knows neither a whole answer nor a stream.

import {
  type AnswerPart,
  type Choice,
  type FinishReason,
  GatewayError,
  type Json,
  type JsonObject,
  type TextPart,
  type Tool,
  type ToolCallPart,
} from "../../ir/index.ts";
import { isCustomTool, unwrapInput } from "../custom-tool.ts";
import { decodeError } from "../openai-error.ts";
import { type OutputText, asExtra, ownFields } from "./body.ts";
import { decodeAnnotations, encodeAnnotations } from "./citation.ts";
import { decodeGenerated, keepItem } from "./kept.ts";
import { decodeLogprobs, encodeLogprobs } from "./logprob.ts";
import { findName, joinName, splitName } from "./namespace.ts";
import { decodeReasoning } from "./reasoning.ts";
import { isSearch } from "./tool.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

/** One output item. What the model refused to say is no part of an answer, and stands apart. */
export function decodeOutput(item: JsonObject): { parts: AnswerPart[]; refusal: string } {
  switch (item["type"]) {
    case "message":
      return decodeMessage(item);
    case "reasoning": {
      const part = decodeReasoning(item, true);
      return { parts: part === null ? [] : [part], refusal: "" };
    }
    case "function_call":
    case "custom_tool_call":
      return { parts: [decodeCall(item)], refusal: "" };
    case "image_generation_call":
      return { parts: [decodeGenerated(item)], refusal: "" };
    default:
      return { parts: [keepItem(item)], refusal: "" };
  }
}

/** What a message says of itself; each of its texts remembers it. */
export function messageFields(item: JsonObject): JsonObject {
  const own = omit(item, ["type", "role", "content", "status"]);
  return Object.keys(own).length === 0 ? {} : { message: own };
}

function decodeMessage(item: JsonObject): { parts: AnswerPart[]; refusal: string } {
  const content = objectsOf(item["content"]);
  const fields = messageFields(item);
  const texts = content.filter((part) => part["type"] !== "refusal" && textOf(part["text"]) !== "");
  return {
    parts: texts.map((part) => decodeText(part, fields)),
    refusal: content.map((part) => textOf(part["refusal"])).join(""),
  };
}

function decodeText(part: JsonObject, fields: JsonObject): TextPart {
  const citations = decodeAnnotations(part["annotations"]);
  const logprobs = decodeLogprobs(part["logprobs"]);
  return {
    type: "text",
    text: textOf(part["text"]),
    ...(citations.length === 0 ? {} : { citations }),
    ...(logprobs.length === 0 ? {} : { logprobs }),
    ...asExtra({ ...fields, ...omit(part, ["type", "text", "annotations", "logprobs"]) }),
  };
}

/** Never throws: what is missing is made up, as an answer that was paid for must arrive. */
export function decodeCall(item: JsonObject): ToolCallPart {
  const isCustom = item["type"] === "custom_tool_call";
  const text = item[isCustom ? "input" : "arguments"] ?? "";
  return {
    type: "tool-call",
    id: textOf(item["call_id"]) || textOf(item["id"]),
    name: nameOf(item),
    arguments: typeof text === "string" ? text : JSON.stringify(text),
    ...(isCustom ? { custom: true } : {}),
    ...asExtra(callFields(item)),
  };
}

export function callFields(item: JsonObject): JsonObject {
  return omit(item, ["type", "call_id", "name", "namespace", "arguments", "input", "status"]);
}

function nameOf(item: JsonObject): string {
  const name = textOf(item["name"]);
  const namespace = textOf(item["namespace"]);
  return namespace === "" ? name : joinName(namespace, name);
}

/** A call as the client knows its tools: under their own names, and with free text where the tool takes that. */
export function restoreCall(part: ToolCallPart, tools: readonly Tool[]): ToolCallPart {
  if (part.custom === true || !isCustomTool(findName(part.name, tools), tools)) return part;
  return { ...part, arguments: unwrapInput(part.arguments), custom: true };
}

export function encodeCall(
  part: ToolCallPart,
  tools: readonly Tool[],
  { id, status }: { id: string; status: string },
): JsonObject {
  const own = ownFields(part.extra);
  if (isSearch(part.name, tools)) {
    const args = parseArguments(part.arguments);
    return { id, ...own, type: "tool_search_call", status, call_id: part.id, execution: "client", arguments: args };
  }
  const named = { call_id: part.id, ...splitName(part.name, tools) };
  if (part.custom === true) {
    return { id, ...own, type: "custom_tool_call", status, input: part.arguments, ...named };
  }
  return { id, ...own, type: "function_call", status, arguments: part.arguments, ...named };
}

/** As the value that they spell; as the text where they spell none. */
function parseArguments(text: string): Json {
  try {
    return JSON.parse(text === "" ? "{}" : text);
  } catch {
    return text;
  }
}

export function encodeText(part: TextPart): JsonObject {
  const text: OutputText = {
    type: "output_text",
    annotations: encodeAnnotations(part.citations ?? [], part.text.length),
    logprobs: encodeLogprobs(part.logprobs ?? []),
    text: part.text,
  };
  return { ...omit(ownFields(part.extra), ["message"]), ...text };
}

/** Why an answer ended, from a response that is complete or not. */
export function decodeFinish(response: JsonObject, hasCalls: boolean): FinishReason {
  switch (response["status"]) {
    case "incomplete":
      return FINISHES.get(textOf(objectOf(response["incomplete_details"])["reason"])) ?? "other";
    case "failed":
      return "error";
    default:
      return hasCalls ? "tool-calls" : "stop";
  }
}

const FINISHES: ReadonlyMap<string, FinishReason> = new Map([
  ["length", "length"],
  ["max_output_tokens", "length"],
  ["max_tokens", "length"],
  ["content_filter", "content-filter"],
]);

/** A reason that `encodeFinish` would not find again by itself. */
export function keepFinish(response: JsonObject, finish: FinishReason): JsonObject {
  if (finish !== "other") return {};
  return { incomplete_details: response["incomplete_details"] ?? null };
}

/** `status` of a response, with what explains it. */
export function encodeFinish({ finish, failure, extra }: Pick<Choice, "extra" | "failure" | "finish">): JsonObject {
  const kept = ownFields(extra)["incomplete_details"];
  if (kept !== undefined) return { status: "incomplete", incomplete_details: kept };
  if (finish === "length") return { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } };
  if (finish === "content-filter" || finish === "refusal") {
    return { status: "incomplete", incomplete_details: { reason: "content_filter" } };
  }
  if (finish === "error") return { status: "failed", incomplete_details: null, error: sayBroken(failure) };
  return { status: "completed", incomplete_details: null };
}

/** Of a provider that tells of an error by the end of its answer alone. */
function sayBroken(failure: string | undefined): JsonObject {
  const message = "The provider ended the answer with an error";
  return { code: "server_error", message: failure === undefined ? `${message}.` : `${message}: ${failure}` };
}

/** The error of an upstream that reports one in the place of an answer, or inside a stream. */
export function rejected(error: Json | undefined): GatewayError {
  const upstream = decodeError(null, { error: error ?? null });
  return new GatewayError({ kind: "upstream_rejected", message: upstream.message, upstream });
}

/** The error for an answer that cannot be read; the caller may ask another provider. */
export function malformed(message: string, cause?: unknown): GatewayError {
  return new GatewayError({ kind: "upstream_malformed", message, cause });
}
