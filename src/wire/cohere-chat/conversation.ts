// Canonical messages as Cohere's, and documents of the conversation as those of the request. Knows no tool's definition and no parameter.
// Sources: https://docs.cohere.com/reference/chat and https://docs.cohere.com/docs/tool-use-overview

import {
  type JsonObject,
  type MediaPart,
  type Message,
  type Part,
  type Request,
  type TextPart,
  type ToolResultPart,
  invalidRequest,
} from "../../ir/index.ts";
import { wrapInput } from "../custom-tool.ts";
import { isForeignBlock, reportFields } from "../foreign.ts";
import { listPlaces } from "../positions.ts";
import { fitName } from "../safe-name.ts";
import type { ModelFacts } from "../type.ts";
import type { DocumentBody, ImageItem, TextItem, ThinkingItem, ToolCall } from "./body.ts";
import { saysSomething } from "../seal.ts";

/** The longest name of a tool. */
export const NAME_LIMIT = 64;

interface Conversation {
  messages: JsonObject[];
  documents: DocumentBody[];
}

interface Place {
  /** Such as `messages[3]`. */
  path: string;
  dropped: string[];
  documents: DocumentBody[];
}

/** Throws an invalid_request where leaving something out would change what is asked: audio, files that Cohere would have to fetch. */
export function encodeConversation(request: Request, facts: ModelFacts, dropped: string[]): Conversation {
  const documents: DocumentBody[] = [];
  const messages = request.messages.flatMap((message, index) => {
    const place: Place = { path: `messages[${index}]`, dropped, documents };
    reportFields(message.extra, place.path, dropped);
    return encodeMessage(message, facts, place);
  });
  if (messages.length === 0)
    throw invalidRequest("messages: at least one message with content is required", "messages");
  const last = messages.at(-1);
  if (last?.["role"] === "system" && messages.every((message) => message["role"] === "system")) {
    // A conversation of instructions alone: the last one is what the model has to answer.
    last["role"] = "user";
    dropped.push(`messages[${request.messages.length - 1}].role`);
  }
  return { messages, documents };
}

function encodeMessage(message: Message, facts: ModelFacts, place: Place): JsonObject[] {
  switch (message.role) {
    case "system":
    case "developer": {
      const content = encodeItems(message.parts, place);
      return content.length === 0 ? [] : [{ role: "system", content }];
    }
    case "assistant":
      return encodeAssistant(message.parts, facts, place);
    case "user":
    case "tool":
      return encodeUser(message.parts, place);
    default:
      return message.role satisfies never;
  }
}

/** Results of tools are messages of their own; what stands between them is the user's. */
function encodeUser(parts: readonly Part[], place: Place): JsonObject[] {
  const asked = parts.filter((part) => part.type === "tool-result");
  const places = listPlaces<Part>(place.path, parts, asked);
  const results = asked.map((part, index) => encodeResult(part, { ...place, path: places[index] ?? place.path }));
  const content = encodeItems(parts, place);
  return [...results, ...(content.length === 0 ? [] : [{ role: "user", content }])];
}

/** What a message says beside calls and results. */
function encodeItems(parts: readonly Part[], place: Place): JsonObject[] {
  return parts.flatMap((part, index): JsonObject[] => {
    const path = `${place.path}.content[${index}]`;
    if (part.type === "text") return encodeText(part, { ...place, path });
    if (part.type === "media") return encodeMedia(part, { ...place, path });
    return [];
  });
}

function encodeText(part: TextPart, { path, dropped }: Place): TextItem[] {
  if (part.text === "") {
    if (isForeignBlock(part)) dropped.push(path);
    return [];
  }
  reportFields(part.extra, path, dropped);
  // The cache of prompts is Cohere's own affair.
  if (part.cache !== undefined) dropped.push("cache_control");
  if (part.citations !== undefined && part.citations.length > 0) dropped.push(`${path}.citations`);
  return [{ type: "text", text: part.text }];
}

