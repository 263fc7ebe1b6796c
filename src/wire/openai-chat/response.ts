// A whole chat completion ↔ the canonical answer. Streams are in stream.ts; knows no request beyond the client's context.

import {
  type AnswerPart,
  type Choice,
  type Json,
  type JsonObject,
  type Response,
  isJsonObject,
} from "../../ir/index.ts";
import type { ClientContext } from "../type.ts";
import {
  decodeCall,
  decodeFinish,
  decodeImage,
  encodeFinish,
  encodeImage,
  keepFinish,
  malformed,
  readArguments,
  rejected,
} from "./answer.ts";
import { type AnswerMessage, ID, asExtra, objectOf, objectsOf, omit, ownFields, textOf } from "./body.ts";
import { decodeThinking } from "./content.ts";
import { encodeCall } from "./message.ts";
import { REASONING_FIELDS, decodeReasoning, encodeReasoning } from "./reasoning.ts";
import { decodeUsage, encodeUsage } from "./usage.ts";

/**
 * A body that came with status 200 as the canonical answer. Throws `upstream_rejected` where it is an error all the same, and
 * `upstream_malformed` where it has no choices.
 */
export function decodeResponse(body: JsonObject): Response {
  const choices = body["choices"];
  if (!Array.isArray(choices)) {
    if (body["error"] !== undefined && body["error"] !== null) throw rejected(body);
    throw malformed("The upstream's answer has no choices.");
  }
  const own = omit(body, ["id", "object", "created", "model", "choices", "usage"]);
  const report = decodeUsage(body["usage"]);
  if (report !== null && Object.keys(report.rest).length > 0) own["usage"] = report.rest;
  const id = textOf(body["id"]);
  return {
    id,
    model: textOf(body["model"]),
    createdAt: typeof body["created"] === "number" ? body["created"] : null,
    choices: choices.filter(isJsonObject).map((choice, index) => decodeChoice(choice, index, id)),
    usage: report?.usage ?? null,
    extra: Object.keys(own).length === 0 ? {} : { [ID]: own },
  };
}

function decodeChoice(choice: JsonObject, position: number, id: string): Choice {
  const index = typeof choice["index"] === "number" ? choice["index"] : position;
  const message = objectOf(choice["message"]);
  const own = { ...omit(choice, ["index", "message", "finish_reason"]), ...keepFinish(choice["finish_reason"]) };
  if (own["logprobs"] === null) delete own["logprobs"];
  const parts = decodeParts(message, id);
  const messageRest = omitRead(message, parts);
  if (Object.keys(messageRest).length > 0) own["message"] = messageRest;
  const refusal = textOf(message["refusal"]);
  return {
    index,
    parts,
    ...(refusal === "" ? {} : { refusal }),
    finish: decodeFinish(choice["finish_reason"]),
    ...asExtra(own),
  };
}

function decodeParts(message: JsonObject, id: string): AnswerPart[] {
  const calls = objectsOf(message["tool_calls"]);
  const legacy = objectOf(message["function_call"]);
  const parts: AnswerPart[] = [
    ...decodeReasoning(message, false),
    ...decodeText(message["content"]),
    ...objectsOf(message["images"]).map(decodeImage),
    ...calls.map((call, index) => decodeCall(call, `call_${index}_${id}`)),
  ];
  if (typeof legacy["name"] === "string") {
    const text = readArguments(legacy["arguments"]);
    const call = { type: "tool-call", id: `call_${id}`, name: legacy["name"], arguments: text } as const;
    parts.push({ ...call, ...asExtra({ function_call: true }) });
  }
  return parts;
}

function decodeText(content: Json | undefined): AnswerPart[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  return objectsOf(content).map((part) => {
    if (part["type"] === "thinking") return decodeThinking(part);
    if (part["type"] === "text") {
      return { type: "text", text: textOf(part["text"]), ...asExtra(omit(part, ["type", "text"])) };
    }
    return { type: "text", text: "", ...asExtra({ block: part }) };
  });
}

/** What of a message is in no part: this format's own answers get it back. */
function omitRead(message: JsonObject, parts: AnswerPart[]): JsonObject {
  const rest = omit(message, ["role", "tool_calls", "images", ...REASONING_FIELDS]);
  if (rest["refusal"] !== undefined) delete rest["refusal"];
  if (isJsonObject(rest["function_call"])) delete rest["function_call"];
  // An empty text, where others say null.
  const hasText = parts.some((part) => part.type === "text");
  if (hasText || rest["content"] === null || Array.isArray(rest["content"])) delete rest["content"];
  return rest;
}

/** The canonical answer as a chat completion; an upstream's id stays what it is. */
export function encodeResponse(response: Response, client: ClientContext): JsonObject {
  const own = ownFields(response.extra);
  const body: JsonObject = {
    ...omit(own, ["usage"]),
    id: response.id,
    object: "chat.completion",
    created: response.createdAt ?? client.nowSeconds,
    model: response.model,
    choices: response.choices.map(encodeChoice),
  };
  if (response.usage !== null) body["usage"] = encodeUsage(response.usage, objectOf(own["usage"]));
  return body;
}

function encodeChoice(choice: Choice): JsonObject {
  const own = ownFields(choice.extra);
  return {
    logprobs: null,
    ...omit(own, ["message", "finish_reason"]),
    index: choice.index,
    message: encodeMessage(choice, objectOf(own["message"])),
    finish_reason: encodeFinish(choice.finish, own),
  };
}

function encodeMessage(choice: Choice, own: JsonObject): JsonObject {
  const reasoning = choice.parts.filter((part) => part.type === "reasoning");
  const calls = choice.parts.filter((part) => part.type === "tool-call");
  const images = choice.parts.filter((part) => part.type === "media").flatMap(encodeImage);
  const content = encodeText(choice.parts);
  const isEmpty = calls.length === 0 && images.length === 0 && choice.refusal === undefined;
  const message: AnswerMessage = {
    role: "assistant",
    content: null,
    refusal: choice.refusal ?? null,
    ...encodeReasoning(reasoning.filter((part) => ownFields(part.extra)["field"] !== "thinking")),
  };
  const encoded: JsonObject = { ...own, ...message, content: content ?? own["content"] ?? (isEmpty ? "" : null) };
  if (images.length > 0) encoded["images"] = images;
  const current = calls.filter((call) => ownFields(call.extra)["function_call"] !== true);
  if (current.length > 0) encoded["tool_calls"] = current.map((call) => encodeCall(call, ownFields(call.extra)));
  const legacy = calls.find((call) => ownFields(call.extra)["function_call"] === true);
  if (legacy !== undefined) encoded["function_call"] = { name: legacy.name, arguments: legacy.arguments };
  return encoded;
}

/** The text as a string; as an array only where this format's own server sent one. Null where there is none. */
function encodeText(parts: AnswerPart[]): string | JsonObject[] | null {
  const isList = parts.some((part) => {
    const own = ownFields(part.extra);
    return own["field"] === "thinking" || own["block"] !== undefined;
  });
  const texts = parts.filter((part) => part.type === "text");
  if (!isList) return texts.length === 0 ? null : texts.map((part) => part.text).join("");
  return parts.flatMap((part): JsonObject[] => {
    const own = ownFields(part.extra);
    if (part.type === "text") {
      return [isJsonObject(own["block"]) ? own["block"] : { ...own, type: "text", text: part.text }];
    }
    if (part.type !== "reasoning" || own["field"] !== "thinking") return [];
    return [{ ...omit(own, ["field"]), type: "thinking", thinking: [{ type: "text", text: part.text }] }];
  });
}
