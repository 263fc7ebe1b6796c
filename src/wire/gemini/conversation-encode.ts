// Canonical messages → `systemInstruction` and `contents`; the other direction is conversation.ts. Knows no parameters.

import {
  type Json,
  type JsonObject,
  type Message,
  type Part,
  type Request,
  type TextPart,
  type ToolCallPart,
  type ToolResultPart,
  invalidRequest,
  isJsonObject,
} from "../../ir/index.ts";
import { parseArguments } from "../arguments.ts";
import { isForeignBlock } from "../foreign.ts";
import { fitIdentifier } from "../safe-name.ts";
import type { ModelFacts } from "../type.ts";
import { type FunctionResponse, ID, NAME_LIMIT, type Place, ownFields, reportForeign } from "./body.ts";
import { encodeMedia } from "./media.ts";
import { createPartWriter, encodeCall, isCall, textPartOf } from "./part-encode.ts";
import { NO_SIGNATURE, keptPart } from "./part.ts";
import { isForeign, saysSomething } from "../seal.ts";
import { objectOf, textOf } from "../json-read.ts";

interface Content {
  role: "user" | "model";
  /** The canonical role: results of tools stand in a content of their own. */
  from: Message["role"];
  parts: JsonObject[];
  /** Own fields of the content beside role and parts. */
  fields: JsonObject;
  /** Made of several messages. */
  isJoined: boolean;
}

interface Target extends Omit<Place, "path"> {
  /** The tool's name of every call, by the call's id; of calls with one id the name of the last that was gone through. */
  names: Map<string, string>;
  takesMediaResults: boolean;
}

/**
 * Canonical messages as instruction and contents. Instructions that stand later in the conversation are hoisted and reported; neighbours of
 * one role are one content, as Google wants all results of a turn together.
 */
export function encodeConversation(
  request: Request,
  facts: ModelFacts,
  dropped: string[],
): { instruction: JsonObject[]; contents: JsonObject[] } {
  const target: Target = {
    dropped,
    isOwn: request.extra[ID] !== undefined,
    names: listNames(request.messages),
    takesMediaResults: facts.takesMediaResults === true,
  };
  const instruction: JsonObject[] = [];
  const contents: Content[] = [];
  const last = { index: -1, count: 0 };
  for (const [index, message] of request.messages.entries()) {
    const parts = encodeMessage(message, index, target);
    if (message.role !== "system" && message.role !== "developer") {
      appendContent(contents, message, parts, target.isOwn);
      continue;
    }
    if (contents.length > 0) dropped.push(`messages[${index}].role`);
    if (parts.length > 0) Object.assign(last, { index, count: parts.length });
    instruction.push(...parts);
  }
  if (contents.length === 0 && last.count > 0) {
    // A conversation of instructions alone: the last one is what the model has to answer.
    contents.push({ role: "user", from: "user", parts: instruction.splice(-last.count), fields: {}, isJoined: false });
    dropped.push(`messages[${last.index}].role`);
  }
  if (contents.length === 0) {
    throw invalidRequest("messages: at least one message with content is required", "messages");
  }
  contents.forEach(orderResults);
  if (facts.reasoning === "effort") contents.forEach(signFirstCall);
  return { instruction, contents: contents.map(({ role, parts, fields }) => ({ ...fields, role, parts })) };
}

function listNames(messages: readonly Message[]): Map<string, string> {
  const calls = messages.flatMap(({ parts }) => parts.filter((part) => part.type === "tool-call"));
  return new Map(calls.map(({ id, name }) => [id, name]));
}

function encodeMessage(message: Message, index: number, target: Target): JsonObject[] {
  reportForeign(message.extra, { ...target, path: `messages[${index}]` });
  const writer = createPartWriter(false);
  /** Media of results, where the model takes them beside the results only. */
  const shown: JsonObject[] = [];
  let calls = 0;
  for (const [position, part] of message.parts.entries()) {
    const path = pathOf(part, { message, index, position, calls });
    const place = { ...target, path };
    if (part.type === "text") reportText(part, place);
    else if (part.type === "reasoning" || part.type === "tool-call") reportForeign(part.extra, place);
    switch (part.type) {
      case "text": {
        const kept = keptPart(part.extra);
        if (kept !== null) writer.add(kept);
        else if (part.text !== "" || target.isOwn) writer.add(textPartOf(part.text, ownFields(part.extra)));
        break;
      }
      case "reasoning":
        // What another format's provider sealed means nothing to Google; words go all the same.
        if (isForeign(part, ID) && part.text === "" && saysSomething(part)) place.dropped.push(path);
        writer.addReasoning(part);
        break;
      case "media":
        writer.add(encodeMedia(part, place));
        break;
      case "tool-call":
        calls += 1;
        target.names.set(part.id, part.name);
        writer.add(encodeToolCall(part, place));
        break;
      case "tool-result":
        writer.add(encodeResult(part, place, shown));
        break;
      default:
        part satisfies never;
    }
    reportMark(part, place);
  }
  writer.end();
  return [...writer.parts, ...shown];
}