function encodeMedia(part: MediaPart, place: Place): ImageItem[] {
  const { path, dropped, documents } = place;
  reportFields(part.extra, path, dropped);
  if (part.cache !== undefined) dropped.push("cache_control");
  const { source } = part;
  const look = part.detail === undefined ? {} : { detail: part.detail };
  if (part.kind === "image" && "url" in source) return [{ type: "image_url", image_url: { url: source.url, ...look } }];
  if (part.kind === "image" && "base64" in source) {
    const url = `data:${part.mediaType ?? "image/png"};base64,${source.base64}`;
    return [{ type: "image_url", image_url: { url, ...look } }];
  }
  const isText = part.mediaType?.startsWith("text/") === true || part.mediaType === "application/json";
  if (part.kind === "document" && isText && "base64" in source) {
    const text = Buffer.from(source.base64, "base64").toString("utf8");
    const title = part.filename === undefined ? {} : { title: part.filename };
    documents.push({ id: `doc:${documents.length}`, data: { ...title, text } });
    return [];
  }
  const what =
    "base64" in source
      ? `${part.kind} content as ${part.mediaType ?? "unnamed data"}`
      : `a ${part.kind} by its address`;
  throw invalidRequest(`${path}: this model cannot be given ${what}; send text or an image.`, path);
}

function encodeResult(part: ToolResultPart, place: Place): JsonObject {
  reportFields(part.extra, place.path, place.dropped);
  if (part.cache !== undefined) place.dropped.push("cache_control");
  const content = part.content.flatMap((item, index): TextItem[] => {
    const path = `${place.path}.content[${index}]`;
    if (item.type === "text") return encodeText(item, { ...place, path });
    throw invalidRequest(`${path}: this model takes text alone from tools, no ${item.kind}.`, path);
  });
  if (part.isError) place.dropped.push(`${place.path}.is_error`);
  return { role: "tool", tool_call_id: part.callId, content: content.length === 0 ? "" : content };
}

/**
 * Reasoning goes back where it came from: as thinking to a model that thinks, else as the plan of the calls that followed it. Before calls
 * the answer's own words are a plan, too.
 */
function encodeAssistant(parts: readonly Part[], facts: ModelFacts, place: Place): JsonObject[] {
  const calls = encodeCalls(parts, place);
  const thinks = facts.reasoning !== "none";
  const thoughts = parts.flatMap((part) => (part.type === "reasoning" && part.text !== "" ? [part.text] : []));
  const texts = parts.flatMap((part, index) =>
    part.type === "text" ? encodeText(part, { ...place, path: `${place.path}.content[${index}]` }) : [],
  );
  for (const [index, part] of parts.entries()) {
    if (part.type === "media") place.dropped.push(`${place.path}.content[${index}]`);
  }
  for (const part of parts) {
    if (part.type === "reasoning" && part.text === "" && saysSomething(part)) {
      place.dropped.push(`${place.path}.reasoning_content`);
    }
  }
  if (thoughts.length > 0 && !thinks && calls.length === 0) place.dropped.push(`${place.path}.reasoning_content`);
  const thinking = thinks ? thoughts.map((thought): ThinkingItem => ({ type: "thinking", thinking: thought })) : [];
  if (calls.length === 0) {
    const content = [...thinking, ...texts];
    return content.length === 0 ? [] : [{ role: "assistant", content }];
  }
  const plan = [...(thinks ? [] : thoughts), ...texts.map(({ text }) => text)].join("\n\n");
  return [
    {
      role: "assistant",
      ...(thinking.length === 0 ? {} : { content: thinking }),
      tool_calls: calls,
      ...(plan === "" ? {} : { tool_plan: plan }),
    },
  ];
}

function encodeCalls(parts: readonly Part[], { path, dropped }: Place): ToolCall[] {
  const calls = parts.filter((part) => part.type === "tool-call");
  return calls.map((part, index) => {
    reportFields(part.extra, `${path}.tool_calls[${index}]`, dropped);
    const text = part.custom === true ? wrapInput(part.arguments) : part.arguments;
    return {
      id: part.id,
      type: "function",
      function: { name: fitName(part.name, NAME_LIMIT), arguments: text.trim() === "" ? "{}" : text },
    };
  });
}
