// Images, audio and files of messages ↔ canonical media parts, and the addresses that hold their data. Knows no message.

import { type GatewayError, type JsonObject, type MediaPart, invalidRequest } from "../../ir/index.ts";
import { missing, requireObject, requireString } from "../openai-check.ts";
import { ownFields } from "./body.ts";
import { decodeRest } from "./cache.ts";
import { objectOf, omit, textOf } from "../json-read.ts";

const AUDIO_TYPES: ReadonlyMap<string, string> = new Map([
  ["mp3", "audio/mpeg"],
  ["wav", "audio/wav"],
]);

export function decodeImage(part: JsonObject, path: string): MediaPart {
  const image = typeof part["image_url"] === "string" ? { url: part["image_url"] } : part["image_url"];
  const inner = requireObject({ image_url: image ?? null }, "image_url", `${path}.image_url`);
  const { source, mediaType } = readDataUrl(requireString(inner, "url", `${path}.image_url.url`));
  const { detail } = inner;
  const known: Pick<MediaPart, "detail"> = detail === "high" || detail === "low" ? { detail } : {};
  const innerRest = omit(inner, ["url", ...Object.keys(known)]);
  const rest = { ...omit(part, ["type", "image_url"]), image_url: innerRest };
  return { type: "media", kind: "image", source, mediaType, ...known, ...decodeRest(rest, []) };
}

export function decodeAudio(part: JsonObject, path: string): MediaPart {
  const inner = requireObject(part, "input_audio", `${path}.input_audio`);
  const format = requireString(inner, "format", `${path}.input_audio.format`);
  const rest = { ...omit(part, ["type", "input_audio"]), input_audio: omit(inner, ["data", "format"]) };
  return {
    type: "media",
    kind: "audio",
    source: { base64: requireString(inner, "data", `${path}.input_audio.data`) },
    mediaType: AUDIO_TYPES.get(format) ?? `audio/${format}`,
    ...decodeRest(rest, []),
  };
}

export function decodeFile(part: JsonObject, path: string): MediaPart {
  const inner = requireObject(part, "file", `${path}.file`);
  const data = textOf(inner["file_data"]);
  const id = textOf(inner["file_id"]);
  if (data === "" && id === "") throw missing(`${path}.file.file_data`);
  const known = data === "" ? { source: { fileId: id }, mediaType: null } : readFileData(data);
  const innerRest = omit(inner, ["filename", data === "" ? "file_id" : "file_data"]);
  return {
    type: "media",
    kind: "document",
    ...known,
    ...(typeof inner["filename"] === "string" ? { filename: inner["filename"] } : {}),
    ...decodeRest({ ...omit(part, ["type", "file"]), file: innerRest }, []),
  };
}

function readFileData(data: string): Pick<MediaPart, "source" | "mediaType"> {
  if (/^(?:data|https?):/i.test(data)) return readDataUrl(data);
  return { source: { base64: data }, mediaType: null };
}

/** `data:image/png;base64,…` and `data:text/plain,…` as their bytes; any other address as itself. */
export function readDataUrl(url: string): Pick<MediaPart, "source" | "mediaType"> {
  const comma = /^data:/i.test(url) ? url.indexOf(",") : -1;
  if (comma === -1) return { source: { url }, mediaType: null };
  const head = url.slice("data:".length, comma).split(";");
  const mediaType = head[0] === undefined || head[0] === "" ? null : head[0];
  const data = url.slice(comma + 1);
  if (head.at(-1)?.trim().toLowerCase() === "base64") return { source: { base64: data }, mediaType };
  const bytes = decodePercent(data);
  if (bytes === null) return { source: { url }, mediaType: null };
  return { source: { base64: bytes.toString("base64") }, mediaType: mediaType ?? "text/plain" };
}

function decodePercent(text: string): Buffer | null {
  if (/%(?![0-9a-f]{2})/i.test(text)) return null;
  const bytes = [...text.matchAll(/%([0-9a-f]{2})|[^%]+/gi)].map(([whole, hex]) =>
    hex === undefined ? Buffer.from(whole, "utf8") : Buffer.from([Number.parseInt(hex, 16)]),
  );
  return Buffer.concat(bytes);
}

/** Media as a content part. Throws an invalid_request where leaving it out would change the question. */
export function encodeMedia(part: MediaPart, place: { path: string; isOwn: boolean }): JsonObject {
  const own = ownFields(part.extra);
  if ("fileId" in part.source && !place.isOwn) {
    throw unsaid(place.path, "a file kept at another provider. Send its data");
  }
  switch (part.kind) {
    case "image":
      return encodeImage(part, own, place.path);
    case "audio":
      return encodeAudio(part, own, place.path);
    case "document":
      return encodeDocument(part, own, place.path);
    default:
      return part.kind satisfies never;
  }
}

function unsaid(path: string, what: string): GatewayError {
  return invalidRequest(`${path}: this model cannot read ${what}.`, path);
}

function encodeImage({ source, mediaType, detail }: MediaPart, own: JsonObject, path: string): JsonObject {
  if ("fileId" in source) throw unsaid(path, "an image by the id of a file. Send its data");
  const url = "url" in source ? source.url : `data:${mediaType ?? "image/png"};base64,${source.base64}`;
  return {
    ...own,
    type: "image_url",
    image_url: { ...objectOf(own["image_url"]), ...(detail === undefined ? {} : { detail }), url },
  };
}

function encodeAudio({ source, mediaType }: MediaPart, own: JsonObject, path: string): JsonObject {
  if (!("base64" in source)) throw unsaid(path, "audio by its address. Send its data");
  if (mediaType === null) throw unsaid(path, "audio without its media type, such as audio/wav");
  const known = [...AUDIO_TYPES].find(([, type]) => type === mediaType)?.[0];
  const format = known ?? mediaType.replace(/^audio\/(?:x-)?/, "");
  return { ...own, type: "input_audio", input_audio: { ...objectOf(own["input_audio"]), data: source.base64, format } };
}

function encodeDocument(part: MediaPart, own: JsonObject, path: string): JsonObject {
  const { source, mediaType, filename } = part;
  const inner: JsonObject = { ...objectOf(own["file"]) };
  const isForeign = own["file"] === undefined;
  if (filename !== undefined) inner["filename"] = filename;
  if ("fileId" in source) return { ...own, type: "file", file: { ...inner, file_id: source.fileId } };
  if ("url" in source) {
    if (isForeign) throw unsaid(path, "a document by its address. Send its data");
    return { ...own, type: "file", file: { ...inner, file_data: source.url } };
  }
  // Chat reads PDF only, and a text document says the same as a text.
  if (isTextDocument(part) && isForeign) return { type: "text", text: describeText(source.base64, filename) };
  inner["file_data"] = mediaType === null ? source.base64 : `data:${mediaType};base64,${source.base64}`;
  // OpenAI refuses file data without a name.
  if (isForeign) inner["filename"] ??= "document.pdf";
  return { ...own, type: "file", file: inner };
}

/** True for a document that can be said in words. */
export function isTextDocument({ kind, source, mediaType }: MediaPart): boolean {
  if (kind !== "document" || !("base64" in source)) return false;
  return mediaType?.startsWith("text/") === true || mediaType === "application/json";
}

function describeText(base64: string, filename: string | undefined): string {
  const text = Buffer.from(base64, "base64").toString("utf8");
  return filename === undefined ? text : `${filename}:\n${text}`;
}
