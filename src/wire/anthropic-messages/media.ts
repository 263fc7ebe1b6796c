// Images, documents and search results of a request ↔ canonical media parts, and media of other formats in an answer. Knows no message.
// Sources: https://platform.claude.com/docs/en/build-with-claude/vision and …/pdf-support

import {
  type Extra,
  type GatewayError,
  type JsonObject,
  type MediaPart,
  invalidRequest,
  isJsonObject,
} from "../../ir/index.ts";
import { type DocumentSource, type ImageSource, asExtra, ID, ownFields } from "./body.ts";
import { reportFields } from "../foreign.ts";
import { decodeRest, encodeRest } from "./cache.ts";
import { objectOf, omit, textOf } from "../json-read.ts";

/** Where a part stands in the client's request, and the list that takes what cannot be said. */
export interface Place {
  /** Such as `messages[3].content[0]`. */
  path: string;
  dropped: string[];
  /** True where the client speaks this format itself: its ids and names are the provider's to judge. */
  isOwn: boolean;
}

/** Null for a source that no canonical part can hold. */
export function decodeMedia(block: JsonObject, kind: "image" | "document"): MediaPart | null {
  const source = objectOf(block["source"]);
  const known = decodeSource(source);
  if (known === null) return null;
  const title = textOf(block["title"]);
  const { extra, ...rest } = decodeRest(block, title === "" ? ["type", "source"] : ["type", "source", "title"]);
  // A source that says more than its words is kept for the way back.
  const own = { ...objectOf(extra?.[ID]), ...(source["type"] === "content" ? { noted: { source } } : {}) };
  return {
    type: "media",
    kind,
    ...known,
    ...(title === "" ? {} : { filename: title }),
    ...rest,
    ...asExtra(own),
  };
}

function decodeSource(source: JsonObject): Pick<MediaPart, "source" | "mediaType"> | null {
  const mediaType = textOf(source["media_type"]) || null;
  switch (source["type"]) {
    case "base64":
      return { source: { base64: textOf(source["data"]) }, mediaType };
    case "text":
      return { source: toBase64(textOf(source["data"])), mediaType };
    case "url":
      return { source: { url: textOf(source["url"]) }, mediaType };
    case "file":
      return { source: { fileId: textOf(source["file_id"]) }, mediaType };
    case "content": {
      const text = readTexts(source["content"]);
      return text === null ? null : { source: toBase64(text), mediaType: "text/plain" };
    }
    default:
      return null;
  }
}

/** A `search_result` block as the text document that it is for other formats; null where it holds more than text. */
export function decodeSearchResult(block: JsonObject): MediaPart | null {
  const text = readTexts(block["content"]);
  if (text === null) return null;
  const source = textOf(block["source"]);
  const filename = textOf(block["title"]) || source;
  return {
    type: "media",
    kind: "document",
    source: toBase64(source === "" || source === filename ? text : `${source}\n\n${text}`),
    mediaType: "text/plain",
    ...(filename === "" ? {} : { filename }),
    ...asExtra({ block }),
  };
}

/** The text of a string or of text blocks; null where there is anything else. */
function readTexts(content: JsonObject[string] | undefined): string | null {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return null;
  const blocks = content.filter(isJsonObject);
  if (blocks.length < content.length || blocks.some((block) => block["type"] !== "text")) return null;
  return blocks.map((block) => textOf(block["text"])).join("\n\n");
}

function toBase64(text: string): { base64: string } {
  return { base64: Buffer.from(text, "utf8").toString("base64") };
}

/** Media as a block. Throws an invalid_request that names the place where the model cannot be shown it. */
export function encodeMedia(part: MediaPart, place: Place): JsonObject {
  const { path } = place;
  reportForeign(part.extra, place);
  if (part.detail !== undefined) place.dropped.push(`${path}.image_url.detail`);
  if ("fileId" in part.source && !place.isOwn) throw foreignFile(path);
  switch (part.kind) {
    case "audio":
      throw invalidRequest(`${path}: this model cannot listen to audio. Send a transcript as text instead.`, path);
    case "image":
      return { type: "image", source: encodeImageSource(part, path), ...encodeRest(part) };
    case "document":
      return {
        type: "document",
        source: encodeDocumentSource(part, path),
        ...(part.filename === undefined ? {} : { title: part.filename }),
        ...omit(encodeRest(part), ["noted"]),
        ...objectOf(ownFields(part.extra)["noted"]),
      };
    default:
      return part.kind satisfies never;
  }
}

/** Leaving the file out would change the question, and its id means nothing to another provider. */
function foreignFile(path: string): GatewayError {
  return invalidRequest(`${path}: this model cannot read a file kept at another provider. Send its data.`, path);
}

/** Names what another format's client said of a message or of media beyond the canonical words. */
export function reportForeign(extra: Extra | undefined, { path, dropped }: Place): void {
  const { [ID]: _own, ...foreign } = extra ?? {};
  reportFields(foreign, path, dropped);
}

function encodeImageSource({ source, mediaType }: MediaPart, path: string): ImageSource {
  if ("url" in source) return { type: "url", url: requireWebAddress(source.url, path) };
  if ("fileId" in source) return { type: "file", file_id: source.fileId };
  const type = mediaType ?? sniffMediaType(source.base64);
  if (type === null) throw invalidRequest(`${path}: the image needs its media type, such as image/png.`, path);
  // The name that many clients use is not the registered one, and is refused.
  const registered = type === "image/jpg" ? "image/jpeg" : type;
  return { type: "base64", media_type: registered, data: source.base64 };
}

function encodeDocumentSource(part: MediaPart, path: string): DocumentSource {
  const { source, mediaType } = part;
  if ("url" in source) return { type: "url", url: requireWebAddress(source.url, path) };
  if ("fileId" in source) return { type: "file", file_id: source.fileId };
  const type = mediaType ?? sniffMediaType(source.base64);
  if (type === "application/pdf") return { type: "base64", media_type: type, data: source.base64 };
  if (type?.startsWith("text/") === true || type === "application/json") {
    return { type: "text", media_type: "text/plain", data: Buffer.from(source.base64, "base64").toString("utf8") };
  }
  throw invalidRequest(
    `${path}: this model reads documents as PDF or plain text, not ${type ?? "unnamed data"}.`,
    path,
  );
}

function requireWebAddress(url: string, path: string): string {
  if (/^https?:\/\//i.test(url)) return url;
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0] ?? "no scheme";
  throw invalidRequest(
    `${path}: the address must begin with https:// or be a data: URL with base64; it has ${scheme}`,
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

/** Media in an answer, which this format has no block for, as a Markdown link that holds all of it. */
export function describeMedia(part: MediaPart): string {
  const { source } = part;
  const mark = part.kind === "image" ? "!" : "";
  if ("url" in source) return `${mark}[${part.kind}](${source.url})`;
  if ("fileId" in source) return `[${part.kind}: ${source.fileId}]`;
  return `${mark}[${part.kind}](data:${part.mediaType ?? "application/octet-stream"};base64,${source.base64})`;
}
