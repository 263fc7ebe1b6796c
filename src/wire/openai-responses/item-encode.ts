// Canonical messages → the items of a request's input; the other direction is item.ts. Knows no parameters.

import type { JsonObject, Message, Part, TextPart, Tool, ToolCallPart, ToolResultPart } from "../../ir/index.ts";
import { ownFields } from "./body.ts";
import { type ContentPart, type Place, type Target, encodeContent, reportForeign } from "./content.ts";
import { encodeGenerated, keptItem } from "./kept.ts";
import { splitName } from "./namespace.ts";
import { returnReasoning } from "./reasoning.ts";
import { listPlaces, listPositions } from "../positions.ts";
import { saysSomething } from "../seal.ts";

/** `instructions` where this format's client said some, and `input`. */
export function encodeInput(
  messages: readonly Message[],
  tools: readonly Tool[],
  target: Target,
): { instructions?: string; input: JsonObject[] } {
  const customCalls = new Set<string>();
  const input: JsonObject[] = [];
  let instructions: string | undefined;
  for (const [index, message] of messages.entries()) {
    const place: Place = { ...target, path: `messages[${index}]` };
    reportForeign(message.extra, place);
    if (ownFields(message.extra)["instructions"] === false) instructions = joinText(message);
    else if (message.role === "assistant") input.push(...encodeAnswer(message, { place, tools, customCalls }));
    else input.push(...encodeMessage(message, place, customCalls));
  }
  return instructions === undefined ? { input } : { instructions, input };
}

function joinText({ parts }: Message): string {
  return parts.map((part) => (part.type === "text" ? part.text : "")).join("\n\n");
}

/** Results first, each an item of its own; then what was said, with media from users only. */
function encodeMessage(message: Message, place: Place, customCalls: ReadonlySet<string>): JsonObject[] {
  const results = message.parts.filter((part) => part.type === "tool-result");
  const places = listPlaces<Part>(place.path, message.parts, results);
  const items = results.map((result, index) => {
    const path = places[index] ?? place.path;
    return encodeResult(result, { ...place, path }, customCalls);
  });
  const isInstruction = message.role === "system" || message.role === "developer";
  const said: ContentPart[] = [];
  for (const [index, part] of message.parts.entries()) {
    if (part.type !== "text" && part.type !== "media") continue;
    const kept = keptItem(part.extra);
    if (kept !== null) items.push(kept);
    else if (part.type === "media" && isInstruction && !place.isOwn)
      place.dropped.add(`${place.path}.content[${index}]`);
    else said.push(part);
  }
  // An instruction of nothing set something else, or a block that only its own format has.
  if (said.length === 0 && (items.length > 0 || (isInstruction && !place.isOwn))) return items;
  const role = message.role === "tool" ? "user" : message.role;
  const positions = listPositions<Part>(message.parts, said);
  const content = encodeContent(said, { ...place, path: `${place.path}.content`, positions });
  const own = results.length > 0 ? {} : ownFields(message.extra);
  return [...items, { ...own, role, content }];
}

function encodeResult(result: ToolResultPart, place: Place, customCalls: ReadonlySet<string>): JsonObject {
  if (result.isError && !place.isOwn) place.dropped.add("is_error");
  if (result.cache !== undefined) place.dropped.add("cache_control");
  reportForeign(result.extra, place);
  return {
    ...ownFields(result.extra),
    type: customCalls.has(result.callId) ? "custom_tool_call_output" : "function_call_output",
    call_id: place.fitId(result.callId),
    output: encodeContent(result.content, { ...place, path: `${place.path}.content` }),
  };
}

interface AnswerContext {
  place: Place;
  tools: readonly Tool[];
  customCalls: Set<string>;
}

/** What the model said in one turn as items in its order; texts that stand together are one message. */
function encodeAnswer(message: Message, context: AnswerContext): JsonObject[] {
  const { place } = context;
  const items: JsonObject[] = [];
  let texts: TextPart[] = [];
  const flush = (): void => {
    const positions = listPositions<Part>(message.parts, texts);
    if (texts.length > 0) items.push(...encodeTexts(texts, { ...place, positions }));
    texts = [];
  };
  for (const [index, part] of message.parts.entries()) {
    if (part.type === "text" && keptItem(part.extra) === null) {
      // Other formats demand a text, be it empty, beside calls.
      if (part.text === "" && part.extra === undefined && !place.isOwn) continue;
      if (phaseOf(part) !== phaseOf(texts[0] ?? part)) flush();
      texts.push(part);
      continue;
    }
    flush();
    items.push(...encodeAnswerPart(part, `${place.path}.content[${index}]`, context));
  }
  flush();
  return place.isOwn ? items : dropDangling(items, place);
}

/** Reasoning behind which nothing follows is refused: the answer was cut there, or is another format's. */
function dropDangling(items: JsonObject[], { path, dropped }: Place): JsonObject[] {
  const last = items.findLastIndex((item) => item["type"] !== "reasoning");
  const rest = items.slice(last + 1);
  if (rest.some((item) => Array.isArray(item["summary"]) && item["summary"].length > 0)) dropped.add(`${path}.content`);
  return items.slice(0, last + 1);
}

function phaseOf(part: TextPart): string {
  return JSON.stringify(ownFields(part.extra)["phase"] ?? null);
}

function encodeTexts(texts: TextPart[], place: Place): JsonObject[] {
  const phase = ownFields(texts[0]?.extra)["phase"];
  const content = encodeContent(texts, { ...place, path: `${place.path}.content` }, "output_text");
  if (content.length === 0) return [];
  return [{ type: "message", role: "assistant", ...(phase === undefined ? {} : { phase }), content }];
}

function encodeAnswerPart(part: Part, path: string, { place, tools, customCalls }: AnswerContext): JsonObject[] {
  switch (part.type) {
    case "text": {
      const kept = keptItem(part.extra);
      return kept === null ? [] : [kept];
    }
    case "reasoning": {
      const item = returnReasoning(part);
      if (item === null && saysSomething(part)) place.dropped.add(path);
      return item === null ? [] : [item];
    }
    case "tool-call":
      reportForeign(part.extra, { ...place, path });
      if (part.cache !== undefined) place.dropped.add("cache_control");
      if (part.custom === true) customCalls.add(part.id);
      return [encodeCall(part, tools, place)];
    case "media": {
      const item = place.isOwn ? encodeGenerated(part, "") : "";
      if (typeof item === "object") return [item];
      place.dropped.add(path);
      return [];
    }
    case "tool-result":
      place.dropped.add(path);
      return [];
    default:
      return part satisfies never;
  }
}

function encodeCall(part: ToolCallPart, tools: readonly Tool[], { isOwn, fitId, fitName }: Place): JsonObject {
  const own = ownFields(part.extra);
  const named = isOwn ? splitName(part.name, tools) : { name: fitName(part.name) };
  const head = { ...own, call_id: fitId(part.id), ...named };
  if (part.custom === true) return { ...head, type: "custom_tool_call", input: part.arguments };
  return { ...head, type: "function_call", arguments: part.arguments };
}
