// Canonical messages → the messages of a chat request; the other direction is message.ts. Knows no parameters.

import type {
  JsonObject,
  Message,
  Part,
  ReasoningPart,
  TextPart,
  MediaPart,
  ToolCallPart,
  ToolResultPart,
} from "../../ir/index.ts";
import { wrapInput } from "../custom-tool.ts";
import { type CustomCall, type FunctionCall, asExtra, ownFields } from "./body.ts";
import { encodeMark, encodePartMark } from "./cache.ts";
import { type ContentPart, type Place, type Target, encodeContent, hasForeign, reportForeign } from "./content.ts";
import { isTextDocument } from "./media.ts";
import { addCallSignature, encodeReasoning, listCallSeals } from "./reasoning.ts";
import { listPlaces, listPositions } from "../positions.ts";
import { saysSomething } from "../seal.ts";
import { objectOf, objectsOf } from "../json-read.ts";

/** Canonical messages in this format's order. Reasoning goes back only where this format wrote it, or the server wants it. */
export function encodeMessages(messages: readonly Message[], target: Target): JsonObject[] {
  const encoded: JsonObject[] = [];
  /** Images that tools returned: Chat takes them from users only, and only behind all results of the turn. */
  let shown: JsonObject[] = [];
  const flush = (): void => {
    if (shown.length > 0) encoded.push({ role: "user", content: shown });
    shown = [];
  };
  for (const { index, message } of target.isOwn ? number(messages) : placeResults(number(messages))) {
    const place: Place = { ...target, path: `messages[${index}]` };
    reportForeign(message.extra, target);
    if (message.role === "assistant") {
      flush();
      const said = encodeAssistant(message, place);
      // Of a turn in which only the other format's own server spoke there is nothing to send.
      if (!isUnsaid(message)) encoded.push(said);
      continue;
    }
    const results = message.parts.filter((part) => part.type === "tool-result");
    const own = ownFields(message.extra);
    const places = listPlaces<Part>(place.path, message.parts, results);
    for (const [position, result] of results.entries()) {
      const at = { ...place, path: places[position] ?? place.path };
      encoded.push(encodeResult(result, position === 0 ? own : {}, at));
      shown.push(...encodeShown(result, at));
    }
    const rest = listContent(message, place);
    if (rest.length === 0 && (results.length > 0 || (!target.isOwn && message.parts.length === 0))) continue;
    flush();
    const role = message.role === "tool" ? "user" : message.role;
    const positions = listPositions<Part>(message.parts, rest);
    const content = encodeContent(rest, { ...place, path: `${place.path}.content`, positions });
    encoded.push({ ...(results.length > 0 ? {} : own), role, content });
  }
  flush();
  return encoded;
}

interface Numbered {
  index: number;
  message: Message;
}

function number(messages: readonly Message[]): Numbered[] {
  return messages.map((message, index) => ({ index, message }));
}

/** Results directly behind the calls they answer, where another format let something stand between. */
function placeResults(messages: Numbered[]): Numbered[] {
  const ordered: Numbered[] = [];
  const others: Numbered[] = [];
  for (const numbered of messages) {
    const { role, parts } = numbered.message;
    if (role === "assistant") ordered.push(...others.splice(0));
    const isResult = role === "assistant" || parts.some((part) => part.type === "tool-result");
    if (isResult) ordered.push(numbered);
    else others.push(numbered);
  }
  return [...ordered, ...others];
}

/** Text and media; OpenAI takes media from users only. */
function listContent(message: Message, { path, dropped, isOwn }: Place): (TextPart | MediaPart)[] {
  const isInstruction = message.role === "system" || message.role === "developer";
  return message.parts.flatMap((part, index) => {
    if (part.type !== "text" && part.type !== "media") return [];
    if (part.type === "text" || !isInstruction || isOwn) return [part];
    dropped.add(`${path}.content[${index}]`);
    return [];
  });
}

function isUnsaid({ parts }: Message): boolean {
  return parts.length > 0 && parts.every((part) => part.type === "text" && part.text === "" && hasForeign(part.extra));
}

function encodeAssistant(message: Message, place: Place): JsonObject {
  const path = `${place.path}.content`;
  const content: ContentPart[] = [];
  const reasoning: ReasoningPart[] = [];
  const fields: JsonObject = {};
  const calls: ToolCallPart[] = [];
  const seals = listCallSeals(message.parts);
  for (const [index, part] of message.parts.entries()) {
    const own = ownFields(part.extra);
    if (part.type === "tool-call") calls.push(part);
    else if (part.type === "text" && own["field"] === "refusal") fields["refusal"] = part.text;
    else if (part.type === "text") content.push(part);
    else if (part.type === "reasoning" && own["field"] === "thinking") content.push(part);
    else if (part.type === "reasoning" && returnsPart(part, place)) reasoning.push(part);
    // Media and results: an assistant cannot say them here.
    else if (part.type !== "reasoning" || saysSomething(part)) place.dropped.add(`${path}[${index}]`);
  }
  const own = ownFields(message.extra);
  Object.assign(fields, encodeThoughts(reasoning, seals, place), encodeCalls(calls, seals, place));
  const saysOtherwise = calls.length > 0 || fields["refusal"] !== undefined || own["audio"] !== undefined;
  const positions = listPositions<Part>(message.parts, content);
  const encoded =
    content.length === 0 && saysOtherwise ? null : encodeContent(content, { ...place, path, positions }, "");
  return { ...own, role: "assistant", content: encoded, ...fields };
}

