// A whole chat completion ↔ the canonical answer. Streams are in stream.ts; knows no request beyond the client's context.

import {
  type AnswerPart,
  type Choice,
  type Citation,
  type Json,
  type JsonObject,
  type Response,
  type Tool,
  type Usage,
  isJsonObject,
} from "../../ir/index.ts";
import type { ClientContext } from "../type.ts";
import {
  decodeCall,
  decodeFinish,
  decodeImage,
  encodeFinish,
  encodeImage,
  findError,
  keepFinish,
  malformed,
  readArguments,
  rejected,
  restoreCall,
} from "./answer.ts";
import { type AnswerMessage, ID, asExtra, ownFields } from "./body.ts";
import { decodeAnnotations, decodeSources, encodeAnnotations } from "./citation.ts";
import { decodeThinking } from "./content.ts";
import { decodeLogprobs, encodeLogprobs, omitContent } from "./logprob.ts";
import { encodeCall } from "./message-encode.ts";
import {
  REASONING_FIELDS,
  addCallSignature,
  decodeReasoning,
  encodeReasoning,
  listCallSeals,
  placeSeals,
} from "./reasoning.ts";
import { withTier } from "../tier.ts";
import { decodeUsage, encodeUsage } from "./usage.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

/** Model and usage of an ordinary answer; null for one in which something is missing, or stands where only some servers put it. */
export function meterResponse(body: JsonObject): { model: string; usage: Usage } | null {
  const { choices, model, usage } = body;
  if (!Array.isArray(choices) || !isJsonObject(choices[0] ?? null) || typeof model !== "string") return null;
  if (!isJsonObject(usage) || typeof usage["completion_tokens"] !== "number") return null;
  if (findError(body) !== null) return null;
  const report = decodeUsage(usage);
  return report === null ? null : { model, usage: withTier(report.usage, body["service_tier"]) };
}

/**
 * A body that came with status 200 as the canonical answer. Throws `upstream_rejected` where it is an error all the same, and
 * `upstream_malformed` where it has no choices.
 */
export function decodeResponse(body: JsonObject): Response {
  const choices = body["choices"];
  if (!Array.isArray(choices)) {
    const error = findError(body);
    throw error === null ? malformed("The upstream's answer has no choices.") : rejected(error);
  }
  const own = omit(body, ["id", "object", "created", "model", "choices", "usage"]);
  const report = decodeUsage(body["usage"]);
  const sources = decodeSources(body);
  if (report !== null && Object.keys(report.rest).length > 0) own["usage"] = report.rest;
  const id = textOf(body["id"]);
  return {
    id,
    model: textOf(body["model"]),
    createdAt: typeof body["created"] === "number" ? body["created"] : null,
    choices: choices.filter(isJsonObject).map((choice, index) => addSources(decodeChoice(choice, index, id), sources)),
    usage: withTier(report?.usage ?? null, body["service_tier"]),
    extra: Object.keys(own).length === 0 ? {} : { [ID]: own },
  };
}

function decodeChoice(choice: JsonObject, position: number, id: string): Choice {
  const index = typeof choice["index"] === "number" ? choice["index"] : position;
  const message = objectOf(choice["message"]);
  const own = { ...omit(choice, ["index", "message", "finish_reason"]), ...keepFinish(choice["finish_reason"]) };
  const parts = decodeParts(message, id);
  const cited = addCitations(parts, message["annotations"]);
  const messageRest = { ...omitRead(message, parts), ...cited.rest };
  if (Object.keys(messageRest).length > 0) own["message"] = messageRest;
  const refusal = textOf(message["refusal"]);
  return {
    index,
    parts: addLogprobs(cited.parts, own),
    ...(refusal === "" ? {} : { refusal }),
    finish: decodeFinish(
      choice["finish_reason"],
      parts.some(({ type }) => type === "tool-call"),
    ),
    ...asExtra(own),
  };
}

/** What the whole answer was taken from belongs to its first text, unless that says it itself. */
function addSources(choice: Choice, sources: Citation[]): Choice {
  const at = choice.parts.findIndex((part) => part.type === "text");
  const isCited = choice.parts.some((part) => part.type === "text" && part.citations !== undefined);
  if (at === -1 || isCited || sources.length === 0) return choice;
  const parts = choice.parts.map((part, index) =>
    index === at && part.type === "text" ? { ...part, citations: sources } : part,
  );
  return { ...choice, parts };
}