function pathOf(
  part: Part,
  { message, index, position, calls }: { message: Message; index: number; position: number; calls: number },
): string {
  if (part.type === "tool-call") return `messages[${index}].tool_calls[${calls}]`;
  if (part.type === "reasoning") return `messages[${index}].reasoning_content`;
  if (part.type === "tool-result" && message.parts.length === 1) return `messages[${index}]`;
  return `messages[${index}].content[${position}]`;
}

/** What no part says: a block that only another format has, and where a text was taken from, which Google tells in answers only. */
function reportText(part: TextPart, place: Place): void {
  if (!place.isOwn && isForeignBlock(part)) place.dropped.push(place.path);
  else reportForeign(part.extra, place);
  if (!place.isOwn && part.citations !== undefined) place.dropped.push(`${place.path}.citations`);
}

/** Google keeps prompts in its cache by itself; a mark asks for nothing that it could be told. */
function reportMark(part: Part, { dropped }: Place): void {
  if ("cache" in part && part.cache !== undefined) dropped.push("cache_control");
}

function encodeToolCall(part: ToolCallPart, place: Place): JsonObject {
  if (part.custom !== true && parseArguments(part.arguments) === null) {
    place.dropped.push(`${place.path}.function.arguments`);
  }
  return encodeCall(part, place.isOwn ? part.name : fitIdentifier(part.name, NAME_LIMIT));
}

function encodeResult(part: ToolResultPart, place: Place & Target, shown: JsonObject[]): JsonObject {
  reportForeign(part.extra, place);
  const { functionResponse, id, name: ownName, response: ownResponse, ...own } = ownFields(part.extra);
  const texts: string[] = [];
  const media: JsonObject[] = [];
  for (const [index, item] of part.content.entries()) {
    const path = `${place.path}.content[${index}]`;
    reportMark(item, place);
    if (item.type === "media") media.push(encodeMedia(item, { ...place, path }));
    else if (keptPart(item.extra) !== null) media.push(keptPart(item.extra) ?? {});
    else {
      reportText(item, { ...place, path });
      if (place.isOwn || !isForeignBlock(item)) texts.push(item.text);
    }
  }
  const name = textOf(ownName) || (place.names.get(part.callId) ?? part.callId);
  const isInside = place.isOwn || place.takesMediaResults;
  if (!isInside) shown.push(...media);
  const body: FunctionResponse = {
    ...(id === false ? {} : { id: part.callId }),
    name: place.isOwn ? name : fitIdentifier(name, NAME_LIMIT),
    response: encodeResponse(texts.join("\n"), part.isError, ownResponse === false),
    ...(isInside && media.length > 0 ? { parts: media } : {}),
  };
  return { functionResponse: { ...body, ...objectOf(functionResponse) }, ...own };
}

/** `isWhole` where the text is the object itself. */
function encodeResponse(text: string, isError: boolean, isWhole: boolean): JsonObject {
  const whole: Json | null = isWhole ? JSON.parse(text) : null;
  if (isJsonObject(whole)) return whole;
  return isError ? { error: text } : { output: text };
}

function appendContent(contents: Content[], message: Message, parts: JsonObject[], isOwn: boolean): void {
  if (parts.length === 0) return;
  const last = contents.at(-1);
  // A client of this format has its contents as it wrote them.
  if (!isOwn && last?.from === message.role) {
    for (const part of parts) last.parts.push(part);
    last.isJoined = true;
    return;
  }
  const role = message.role === "assistant" ? "model" : "user";
  contents.push({ role, from: message.role, parts, fields: ownFields(message.extra), isJoined: false });
}

/** Once all of a turn's results are there: done with each, it would take longer with each. */
function orderResults(content: Content): void {
  if (!content.isJoined || content.from !== "tool") return;
  content.parts = [...content.parts.filter(isResponse), ...content.parts.filter(isShown)];
}

function isResponse(part: JsonObject): boolean {
  return part["functionResponse"] !== undefined;
}

/** What a tool has to show stands behind the results of all. */
function isShown(part: JsonObject): boolean {
  return !isResponse(part);
}

/** Newer models refuse a turn whose first call has no signature: calls that another model made say that they have none. */
function signFirstCall(content: Content): void {
  const first = content.parts.findIndex(isCall);
  const call = content.parts[first];
  if (content.role !== "model" || call === undefined || call["thoughtSignature"] !== undefined) return;
  content.parts[first] = { ...call, thoughtSignature: NO_SIGNATURE };
}
