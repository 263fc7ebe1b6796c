// Reads the recordings under test/fixtures, whatever format they were taken in, as plain requests and answers. Knows no wire format beyond
// what it takes to put back the SSE framing that some recordings left out.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Json, type JsonObject, isJsonObject } from "../src/ir/index.ts";

const ROOT = join(import.meta.dir, "fixtures");

export interface RecordedRequest {
  method: string;
  url: string;
  /** Null where the recording has no JSON body. */
  body: JsonObject | null;
}

export interface RecordedResponse {
  status: number;
  /** Names in lower case; several values joined by a comma. */
  headers: Record<string, string>;
  /** JSON text, or complete SSE text; of Bedrock's streams a JSON event a line, or what is left of binary frames read as text. */
  body: string;
  /** The body as it came over the line, unpacked. */
  bytes: Uint8Array;
}

export interface Interaction {
  /** Null in the formats that kept answers only. */
  request: RecordedRequest | null;
  response: RecordedResponse;
}

/** One row of `index.tsv`. */
export interface RecordingRow {
  /** Path under test/fixtures, as `readRecording` takes it. */
  file: string;
  provider: string;
  surface: string;
  mode: string;
  models: string[];
  features: string[];
  format: string;
}

/** The rows of `index.tsv`; `surface` and `mode` narrow them. */
export function listRecordings(filter: { surface?: string; mode?: "plain" | "stream" } = {}): RecordingRow[] {
  const lines = readFileSync(join(ROOT, "index.tsv"), "utf8").trim().split("\n").slice(1);
  const rows = lines.map((line) => {
    const [file = "", provider = "", surface = "", mode = "", , , models = "", features = "", format = ""] =
      line.split("\t");
    return { file, provider, surface, mode, models: splitList(models), features: splitList(features), format };
  });
  return rows.filter(
    (row) =>
      (filter.surface === undefined || row.surface === filter.surface) &&
      (filter.mode === undefined || row.mode === filter.mode),
  );
}

/** All interactions of one file, in order. `path` is relative to test/fixtures. Throws where the file is none we know. */
export function readRecording(path: string): Interaction[] {
  const text = readFileSync(join(ROOT, path), "utf8");
  if (path.endsWith(".chunks.txt")) return readChunks(text, path);
  if (path.endsWith(".yaml")) return readCassette(parse(text, { maxAliasCount: -1 }), path);
  const value: unknown = JSON.parse(text);
  if (isJsonObject(value) && isJsonObject(value["request"]) && isJsonObject(value["response"])) {
    return readCassette({ interactions: [value] }, path);
  }
  return [answerOnly(text, "application/json")];
}

function splitList(cell: string): string[] {
  return cell === "" ? [] : cell.split(",");
}

function answerOnly(body: string, contentType: string): Interaction {
  const bytes = new TextEncoder().encode(body);
  return { request: null, response: { status: 200, headers: { "content-type": contentType }, body, bytes } };
}

/** One answer or several, one after the other in the file. */
function readChunks(text: string, path: string): Interaction[] {
  if (path.startsWith("bedrock/")) return [answerOnly(text, "application/x-ndjson")];
  const answers: string[] = [];
  for (const line of text.split("\n").filter((payload) => payload.trim() !== "")) {
    if (answers.length === 0 || /^\{"type":\s?"(?:message_start|response\.created)"/.test(line)) answers.push("");
    answers[answers.length - 1] += `${line}\n`;
  }
  return answers.map((answer) => answerOnly(frameChunks(answer, !path.startsWith("gemini/")), "text/event-stream"));
}

/** Payload lines → SSE text. Payloads that name their own type get their `event:` line back; others, where so wished, `[DONE]`. */
function frameChunks(text: string, withDone: boolean): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  let isChat = false;
  const frames = lines.map((line) => {
    const value: unknown = JSON.parse(line);
    const type = isJsonObject(value) && typeof value["type"] === "string" ? value["type"] : null;
    isChat ||= type === null;
    return type === null ? `data: ${line}\n\n` : `event: ${type}\ndata: ${line}\n\n`;
  });
  return frames.join("") + (isChat && withDone ? "data: [DONE]\n\n" : "");
}

function readCassette(cassette: unknown, path: string): Interaction[] {
  const interactions = isRecord(cassette) ? cassette["interactions"] : undefined;
  if (!Array.isArray(interactions)) throw new Error(`${path} is no recording in a format known here`);
  return interactions.map((item: unknown) => {
    const { request, response } = asRecord(item, path);
    return { request: readRequest(asRecord(request, path)), response: readResponse(asRecord(response, path)) };
  });
}

function readRequest(request: Record<string, unknown>): RecordedRequest {
  const method = String(request["method"]);
  const url = String(request["url"] ?? request["uri"]);
  if (isJsonObject(request["parsed_body"])) return { method, url, body: request["parsed_body"] };
  const text = readText(request["body"]);
  return { method, url, body: text === "" ? null : parseObject(text) };
}

function readResponse(response: Record<string, unknown>): RecordedResponse {
  const headers = readHeaders(response["headers"]);
  const status = readStatus(response);
  const parsed = response["parsed_body"];
  const given = response["body"] ?? response["content"];
  const bytes = parsed === undefined ? readBytes(given) : new TextEncoder().encode(JSON.stringify(parsed));
  // The body above is no longer compressed, and its length is our own.
  delete headers["content-encoding"];
  delete headers["content-length"];
  delete headers["transfer-encoding"];
  return { status, headers, body: new TextDecoder().decode(bytes), bytes };
}

/** vcrpy writes `status: {code}`, its httpx flavour `status_code`, go-vcr `code` beside the status line's text. */
function readStatus(response: Record<string, unknown>): number {
  const status = isRecord(response["status"]) ? response["status"]["code"] : response["code"];
  return Number(status ?? response["status_code"]);
}

function readHeaders(value: unknown): Record<string, string> {
  const headers: Record<string, string> = {};
  if (!isRecord(value)) return headers;
  for (const [name, values] of Object.entries(value)) {
    headers[name.toLowerCase()] = Array.isArray(values) ? values.join(", ") : String(values);
  }
  return headers;
}

function readText(value: unknown): string {
  return new TextDecoder().decode(readBytes(value));
}

/** A body: a string, bytes, or `{string: …}`; unpacked where it is gzip. */
function readBytes(value: unknown): Uint8Array {
  if (isRecord(value) && !(value instanceof Uint8Array)) return readBytes(value["string"]);
  if (typeof value === "string") return new TextEncoder().encode(value);
  if (!(value instanceof Uint8Array)) return new Uint8Array();
  const bytes = new Uint8Array(value);
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return isGzip ? Bun.gunzipSync(bytes) : bytes;
}

function parseObject(text: string): JsonObject | null {
  try {
    const value: Json = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asRecord(value: unknown, path: string): Record<string, unknown> {
  if (!isRecord(value)) throw new Error(`${path} is no recording in a format known here`);
  return value;
}
