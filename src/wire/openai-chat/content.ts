// The content of messages, text and media parts, ↔ canonical parts. Knows no message, no tool and no answer.

import {
  type Extra,
  type Json,
  type JsonObject,
  type MediaPart,
  type ReasoningPart,
  type TextPart,
  isJsonObject,
} from "../../ir/index.ts";
import { missing, requireObject, requireString, wrongType, wrongValue } from "../openai-check.ts";
import { ID, asExtra, objectOf, objectsOf, omit, ownFields, textOf } from "./body.ts";

export type ContentPart = TextPart | MediaPart | ReasoningPart;

/** Where something stands in the client's request, and the set that takes what cannot be said. */
export interface Place {
  /** Such as `messages[3].content[0]`. */
  path: string;
  dropped: Set<string>;
}

const PART_TYPES = ["text", "image_url", "input_audio", "file", "refusal"] as const;
const AUDIO_TYPES: Readonly<Record<string, string>> = { mp3: "audio/mpeg", wav: "audio/wav" };

/**
 * A message's content as parts. Throws an invalid_request for a part that no canonical part can hold: leaving it out would change the
 * question.
 */
export function decodeContent(content: Json | undefined, path: string): ContentPart[] {
  if (content === undefined || content === null) return [];
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content)) throw wrongType(path, "one of a string or an array of objects", content);
  return content.map((part, index) => {
    if (!isJsonObject(part)) throw wrongType(`${path}[${index}]`, "an object", part);
    return decodePart(part, `${path}[${index}]`);
  });
}

function decodePart(part: JsonObject, path: string): ContentPart {
  switch (part["type"]) {
    case "text":
      return {
        type: "text",
        text: requireString(part, "text", `${path}.text`),
        ...asExtra(omit(part, ["type", "text"])),
      };
    case "refusal":
      return {
        type: "text",
        text: requireString(part, "refusal", `${path}.refusal`),
        ...asExtra(omit(part, ["refusal"])),
      };
    case "image_url":
      return decodeImage(part, path);
    case "input_audio":
      return decodeAudio(part, path);
    case "file":
      return decodeFile(part, path);
    case "thinking":
      return decodeThinking(part);
    case undefined:
      throw missing(`${path}.type`);
    default:
      throw wrongValue(`${path}.type`, part["type"] ?? null, PART_TYPES);
  }
}

/** Mistral's shape: reasoning among the content. */
export function decodeThinking(part: JsonObject): ReasoningPart {
  const text = objectsOf(part["thinking"])
    .map((piece) => textOf(piece["text"]))
    .join("");
  return {
    type: "reasoning",
    text: textOf(part["thinking"]) || text,
    ...asExtra({ field: "thinking", ...omit(part, ["type", "thinking"]) }),
  };
}

function decodeImage(part: JsonObject, path: string): MediaPart {
  const image = typeof part["image_url"] === "string" ? { url: part["image_url"] } : part["image_url"];
  const inner = requireObject({ image_url: image ?? null }, "image_url", `${path}.image_url`);
  const { source, mediaType } = readDataUrl(requireString(inner, "url", `${path}.image_url.url`));
  const own: JsonObject = { ...omit(part, ["type", "image_url"]), image_url: omit(inner, ["url"]) };
  return { type: "media", kind: "image", source, mediaType, ...asExtra(own) };
}

function decodeAudio(part: JsonObject, path: string): MediaPart {
  const inner = requireObject(part, "input_audio", `${path}.input_audio`);
  const format = requireString(inner, "format", `${path}.input_audio.format`);
  return {
    type: "media",
    kind: "audio",
    source: { base64: requireString(inner, "data", `${path}.input_audio.data`) },
    mediaType: AUDIO_TYPES[format] ?? `audio/${format}`,
    ...asExtra({ ...omit(part, ["type", "input_audio"]), input_audio: omit(inner, ["data", "format"]) }),
  };
}

function decodeFile(part: JsonObject, path: string): MediaPart {
  const inner = requireObject(part, "file", `${path}.file`);
  const data = textOf(inner["file_data"]);
  const id = textOf(inner["file_id"]);
  if (data === "" && id === "") throw missing(`${path}.file.file_data`);
  const known = data === "" ? { source: { fileId: id }, mediaType: null } : readFileData(data);
  const rest = omit(inner, ["filename", data === "" ? "file_id" : "file_data"]);
  return {
    type: "media",
    kind: "document",
    ...known,
    ...(typeof inner["filename"] === "string" ? { filename: inner["filename"] } : {}),
    ...asExtra({ ...omit(part, ["type", "file"]), file: rest }),
  };
}

function readFileData(data: string): Pick<MediaPart, "source" | "mediaType"> {
  if (/^(?:data|https?):/i.test(data)) return readDataUrl(data);
  return { source: { base64: data }, mediaType: null };
}

