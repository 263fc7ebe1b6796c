// Images, audio and files of messages and results ↔ canonical media parts. Knows no message.

import { type Extra, type GatewayError, type JsonObject, type MediaPart, invalidRequest } from "../../ir/index.ts";
import { missing, requireObject, requireString } from "../openai-check.ts";
import { ownFields } from "./body.ts";
import { decodeRest } from "./cache.ts";
import { objectOf, omit, textOf } from "../json-read.ts";

const AUDIO_TYPES: ReadonlyMap<string, string> = new Map([
  ["mp3", "audio/mpeg"],
  ["wav", "audio/wav"],
]);

export function decodeImage(part: JsonObject, path: string): MediaPart {
  const url = textOf(part["image_url"]) || textOf(objectOf(part["image_url"])["url"]);
  const fileId = textOf(part["file_id"]);
  if (url === "" && fileId === "") throw missing(`${path}.image_url`);
  const known = url === "" ? { source: { fileId }, mediaType: null } : readDataUrl(url);
  const { detail } = part;
  const look: Pick<MediaPart, "detail"> = detail === "high" || detail === "low" ? { detail } : {};
  const read = ["type", "image_url", "file_id", ...Object.keys(look)];
  return { type: "media", kind: "image", ...known, ...look, ...decodeRest(noteAuto(part), read) };
}

/** `auto` is what happens anyway; false cannot come from a client and notes that it was said. */
function noteAuto(part: JsonObject): JsonObject {
  return part["detail"] === "auto" ? { ...part, detail: false } : part;
}

export function decodeAudio(part: JsonObject, path: string): MediaPart {
  const inner = requireObject(part, "input_audio", `${path}.input_audio`);
  const format = requireString(inner, "format", `${path}.input_audio.format`);
  return {
    type: "media",
    kind: "audio",
    source: { base64: requireString(inner, "data", `${path}.input_audio.data`) },
    mediaType: AUDIO_TYPES.get(format) ?? `audio/${format}`,
    ...decodeRest(part, ["type", "input_audio"]),
  };
}

export function decodeFile(part: JsonObject, path: string): MediaPart {
  const data = textOf(part["file_data"]);
  const url = textOf(part["file_url"]);
  const fileId = textOf(part["file_id"]);
  if (data === "" && url === "" && fileId === "") throw missing(`${path}.file_data`);
  return {
    type: "media",
    kind: "document",
    ...readFile({ data, url, fileId }),
    ...(typeof part["filename"] === "string" ? { filename: part["filename"] } : {}),
    ...decodeRest(noteAuto(part), ["type", "file_data", "file_url", "file_id", "filename"]),
  };
}

function readFile(file: { data: string; url: string; fileId: string }): Pick<MediaPart, "source" | "mediaType"> {
  if (file.data !== "") {
    return /^data:/i.test(file.data) ? readDataUrl(file.data) : { source: { base64: file.data }, mediaType: null };
  }
  return { source: file.url === "" ? { fileId: file.fileId } : { url: file.url }, mediaType: null };
}

/** `data:image/png;base64,…` as its bytes; any other address as itself. */
function readDataUrl(url: string): Pick<MediaPart, "source" | "mediaType"> {
  const match = /^data:([^;,]*)[^,]*;base64,/i.exec(url);
  if (match === null) return { source: { url }, mediaType: null };
  const mediaType = match[1] === undefined || match[1] === "" ? null : match[1];
  return { source: { base64: url.slice(match[0].length) }, mediaType };
}

/** Media as a content part. Throws an invalid_request where leaving it out would change the question. */
export function encodeMedia(part: MediaPart, place: { path: string; isOwn: boolean }): JsonObject {
  if ("fileId" in part.source && !place.isOwn) {
    throw unsaid(place.path, "a file kept at another provider. Send its data");
  }
  switch (part.kind) {
    case "image":
      return encodeImage(part, place.isOwn);
    case "audio":
      return encodeAudio(part, place.path);
    case "document":
      return encodeDocument(part, place.isOwn);
    default:
      return part.kind satisfies never;
  }
}

function unsaid(path: string, what: string): GatewayError {
  return invalidRequest(`${path}: this model cannot read ${what}.`, path);
}

function encodeImage({ source, mediaType, detail, extra }: MediaPart, isOwn: boolean): JsonObject {
  const body: JsonObject = {
    ...omit(ownFields(extra), ["detail"]),
    type: "input_image",
    ...(detail === undefined ? encodeDetail(extra, isOwn) : { detail }),
  };
  if ("fileId" in source) return { ...body, file_id: source.fileId };
  const url = "url" in source ? source.url : `data:${mediaType ?? "image/png"};base64,${source.base64}`;
  return { ...body, image_url: url };
}

/** `auto` for clients that know no detail: the field is required of images. */
function encodeDetail(extra: Extra | undefined, isOwn: boolean): JsonObject {
  const detail = ownFields(extra)["detail"];
  if (typeof detail === "string") return { detail };
  return detail === false || !isOwn ? { detail: "auto" } : {};
}

function encodeAudio({ source, mediaType, extra }: MediaPart, path: string): JsonObject {
  if (!("base64" in source)) throw unsaid(path, "audio by its address. Send its data");
  if (mediaType === null) throw unsaid(path, "audio without its media type, such as audio/wav");
  const known = [...AUDIO_TYPES].find(([, type]) => type === mediaType)?.[0];
  const format = known ?? mediaType.replace(/^audio\/(?:x-)?/, "");
  return { ...ownFields(extra), type: "input_audio", input_audio: { data: source.base64, format } };
}

function encodeDocument(part: MediaPart, isOwn: boolean): JsonObject {
  const { source, mediaType, filename, extra } = part;
  const body: JsonObject = { ...omit(ownFields(extra), ["detail"]), type: "input_file" };
  if (isOwn) Object.assign(body, encodeDetail(extra, isOwn));
  if (filename !== undefined) body["filename"] = filename;
  if ("fileId" in source) return { ...body, file_id: source.fileId };
  if ("url" in source) return { ...body, file_url: source.url };
  // A text document says the same as a text, which every model reads.
  if (isTextDocument(part) && !isOwn) return { type: "input_text", text: describeText(source.base64, filename) };
  body["file_data"] = mediaType === null ? source.base64 : `data:${mediaType};base64,${source.base64}`;
  // OpenAI refuses file data without a name.
  if (!isOwn) body["filename"] ??= "document.pdf";
  return body;
}

function isTextDocument({ source, mediaType }: MediaPart): boolean {
  if (!("base64" in source)) return false;
  return mediaType?.startsWith("text/") === true || mediaType === "application/json";
}

function describeText(base64: string, filename: string | undefined): string {
  const text = Buffer.from(base64, "base64").toString("utf8");
  return filename === undefined ? text : `${filename}:\n${text}`;
}
