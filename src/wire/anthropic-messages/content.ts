// Content blocks ↔ canonical parts, one at a time, for requests and answers alike. Knows no message and no order of messages.

import {
  type Extra,
  type Json,
  type JsonObject,
  type MediaPart,
  type Part,
  type ReasoningPart,
  type TextPart,
  type ToolCallPart,
  type ToolResultPart,
  invalidRequest,
  isJsonObject,
} from "../../ir/index.ts";
import {
  type DocumentSource,
  type ImageSource,
  type RedactedThinkingBlock,
  type TextBlock,
  type ThinkingBlock,
  type ToolResultBlock,
  type ToolUseBlock,
  ID,
  asExtra,
  asksForSomething,
  objectOf,
  omit,
  ownFields,
  textOf,
} from "./body.ts";

/** Where a part stands in the client's request, and the list that takes what cannot be said. */
export interface Place {
  /** Such as `messages[3].content[0]`. */
  path: string;
  dropped: string[];
}

/**
 * Any content block as a part. Blocks that only this format has (server tools, citations' sources, what is yet to come) become an empty
 * text part that carries the block verbatim, so that `encodePart` gives it back and no other format takes it for a tool call.
 */
export function decodeBlock(block: JsonObject): Part {
  switch (block["type"]) {
    case "text":
      return { type: "text", text: textOf(block["text"]), ...asExtra(omit(block, ["type", "text"])) };
    case "thinking":
      return decodeThinking(block);
    case "redacted_thinking":
      return {
        type: "reasoning",
        text: "",
        encrypted: textOf(block["data"]),
        ...asExtra(omit(block, ["type", "data"])),
      };
    case "tool_use":
      return {
        type: "tool-call",
        id: textOf(block["id"]),
        name: textOf(block["name"]),
        arguments: JSON.stringify(block["input"] ?? {}),
        ...asExtra(omit(block, ["type", "id", "name", "input"])),
      };
    case "tool_result":
      return decodeToolResult(block);
    case "image":
    case "document":
      return decodeMedia(block, block["type"]);
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

function decodeThinking(block: JsonObject): ReasoningPart {
  const signature = textOf(block["signature"]);
  return {
    type: "reasoning",
    text: textOf(block["thinking"]),
    ...(signature === "" ? {} : { signature }),
    ...asExtra(omit(block, ["type", "thinking", "signature"])),
  };
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
    ...asExtra(omit(block, ["type", "tool_use_id", "content", "is_error"])),
  };
}

function decodeResultContent(block: JsonObject): TextPart | MediaPart {
  const part = decodeBlock(block);
  return part.type === "text" || part.type === "media" ? part : keepBlock(block);
}

function decodeMedia(block: JsonObject, kind: "image" | "document"): MediaPart | TextPart {
  const source = objectOf(block["source"]);
  const known = decodeSource(source);
  if (known === null) return keepBlock(block);
  const title = textOf(block["title"]);
  return {
    type: "media",
    kind,
    ...known,
    ...(title === "" ? {} : { filename: title }),
    ...asExtra(omit(block, title === "" ? ["type", "source"] : ["type", "source", "title"])),
  };
}

function decodeSource(source: JsonObject): Pick<MediaPart, "source" | "mediaType"> | null {
  const mediaType = textOf(source["media_type"]) || null;
  switch (source["type"]) {
    case "base64":
      return { source: { base64: textOf(source["data"]) }, mediaType };
    case "text":
      return { source: { base64: Buffer.from(textOf(source["data"]), "utf8").toString("base64") }, mediaType };
    case "url":
      return { source: { url: textOf(source["url"]) }, mediaType };
    case "file":
      return { source: { fileId: textOf(source["file_id"]) }, mediaType };
    default:
      return null;
  }
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
      return encodeReasoningPart(part, place);
    case "media":
      return [encodeMedia(part, place)];
    case "tool-call":
      return [encodeToolCall(part, place)];
    case "tool-result":
      return [encodeToolResult(part, place)];
    default:
      return part satisfies never;
  }
}

/**
 * Own fields, or the cache mark that clients of other formats put into their own bodies under the same name (code editors do so whenever
 * a model is called `claude`). It is the one field read from a foreign entry: losing it costs its user the price of the whole prompt.
 */
export function ownOrCacheMark(extra: Extra | undefined): JsonObject {
  const own = ownFields(extra);
  if (own["cache_control"] !== undefined) return own;
  for (const fields of Object.values(extra ?? {})) {
    const mark = fields["cache_control"];
    if (isJsonObject(mark) && mark["type"] === "ephemeral") return { ...own, cache_control: mark };
  }
  return own;
}

