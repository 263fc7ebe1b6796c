// Images, sounds and documents ↔ canonical media parts. Knows no message. Source: https://ai.google.dev/api/caching#Part

import { type GatewayError, type JsonObject, type MediaPart, invalidRequest, isJsonObject } from "../../ir/index.ts";
import { type Blob, type FileData, type Place, asExtra, ownFields, reportForeign, unifyNames } from "./body.ts";
import { omit, textOf } from "../json-read.ts";

const BLOB_NAMES = ["mimeType", "displayName"] as const;
const FILE_NAMES = ["fileUri", "mimeType", "displayName"] as const;

/** A part with `inlineData` or `fileData`; `rest` is what else the part says. Null for one that no canonical part can hold. */
export function decodeMedia(part: JsonObject, rest: JsonObject): MediaPart | null {
  const inline = part["inlineData"];
  if (isJsonObject(inline)) {
    const blob = unifyNames(inline, BLOB_NAMES);
    const base64 = standardize(textOf(blob["data"]));
    return makeMedia(blob, ["mimeType", "data", "displayName"], { source: { base64 }, rest, field: "inlineData" });
  }
  const file = unifyNames(isJsonObject(part["fileData"]) ? part["fileData"] : {}, FILE_NAMES);
  const uri = textOf(file["fileUri"]);
  if (uri === "") return null;
  const source = isWebAddress(uri) ? { url: uri } : { fileId: uri };
  return makeMedia(file, ["mimeType", "fileUri", "displayName"], { source, rest, field: "fileData" });
}

/** Google takes both alphabets, with and without the padding, and its SDK for Python sends the one for addresses; others take this one alone. */
function standardize(base64: string): string {
  const standard = /[-_]/u.test(base64) ? base64.replaceAll("-", "+").replaceAll("_", "/") : base64;
  const isPadded = /[=\s]/u.test(standard);
  return isPadded ? standard : standard.padEnd(Math.ceil(standard.length / 4) * 4, "=");
}

function makeMedia(
  data: JsonObject,
  known: string[],
  { source, rest, field }: { source: MediaPart["source"]; rest: JsonObject; field: string },
): MediaPart {
  const mediaType = textOf(data["mimeType"]) || null;
  const filename = textOf(data["displayName"]);
  const dataRest = omit(data, known);
  return {
    type: "media",
    kind: nameKind(mediaType),
    source,
    mediaType,
    ...(filename === "" ? {} : { filename }),
    ...asExtra(Object.keys(dataRest).length === 0 ? rest : { ...rest, [field]: dataRest }),
  };
}

function nameKind(mediaType: string | null): MediaPart["kind"] {
  if (mediaType?.startsWith("image/") === true) return "image";
  return mediaType?.startsWith("audio/") === true ? "audio" : "document";
}

/** What lies in the Files API or in Cloud Storage, only Google can read. */
function isWebAddress(uri: string): boolean {
  return /^https?:\/\//iu.test(uri) && !/^https:\/\/generativelanguage\.googleapis\.com\//iu.test(uri);
}

/** Media as a part. Throws an invalid_request that names the place where the model cannot be shown it. */
export function encodeMedia(part: MediaPart, place: Place): JsonObject {
  reportForeign(part.extra, place);
  if ("fileId" in part.source && !place.isOwn) throw foreignFile(place.path);
  // Only Vertex AI knows a name of a file; a client of this format that gives one knows whom it asks.
  if (part.filename !== undefined && !place.isOwn) place.dropped.push(`${place.path}.filename`);
  if (part.detail !== undefined) place.dropped.push(`${place.path}.image_url.detail`);
  return showMedia(part, place.isOwn);
}

/** Media as a part, of an answer or of this format's own client. */
export function showMedia({ source, kind, mediaType, filename, extra }: MediaPart, isNamed: boolean): JsonObject {
  const { inlineData, fileData, ...own } = ownFields(extra);
  const name = filename === undefined || !isNamed ? {} : { displayName: filename };
  if ("base64" in source) {
    const type = registered(mediaType ?? sniffMediaType(source.base64) ?? DEFAULT_TYPES[kind]);
    const blob: Blob = { mimeType: type, data: source.base64 };
    return { inlineData: { ...blob, ...name, ...(isJsonObject(inlineData) ? inlineData : {}) }, ...own };
  }
  const uri = "url" in source ? source.url : source.fileId;
  const type = mediaType ?? guessMediaType(uri);
  const file: FileData = { fileUri: uri, ...(type === null ? {} : { mimeType: registered(type) }) };
  return { fileData: { ...file, ...name, ...(isJsonObject(fileData) ? fileData : {}) }, ...own };
}

/** Leaving the file out would change the question, and its id means nothing to another provider. */
function foreignFile(path: string): GatewayError {
  return invalidRequest(`${path}: this model cannot read a file kept at another provider. Send its data.`, path);
}

/** The name that many clients use is not the registered one, and is refused. */
function registered(mediaType: string): string {
  return mediaType === "image/jpg" ? "image/jpeg" : mediaType;
}

const DEFAULT_TYPES = { audio: "audio/wav", document: "application/pdf", image: "image/jpeg" } as const;

/** The first bytes of common formats, in base64. */
const BASE64_STARTS = [
  ["/9j/", "image/jpeg"],
  ["JVBERi", "application/pdf"],
  ["R0lGOD", "image/gif"],
  ["SUQz", "audio/mpeg"],
  ["iVBORw0KGgo", "image/png"],
] as const;

function sniffMediaType(base64: string): string | null {
  const known = BASE64_STARTS.find(([start]) => base64.startsWith(start))?.[1];
  if (known !== undefined || !base64.startsWith("UklGR")) return known ?? null;
  const form = Buffer.from(base64.slice(0, 16), "base64").toString("latin1").slice(8, 12);
  return form === "WEBP" ? "image/webp" : "audio/wav";
}

const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ["csv", "text/csv"],
  ["gif", "image/gif"],
  ["html", "text/html"],
  ["jpeg", "image/jpeg"],
  ["jpg", "image/jpeg"],
  ["json", "application/json"],
  ["md", "text/markdown"],
  ["mov", "video/quicktime"],
  ["mp3", "audio/mpeg"],
  ["mp4", "video/mp4"],
  ["pdf", "application/pdf"],
  ["png", "image/png"],
  ["txt", "text/plain"],
  ["wav", "audio/wav"],
  ["webm", "video/webm"],
  ["webp", "image/webp"],
]);

/** From the end of the address's path; null where that tells nothing. */
function guessMediaType(uri: string): string | null {
  const extension = /\.([a-z0-9]{2,5})(?:[?#]|$)/iu.exec(uri)?.[1]?.toLowerCase();
  return extension === undefined ? null : (EXTENSIONS.get(extension) ?? null);
}
