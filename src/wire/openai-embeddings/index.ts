// OpenAI's Embeddings as a wire that is only ever forwarded. https://platform.openai.com/docs/api-reference/embeddings
// Knows no provider, and reads no vector.

import { type Json, type JsonObject, type Usage, isJsonObject } from "../../ir/index.ts";
import { readValueAt, setTopLevel } from "../../lib/json-edit.ts";
import { emptyArray, missing, requireModel, wrongType } from "../openai-check.ts";
import { decodeError, encodeError, encodeErrorFrame } from "../openai-error.ts";
import type { ForwardWire, Peek } from "../type.ts";

export const openaiEmbeddings: ForwardWire = {
  id: "openai-embeddings",
  operation: "embeddings",
  endpoint: "embeddings",
  paths: ["/v1/embeddings"],
  peek: peekRequest,
  meter: meterResponse,
  forward: {
    request: (raw, body, model) => (body["model"] === model ? raw : setTopLevel(raw, "model", JSON.stringify(model))),
    frame: (frame) => frame.raw,
  },
  error: { decode: decodeError, encode: encodeError, encodeFrame: encodeErrorFrame },
};

const INPUT = "one of a string, an array of strings, an array of integers, or an array of arrays of integers";

function peekRequest(body: JsonObject): Peek {
  const model = requireModel(body);
  const input = body["input"];
  if (input === undefined || input === null) throw missing("input");
  if (typeof input === "string") return { model, stream: false };
  if (!Array.isArray(input)) throw wrongType("input", INPUT, input);
  if (input.length === 0) throw emptyArray("input");
  const first = input[0];
  const isKnown = typeof first === "string" ? isText : Array.isArray(first) ? isTokens : Number.isInteger;
  const wrong = input.findIndex((item) => !isKnown(item));
  if (wrong === -1) return { model, stream: false };
  const item = input[wrong] ?? null;
  if (Array.isArray(item) && item.length === 0) throw emptyArray(`input[${wrong}]`);
  throw wrongType(`input[${wrong}]`, INPUT_ITEM, item);
}

const INPUT_ITEM = "the same kind of item throughout, a string, an integer or an array of integers";

function isText(item: Json): boolean {
  return typeof item === "string";
}

function isTokens(item: Json): boolean {
  return Array.isArray(item) && item.length > 0 && item.every(Number.isInteger);
}

/** At most so many places that look like the wanted field are tried, from the end, where it usually stands. */
const MAX_TRIES = 8;

/** Usage and the served model. The vectors between are never parsed: an answer may hold megabytes of them. */
function meterResponse(raw: string): { usage: Usage | null; model: string | null } {
  return { usage: findLast(raw, "usage", readUsage), model: findLast(raw, "model", readName) };
}

function findLast<T>(raw: string, key: string, read: (value: Json) => T | null): T | null {
  let at = raw.length;
  for (let tries = 0; tries < MAX_TRIES && at > 0; tries++) {
    at = raw.lastIndexOf(`"${key}"`, at - 1);
    if (at === -1) return null;
    const found = readMember(raw, at + key.length + 2);
    const value = found === undefined ? null : read(found);
    if (value !== null) return value;
  }
  return null;
}

/** The value behind a key's colon; undefined where there is no colon (then it was no key) or no JSON. */
function readMember(raw: string, from: number): Json | undefined {
  const colon = raw.slice(from, from + 64).search(/\S/);
  if (colon === -1 || raw[from + colon] !== ":") return undefined;
  try {
    return JSON.parse(readValueAt(raw, from + colon + 1));
  } catch {
    return undefined;
  }
}

function readUsage(value: Json): Usage | null {
  if (!isJsonObject(value)) return null;
  const tokens = value["prompt_tokens"] ?? value["total_tokens"];
  if (typeof tokens !== "number" || !Number.isInteger(tokens) || tokens < 0) return null;
  return { freshInputTokens: tokens, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: null };
}

function readName(value: Json): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