/** Reasoning that this format's client brought goes back to such a server; other only as far as the server wants it. */
function returnsPart(part: ReasoningPart, { returnsReasoning }: Target): boolean {
  if (ownFields(part.extra)["field"] !== undefined) return true;
  if (returnsReasoning === "content") return part.text !== "";
  return returnsReasoning !== null;
}

function encodeThoughts(parts: ReasoningPart[], seals: Map<string, ReasoningPart>, target: Target): JsonObject {
  const own = parts.filter((part) => !["call", undefined].includes(readField(part)));
  const foreign = parts.filter((part) => readField(part) === undefined);
  if (own.length > 0 || target.returnsReasoning === null) {
    return encodeReasoning(own, new Map([...seals].map(([id, seal]) => [target.fitId(id), seal])));
  }
  if (target.returnsReasoning === "content") {
    const text = foreign.map((part) => part.text).join("");
    return text === "" ? {} : { reasoning_content: text };
  }
  if (target.returnsReasoning === "signatures") return {};
  const detailed = foreign.map((part) => ({ ...part, ...asExtra({ field: "reasoning_details" }) }));
  const places = new Map(foreign.map((part, index) => [part, index]));
  const renamed = new Map(
    [...seals].flatMap(([id, seal]) => {
      const part = detailed[places.get(seal) ?? -1];
      return part === undefined ? [] : [[target.fitId(id), part] as const];
    }),
  );
  return encodeReasoning(detailed, renamed);
}

function readField(part: ReasoningPart): string | undefined {
  const field = ownFields(part.extra)["field"];
  return typeof field === "string" ? field : undefined;
}

function encodeCalls(parts: ToolCallPart[], seals: ReadonlyMap<string, ReasoningPart>, place: Place): JsonObject {
  const calls: JsonObject[] = [];
  const fields: JsonObject = {};
  for (const part of parts) {
    reportForeign(part.extra, place);
    const own = ownFields(part.extra);
    if (own["function_call"] === true) {
      fields["function_call"] = { name: part.name, arguments: part.arguments };
      continue;
    }
    const seal = seals.get(part.id);
    const isSigned = seal !== undefined && (readField(seal) !== undefined || place.returnsReasoning === "signatures");
    const fitted = fitCall(part, place);
    calls.push({
      ...encodeCall(fitted, addCallSignature(own, isSigned ? seal.encrypted : undefined)),
      ...encodeMark(part.cache, place),
    });
  }
  if (calls.length > 0) fields["tool_calls"] = calls;
  return fields;
}

/** Most servers know functions only, so a foreign client's calls of free-text tools are told as such. */
function fitCall(part: ToolCallPart, { isOwn, fitId, fitName }: Target): ToolCallPart {
  const { custom, ...call } = { ...part, id: fitId(part.id), name: fitName(part.name) };
  if (custom !== true) return call;
  return isOwn ? { ...call, custom } : { ...call, arguments: wrapInput(part.arguments) };
}

/** A call with all that this format's own side said of it. */
export function encodeCall({ id, name, arguments: text, custom }: ToolCallPart, own: JsonObject): JsonObject {
  if (custom === true) {
    const call: CustomCall = { id, type: "custom", custom: { name, input: text } };
    return { ...own, ...call };
  }
  const call: FunctionCall = { id, type: "function", function: { name, arguments: text } };
  return { ...own, ...call };
}

function encodeResult(result: ToolResultPart, own: JsonObject, place: Place): JsonObject {
  if (result.isError) place.dropped.add("is_error");
  reportForeign(result.extra, place);
  const moved = new Set(listShown(result));
  const kept = result.content.filter((part) => !moved.has(part));
  const positions = listPositions<TextPart | MediaPart>(result.content, kept);
  const content = encodeContent(kept, { ...place, path: `${place.path}.content`, positions });
  const { noted, ...fields } = own;
  if (own["role"] === "function") return { ...fields, ...objectOf(noted), content };
  const text = content === "" && moved.size > 0 ? "The result is shown in the next message." : content;
  const marked = markLast(text, encodePartMark(result.cache, {}, place));
  return { ...fields, ...objectOf(noted), role: "tool", tool_call_id: place.fitId(result.callId), content: marked };
}

function encodeShown(result: ToolResultPart, place: Place): JsonObject[] {
  const media = listShown(result);
  const positions = listPositions<TextPart | MediaPart>(result.content, media);
  return objectsOf(encodeContent(media, { ...place, path: `${place.path}.content`, positions }));
}

/** Servers read the mark from a part, so a string becomes one. */
function markLast(content: string | JsonObject[], mark: JsonObject): string | JsonObject[] {
  if (Object.keys(mark).length === 0 || content === "") return content;
  if (typeof content === "string") return [{ type: "text", text: content, ...mark }];
  return content.map((part, index) => (index === content.length - 1 ? { ...part, ...mark } : part));
}

/** The media of a result that this format's own client did not put there itself, and that no words can say. */
function listShown(result: ToolResultPart): (TextPart | MediaPart)[] {
  return result.content.filter(
    (part) => part.type === "media" && Object.keys(ownFields(part.extra)).length === 0 && !isTextDocument(part),
  );
}