/** Citations belong to the text; where there is none, and where they say more than citations can, they stay what they are. */
function addCitations(parts: AnswerPart[], annotations: Json | undefined): { parts: AnswerPart[]; rest: JsonObject } {
  const at = parts.findIndex((part) => part.type === "text");
  const { citations, rest } = decodeAnnotations(annotations, 0);
  if (at === -1 || citations.length === 0) return { parts, rest: annotations === undefined ? {} : { annotations } };
  const cited = parts.map((part, index) => (index === at && part.type === "text" ? { ...part, citations } : part));
  return { parts: cited, rest: rest.length === 0 ? {} : { annotations: rest } };
}

/** Moves the probabilities of the text's tokens from the choice's own fields to its text. */
function addLogprobs(parts: AnswerPart[], own: JsonObject): AnswerPart[] {
  const logprobs = decodeLogprobs(own["logprobs"]);
  const at = parts.findIndex((part) => part.type === "text");
  if (own["logprobs"] === null) delete own["logprobs"];
  if (at === -1 || logprobs.length === 0) return parts;
  const rest = omitContent(own["logprobs"]);
  if (rest === null) delete own["logprobs"];
  else own["logprobs"] = rest;
  return parts.map((part, index) => (index === at && part.type === "text" ? { ...part, logprobs } : part));
}

function decodeParts(message: JsonObject, id: string): AnswerPart[] {
  const calls = objectsOf(message["tool_calls"]).map((call, index) => decodeCall(call, `call_${index}_${id}`));
  const placed = placeSeals(decodeReasoning(message, false), calls, false);
  const legacy = objectOf(message["function_call"]);
  const parts: AnswerPart[] = [
    ...placed.rest,
    ...decodeText(message["content"]),
    ...objectsOf(message["images"]).map(decodeImage),
    ...placed.calls,
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
  const rest = omit(message, ["role", "tool_calls", "images", "annotations", ...REASONING_FIELDS]);
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
    choices: response.choices.map((choice) => encodeChoice(choice, client.request.tools)),
  };
  const tier = response.usage?.serviceTier;
  if (tier !== undefined) body["service_tier"] ??= tier;
  if (response.usage !== null) body["usage"] = encodeUsage(response.usage, objectOf(own["usage"]));
  return body;
}

function encodeChoice(choice: Choice, tools: readonly Tool[]): JsonObject {
  const own = ownFields(choice.extra);
  const tokens = choice.parts.flatMap((part) => (part.type === "text" ? (part.logprobs ?? []) : []));
  const message = encodeMessage(choice, objectOf(own["message"]), tools);
  return {
    ...omit(own, ["message", "finish_reason"]),
    logprobs: encodeLogprobs(tokens, own["logprobs"]),
    index: choice.index,
    message,
    finish_reason: encodeFinish(choice.finish, own, message["function_call"] !== undefined),
  };
}

function encodeMessage(choice: Choice, own: JsonObject, tools: readonly Tool[]): JsonObject {
  const reasoning = choice.parts.filter((part) => part.type === "reasoning");
  const calls = choice.parts.filter((part) => part.type === "tool-call").map((part) => restoreCall(part, tools));
  const images = choice.parts.filter((part) => part.type === "media").flatMap(encodeImage);
  const seals = listCallSeals(choice.parts);
  const content = encodeText(choice.parts);
  const annotations = [...encodeCitations(choice.parts), ...objectsOf(own["annotations"])];
  const isEmpty = calls.length === 0 && images.length === 0 && choice.refusal === undefined;
  const message: AnswerMessage = {
    role: "assistant",
    content: null,
    refusal: choice.refusal ?? null,
    ...encodeReasoning(
      reasoning.filter((part) => ownFields(part.extra)["field"] !== "thinking"),
      seals,
    ),
  };
  const encoded: JsonObject = { ...own, ...message, content: content ?? own["content"] ?? (isEmpty ? "" : null) };
  if (annotations.length > 0) encoded["annotations"] = annotations;
  if (images.length > 0) encoded["images"] = images;
  // There is room for one; further ones are told in today's way rather than not at all.
  const legacy = calls.find((call) => ownFields(call.extra)["function_call"] === true);
  const current = calls.filter((call) => call !== legacy);
  if (current.length > 0) {
    encoded["tool_calls"] = current.map((call) =>
      encodeCall(call, addCallSignature(omit(ownFields(call.extra), ["function_call"]), seals.get(call.id)?.encrypted)),
    );
  }
  if (legacy !== undefined) encoded["function_call"] = { name: legacy.name, arguments: legacy.arguments };
  return encoded;
}

/** The citations of all texts, as places in the whole of them. */
function encodeCitations(parts: AnswerPart[]): JsonObject[] {
  let base = 0;
  return parts.flatMap((part) => {
    if (part.type !== "text") return [];
    const annotations = encodeAnnotations(part.citations ?? [], base, part.text.length);
    base += part.text.length;
    return annotations;
  });
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
