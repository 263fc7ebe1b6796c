// Images, documents, audio and video of a request as Converse's blocks, and media of an answer as canonical parts. Knows no message.
// Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html

import { type JsonObject, type MediaPart, invalidRequest } from "../../ir/index.ts";
import { type Source } from "./body.ts";
import { objectOf, textOf } from "../json-read.ts";

/** Converse's names of the formats that it reads, by MIME type. */
const IMAGE_FORMATS = new Map([
  ["image/gif", "gif"],
  ["image/jpeg", "jpeg"],
  ["image/jpg", "jpeg"],
  ["image/png", "png"],
  ["image/webp", "webp"],
]);

const DOCUMENT_FORMATS = new Map([
  ["application/json", "txt"],
  ["application/msword", "doc"],
  ["application/pdf", "pdf"],
  ["application/vnd.ms-excel", "xls"],
  ["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"],
  ["application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"],
  ["text/csv", "csv"],
  ["text/html", "html"],
  ["text/markdown", "md"],
  ["text/plain", "txt"],
]);

const AUDIO_FORMATS = new Map([
  ["audio/aac", "aac"],
  ["audio/flac", "flac"],
  ["audio/m4a", "m4a"],
  ["audio/mp3", "mp3"],
  ["audio/mp4", "mp4"],
  ["audio/mpeg", "mp3"],
  ["audio/ogg", "ogg"],
  ["audio/opus", "opus"],
  ["audio/pcm", "pcm"],
  ["audio/wav", "wav"],
  ["audio/webm", "webm"],
  ["audio/x-wav", "wav"],
]);

const VIDEO_FORMATS = new Map([
  ["video/3gpp", "three_gp"],
  ["video/mp4", "mp4"],
  ["video/mpeg", "mpeg"],
  ["video/quicktime", "mov"],
  ["video/webm", "webm"],
  ["video/x-flv", "flv"],
  ["video/x-matroska", "mkv"],
  ["video/x-ms-wmv", "wmv"],
]);

const DOCUMENT_ENDINGS = new Set(DOCUMENT_FORMATS.values());

/** The first bytes of known formats, in base64. */
const STARTS = [
  ["/9j/", "image/jpeg"],
  ["iVBORw0KGgo", "image/png"],
  ["R0lGOD", "image/gif"],
  ["UklGR", "image/webp"],
  ["JVBERi", "application/pdf"],
] as const;

/** Gives each document of one request a name of its own: Converse refuses two that are alike. */
export type NameDocument = (filename: string | undefined) => string;

export function createDocumentNames(): NameDocument {
  const taken = new Set<string>();
  return (filename) => {
    const wanted = cleanName(filename ?? "") || "document";
    let name = wanted;
    for (let number = 2; taken.has(name); number++) name = `${wanted} (${number})`;
    taken.add(name);
    return name;
  };
}

const MAX_NAME = 180;

/** Letters, digits, single spaces, hyphens and brackets are all that a document's name may hold; its ending is said as its format. */
function cleanName(filename: string): string {
  return filename
    .replace(/\.[a-z0-9]{1,5}$/iu, "")
    .replaceAll(/[^a-zA-Z0-9\s\-()[\]]/gu, "-")
    .replaceAll(/\s+/gu, " ")
    .trim()
    .slice(0, MAX_NAME);
}

/**
 * A media part as a block. Throws an invalid_request where Converse has no word for it: an address that it would have to fetch, a file kept
 * elsewhere, a format that it does not read.
 */
export function encodeMedia(part: MediaPart, path: string, nameDocument: NameDocument): JsonObject {
  const source = encodeSource(part, path);
  const type = part.mediaType ?? sniff(part);
  const [kind] = (type ?? "").split("/", 1);
  if (part.kind === "image") return { image: { format: demand(IMAGE_FORMATS.get(type ?? ""), part, path), source } };
  if (part.kind === "audio") return { audio: { format: demand(AUDIO_FORMATS.get(type ?? ""), part, path), source } };
  if (kind === "video") return { video: { format: demand(VIDEO_FORMATS.get(type ?? ""), part, path), source } };
  const format = demand(documentFormat(type, part.filename), part, path);
  return { document: { format, name: nameDocument(part.filename), source } };
}

function documentFormat(type: string | null, filename: string | undefined): string | undefined {
  const known = DOCUMENT_FORMATS.get(type ?? "");
  if (known !== undefined) return known;
  const ending = /\.([a-z]+)$/iu.exec(filename ?? "")?.[1]?.toLowerCase() ?? "";
  if (DOCUMENT_ENDINGS.has(ending)) return ending;
  return type?.startsWith("text/") === true ? "txt" : undefined;
}

function demand(format: string | undefined, part: MediaPart, path: string): string {
  if (format !== undefined) return format;
  const type = part.mediaType ?? "unnamed data";
  throw invalidRequest(`${path}: this model cannot be given ${part.kind} content as ${type}.`, path);
}

function encodeSource({ source }: MediaPart, path: string): Source {
  if ("base64" in source) return { bytes: source.base64 };
  if ("url" in source && source.url.startsWith("s3://")) return { s3Location: { uri: source.url } };
  const what = "url" in source ? "the address of a file" : "the id of a file kept at another provider";
  throw invalidRequest(`${path}: this model cannot be given ${what}: send the content itself as base64.`, path);
}

function sniff({ source }: MediaPart): string | null {
  if (!("base64" in source)) return "url" in source ? typeOfPath(source.url) : null;
  return STARTS.find(([start]) => source.base64.startsWith(start))?.[1] ?? null;
}

/** The type that the ending of a name in S3 speaks of. */
function typeOfPath(url: string): string | null {
  const ending = /\.([a-z0-9]+)$/iu.exec(url)?.[1]?.toLowerCase() ?? "";
  for (const formats of [IMAGE_FORMATS, VIDEO_FORMATS, AUDIO_FORMATS, DOCUMENT_FORMATS]) {
    for (const [type, format] of formats) if (format === ending || type.endsWith(`/${ending}`)) return type;
  }
  return null;
}

const ANSWER_KINDS = {
  audio: "audio",
  document: "document",
  image: "image",
  video: "document",
} as const satisfies Record<string, MediaPart["kind"]>;

/** Media of an answer; null for a block that holds none. */
export function decodeMedia(block: JsonObject): MediaPart | null {
  for (const name of Object.keys(ANSWER_KINDS) as (keyof typeof ANSWER_KINDS)[]) {
    if (block[name] === undefined) continue;
    const media = objectOf(block[name]);
    const source = objectOf(media["source"]);
    const uri = textOf(objectOf(source["s3Location"])["uri"]);
    const format = textOf(media["format"]);
    return {
      type: "media",
      kind: ANSWER_KINDS[name],
      source: uri === "" ? { base64: textOf(source["bytes"]) } : { url: uri },
      mediaType: format === "" ? null : (typeOfPath(`a.${format}`) ?? `${name}/${format}`),
    };
  }
  return null;
}
