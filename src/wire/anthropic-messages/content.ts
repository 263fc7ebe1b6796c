// Content blocks ↔ canonical parts, one at a time, for requests and answers alike. Knows no message and no order of messages.

import {
  type Extra,
  type JsonObject,
  type MediaPart,
  type Part,
  type ReasoningPart,
  type TextPart,
  type ToolCallPart,
  type ToolResultPart,
  isJsonObject,
} from "../../ir/index.ts";
import { parseArguments } from "../arguments.ts";
import { fitName } from "../safe-name.ts";
import { type TextBlock, type ToolResultBlock, type ToolUseBlock, asExtra, ownFields } from "./body.ts";
import { decodeRest, encodeRest } from "./cache.ts";
import { decodeCitation, encodeCitation, isOwnCitation } from "./citation.ts";
import { type Place, decodeMedia, decodeSearchResult, encodeMedia, reportForeign } from "./media.ts";
import { decodeRedacted, decodeThinking, encodeSigned } from "./reasoning.ts";
import { saysSomething } from "../seal.ts";
import { textOf } from "../json-read.ts";

/** The longest name of a tool, and the longest id of a call that we make. */
export const NAME_LIMIT = 128;

/**
 * Any content block as a part. Blocks that only this format has (server tools, what is yet to come) become an empty text part that carries
 * the block verbatim, so that `encodePart` gives it back and no other format takes it for a tool call.
 */
export function decodeBlock(block: JsonObject): Part {
  switch (block["type"]) {
    case "text":
      return decodeText(block);
    case "thinking":
      return decodeThinking(block);
    case "redacted_thinking":
      return decodeRedacted(block);
    case "tool_use":
      return {
        type: "tool-call",
        id: textOf(block["id"]),
        name: textOf(block["name"]),
        arguments: JSON.stringify(block["input"] ?? {}),
        ...decodeRest(block, ["type", "id", "name", "input"]),
      };
    case "tool_result":
      return decodeToolResult(block);
    case "image":
    case "document":
      return decodeMedia(block, block["type"]) ?? keepBlock(block);
    case "compaction":
      // The summary of what was said before, which every model must read.
      return { type: "text", text: textOf(block["content"]), ...asExtra({ block }) };
    case "search_result":
      return decodeSearchResult(block) ?? keepBlock(block);
    default:
      return keepBlock(block);
  }
}

/** A block that no other format can say: an empty text part that carries it. */
export function keepBlock(block: JsonObject): TextPart {
  return { type: "text", text: "", ...asExtra({ block }) };
}

/** The block that a part carries verbatim, or null. */
export function keptBlock(extra: Extra | undefined): JsonObject | null {
  const block = ownFields(extra)["block"];
  return isJsonObject(block) ? block : null;
}

function decodeText(block: JsonObject): TextPart {
  const list = block["citations"];
  const text = textOf(block["text"]);
  if (!Array.isArray(list)) return { type: "text", text, ...decodeRest(block, ["type", "text"]) };
  const citations = list.filter(isJsonObject).map(decodeCitation);
  const cited = citations.length === 0 ? {} : { citations };
  return { type: "text", text, ...cited, ...decodeRest(block, ["type", "text", "citations"]) };
}

function decodeToolResult(block: JsonObject): ToolResultPart {
  const content = block["content"];
  const blocks = Array.isArray(content) ? content.filter(isJsonObject) : [];
  const text = textOf(content);
  return {
    type: "tool-result",
    callId: textOf(block["tool_use_id"]),
    content: text === "" ? blocks.map(decodeResultContent) : [{ type: "text", text }],
    isError: block["is_error"] === true,
    ...decodeRest(block, ["type", "tool_use_id", "content", "is_error"]),
  };
}

function decodeResultContent(block: JsonObject): TextPart | MediaPart {
  const part = decodeBlock(block);
  return part.type === "text" || part.type === "media" ? part : keepBlock(block);
}

/**
 * A part of a request as blocks: none where Anthropic would refuse it (blank text), two where reasoning is shown and hidden at once.
 * Throws an invalid_request where leaving the part out would change what the client asks.
 */
export function encodePart(part: Part, place: Place): JsonObject[] {
  switch (part.type) {
    case "text":
      return encodeText(part, place);
    case "reasoning":
      return encodeReasoning(part, place);
    case "media":
      return [keptBlock(part.extra) ?? encodeMedia(part, place)];
    case "tool-call":
      return [encodeToolCall(part, place)];
    case "tool-result":
      return [encodeToolResult(part, place)];
    default:
      return part satisfies never;
  }
}

function encodeText(part: TextPart, place: Place): JsonObject[] {
  const kept = keptBlock(part.extra);
  if (kept !== null) return [kept];
  // Anthropic refuses text blocks that are empty or hold nothing but white space.
  if (part.text.trim() === "") {
    if (part.text === "" && part.extra !== undefined && Object.keys(part.extra).length > 0)
      place.dropped.push(place.path);
    return [];
  }
  reportForeign(part.extra, place);
  const block: TextBlock = { type: "text", text: part.text };
  const citations = part.citations?.filter(isOwnCitation) ?? [];
  if (citations.length < (part.citations?.length ?? 0)) place.dropped.push(`${place.path}.citations`);
  return [{ ...block, ...encodeRest(part), ...encodeCitations(citations) }];
}

/** `citations` of a text block, to be spread into it; nothing where there are none. */
export function encodeCitations(citations: TextPart["citations"]): JsonObject {
  const encoded = (citations ?? []).map(encodeCitation).filter((citation) => citation !== null);
  return encoded.length === 0 ? {} : { citations: encoded };
}

function encodeReasoning(part: ReasoningPart, place: Place): JsonObject[] {
  const blocks = encodeSigned(part);
  // Anthropic takes back only what it signed.
  if (blocks.length === 0 && saysSomething(part)) place.dropped.push(place.path);
  return blocks;
}

function encodeToolCall(part: ToolCallPart, place: Place): JsonObject {
  reportForeign(part.extra, place);
  const input = part.custom === true ? { input: part.arguments } : parseArguments(part.arguments);
  if (input === null) place.dropped.push(`${place.path}.function.arguments`);
  const block: ToolUseBlock = {
    type: "tool_use",
    id: fitName(part.id, NAME_LIMIT),
    name: place.isOwn ? part.name : fitName(part.name, NAME_LIMIT),
    input: input ?? { _raw: part.arguments },
  };
  return { ...block, ...encodeRest(part) };
}

function encodeToolResult(part: ToolResultPart, place: Place): JsonObject {
  reportForeign(part.extra, place);
  const content = part.content.flatMap((item, index) =>
    encodePart(item, { ...place, path: `${place.path}.content[${index}]` }),
  );
  // Call ids of other vendors may hold characters that Anthropic refuses; call and result change alike, so they still match.
  const block: ToolResultBlock = { type: "tool_result", tool_use_id: fitName(part.callId, NAME_LIMIT) };
  if (content.length > 0) block.content = content;
  if (part.isError) block.is_error = true;
  return { ...block, ...encodeRest(part) };
}