/** Names what another format's client said of a message or of media beyond the canonical words; its cache marks are not lost. */
export function reportForeign(extra: Extra | undefined, { path, dropped }: Place): void {
  for (const [wire, fields] of Object.entries(extra ?? {})) {
    if (wire === ID) continue;
    for (const [name, value] of Object.entries(fields)) {
      if (name === "cache_control" || name === "role" || !asksForSomething(value)) continue;
      if (isJsonObject(value)) dropped.push(...Object.keys(value).map((inner) => `${path}.${name}.${inner}`));
      else dropped.push(`${path}.${name}`);
    }
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
  const block: TextBlock = { type: "text", text: part.text };
  return [{ ...block, ...ownOrCacheMark(part.extra) }];
}

function encodeReasoningPart(part: ReasoningPart, place: Place): JsonObject[] {
  const own = ownFields(part.extra);
  const blocks: JsonObject[] = [];
  if (part.signature !== undefined && part.signature !== "") {
    const block: ThinkingBlock = { type: "thinking", thinking: part.text, signature: part.signature };
    blocks.push({ ...block, ...own });
  }
  if (part.encrypted !== undefined) {
    const block: RedactedThinkingBlock = { type: "redacted_thinking", data: part.encrypted };
    blocks.push(blocks.length === 0 ? { ...block, ...own } : block);
  }
  // Anthropic takes back only what it signed.
  if (blocks.length === 0) place.dropped.push(place.path);
  return blocks;
}

function encodeToolCall(part: ToolCallPart, place: Place): JsonObject {
  const input = parseArguments(part.arguments);
  if (input === null) place.dropped.push(`${place.path}.function.arguments`);
  const block: ToolUseBlock = {
    type: "tool_use",
    id: safeId(part.id),
    name: part.name,
    input: input ?? { _raw: part.arguments },
  };
  return { ...block, ...ownOrCacheMark(part.extra) };
}

/** Arguments as the object that Anthropic asks for: `{}` for none, null for text that is no JSON object. */
export function parseArguments(text: string): JsonObject | null {
  if (text.trim() === "") return {};
  try {
    const value: Json = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** Call ids of other vendors may hold characters that Anthropic refuses; call and result change alike, so they still match. */
function safeId(id: string): string {
  return id.replaceAll(/[^a-zA-Z0-9_-]/g, "_");
}

function encodeToolResult(part: ToolResultPart, place: Place): JsonObject {
  const content = part.content.flatMap((item, index) =>
    encodePart(item, { path: `${place.path}.content[${index}]`, dropped: place.dropped }),
  );
  const block: ToolResultBlock = { type: "tool_result", tool_use_id: safeId(part.callId) };
  if (content.length > 0) block.content = content;
  if (part.isError) block.is_error = true;
  return { ...block, ...ownOrCacheMark(part.extra) };
}

function encodeMedia(part: MediaPart, place: Place): JsonObject {
  const { path } = place;
  reportForeign(part.extra, place);
  switch (part.kind) {
    case "audio":
      throw invalidRequest(`${path}: this model cannot listen to audio. Send a transcript as text instead.`, path);
    case "image":
      return { type: "image", source: encodeImageSource(part, path), ...ownOrCacheMark(part.extra) };
    case "document":
      return {
        type: "document",
        source: encodeDocumentSource(part, path),
        ...(part.filename === undefined ? {} : { title: part.filename }),
        ...ownOrCacheMark(part.extra),
      };
    default:
      return part.kind satisfies never;
  }
}

function encodeImageSource({ source, mediaType }: MediaPart, path: string): ImageSource {
  if ("url" in source) return { type: "url", url: source.url };
  if ("fileId" in source) return { type: "file", file_id: source.fileId };
  const type = mediaType ?? sniffMediaType(source.base64);
  if (type === null) throw invalidRequest(`${path}: the image needs its media type, such as image/png.`, path);
  // The name that many clients use is not the registered one, and is refused.
  const registered = type === "image/jpg" ? "image/jpeg" : type;
  return { type: "base64", media_type: registered, data: source.base64 };
}

function encodeDocumentSource(part: MediaPart, path: string): DocumentSource {
  const { source, mediaType } = part;
  if ("url" in source) return { type: "url", url: source.url };
  if ("fileId" in source) return { type: "file", file_id: source.fileId };
  const type = mediaType ?? sniffMediaType(source.base64);
  if (type === "application/pdf") return { type: "base64", media_type: type, data: source.base64 };
  if (type?.startsWith("text/") === true) {
    return { type: "text", media_type: "text/plain", data: Buffer.from(source.base64, "base64").toString("utf8") };
  }
  throw invalidRequest(
    `${path}: this model reads documents as PDF or plain text, not ${type ?? "unnamed data"}.`,
    path,
  );
}

/** The first bytes of the formats that Anthropic reads, in base64. */
const BASE64_STARTS = [
  ["/9j/", "image/jpeg"],
  ["iVBORw0KGgo", "image/png"],
  ["R0lGOD", "image/gif"],
  ["UklGR", "image/webp"],
  ["JVBERi", "application/pdf"],
] as const;

function sniffMediaType(base64: string): string | null {
  return BASE64_STARTS.find(([start]) => base64.startsWith(start))?.[1] ?? null;
}