/** `data:image/png;base64,…` as its bytes; any other address as itself. */
export function readDataUrl(url: string): Pick<MediaPart, "source" | "mediaType"> {
  const comma = url.startsWith("data:") ? url.indexOf(",") : -1;
  const head = url.slice("data:".length, Math.max(comma, 0)).split(";");
  if (comma === -1 || head.at(-1)?.trim().toLowerCase() !== "base64") return { source: { url }, mediaType: null };
  return { source: { base64: url.slice(comma + 1) }, mediaType: head[0] === "" ? null : (head[0] ?? null) };
}

/** Parts as content: one plain text as a string, none as "", anything else as an array. */
export function encodeContent(parts: readonly ContentPart[], place: Place): string | JsonObject[] {
  const encoded = parts.flatMap((part, index) => encodePart(part, { ...place, path: `${place.path}[${index}]` }));
  const [only, ...more] = encoded;
  if (only === undefined) return "";
  const isPlain = more.length === 0 && only["type"] === "text" && Object.keys(only).length === 2;
  return isPlain ? textOf(only["text"]) : encoded;
}

function encodePart(part: ContentPart, place: Place): JsonObject[] {
  const own = ownFields(part.extra);
  if (part.type === "reasoning") {
    if (own["field"] !== "thinking") return [];
    return [{ type: "thinking", thinking: [{ type: "text", text: part.text }], ...omit(own, ["field"]) }];
  }
  if (part.type === "media") {
    reportForeign(part.extra, place);
    return encodeMedia(part, own, place);
  }
  // An empty text with another format's fields is a block that only that format can say.
  if (part.text === "" && hasForeign(part.extra)) {
    place.dropped.add(place.path);
    return [];
  }
  reportForeign(part.extra, place);
  if (own["type"] === "refusal") return [{ ...own, type: "refusal", refusal: part.text }];
  return [{ ...own, type: "text", text: part.text }];
}

function encodeMedia(part: MediaPart, own: JsonObject, place: Place): JsonObject[] {
  switch (part.kind) {
    case "image":
      return encodeImage(part, own, place);
    case "audio":
      return encodeAudio(part, own, place);
    case "document":
      return encodeDocument(part, own, place);
    default:
      return part.kind satisfies never;
  }
}

function encodeImage({ source, mediaType }: MediaPart, own: JsonObject, place: Place): JsonObject[] {
  if ("fileId" in source) {
    place.dropped.add(place.path);
    return [];
  }
  const url = "url" in source ? source.url : `data:${mediaType ?? "image/png"};base64,${source.base64}`;
  return [{ ...own, type: "image_url", image_url: { ...objectOf(own["image_url"]), url } }];
}

function encodeAudio({ source, mediaType }: MediaPart, own: JsonObject, place: Place): JsonObject[] {
  if (!("base64" in source) || mediaType === null) {
    place.dropped.add(place.path);
    return [];
  }
  const known = Object.entries(AUDIO_TYPES).find(([, type]) => type === mediaType)?.[0];
  const format = known ?? mediaType.replace(/^audio\/(?:x-)?/, "");
  return [
    { ...own, type: "input_audio", input_audio: { ...objectOf(own["input_audio"]), data: source.base64, format } },
  ];
}

function encodeDocument(part: MediaPart, own: JsonObject, place: Place): JsonObject[] {
  const { source, mediaType, filename } = part;
  const inner: JsonObject = { ...objectOf(own["file"]) };
  if (filename !== undefined) inner["filename"] = filename;
  if ("fileId" in source) inner["file_id"] = source.fileId;
  // OpenAI fetches no documents; a server that was sent an address by this format's client gets it back.
  else if ("url" in source && own["file"] === undefined) {
    place.dropped.add(place.path);
    return [];
  } else if ("url" in source) inner["file_data"] = source.url;
  else if (mediaType?.startsWith("text/") === true && own["file"] === undefined) {
    // Chat reads PDF only, and a text document says the same as a text.
    return [{ type: "text", text: describeText(source.base64, filename) }];
  } else {
    inner["file_data"] = mediaType === null ? source.base64 : `data:${mediaType};base64,${source.base64}`;
    // OpenAI refuses file data without a name.
    if (own["file"] === undefined) inner["filename"] ??= "document.pdf";
  }
  return [{ ...own, type: "file", file: inner }];
}

function describeText(base64: string, filename: string | undefined): string {
  const text = Buffer.from(base64, "base64").toString("utf8");
  return filename === undefined ? text : `${filename}:\n${text}`;
}

/** Names the fields that another format's client set on a part or tool. */
export function reportForeign(extra: Extra | undefined, { dropped }: Pick<Place, "dropped">): void {
  for (const [wire, fields] of Object.entries(extra ?? {})) {
    if (wire === ID) continue;
    for (const [name, value] of Object.entries(fields)) if (asksForSomething(value)) dropped.add(name);
  }
}

function hasForeign(extra: Extra | undefined): boolean {
  return Object.entries(extra ?? {}).some(([wire, fields]) => wire !== ID && Object.keys(fields).length > 0);
}

/** False for what a client may well leave out: null, false, an empty list or object. */
export function asksForSomething(value: Json): boolean {
  if (value === null || value === false) return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}
