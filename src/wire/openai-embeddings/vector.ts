// Requests for vectors and vectors in OpenAI's form ↔ canonical ones. Knows no client and no provider.
// Source: https://platform.openai.com/docs/api-reference/embeddings/create

import {
  type EmbeddingRequest,
  type EmbeddingResponse,
  GatewayError,
  type Json,
  type JsonObject,
  invalidRequest,
  isJsonObject,
  sumInputTokens,
} from "../../ir/index.ts";
import type { Encoded, Peek, WireId } from "../type.ts";
import { readUsage } from "./usage.ts";

const ID = "openai-embeddings" satisfies WireId;

const KNOWN = ["model", "input", "dimensions", "encoding_format", "user"];

/** A body that `peek` has accepted. */
export function decodeRequest(body: JsonObject, { model }: Peek): EmbeddingRequest {
  const { dimensions, user } = body;
  requireVectorForm(body);
  const own = Object.entries(body).filter(([name, value]) => !KNOWN.includes(name) && value !== null);
  return {
    model,
    inputs: listInputs(body["input"] ?? ""),
    ...(typeof dimensions === "number" ? { dimensions } : {}),
    ...(typeof user === "string" ? { user } : {}),
    extra: own.length === 0 ? {} : { [ID]: Object.fromEntries(own) },
  };
}

/** Of vectors that come as numbers, no other can be made here. Throws invalid_request. */
function requireVectorForm({ encoding_format: form }: JsonObject): void {
  if (form === undefined || form === null || form === "float" || form === "base64") return;
  throw invalidRequest("encoding_format: this model gives vectors as 'float' or 'base64' alone.", "encoding_format");
}

function listInputs(input: Json): (string | number[])[] {
  if (!Array.isArray(input)) return [typeof input === "string" ? input : ""];
  if (input.some((item) => typeof item === "number")) return [input.filter((item) => typeof item === "number")];
  return input.map((item) =>
    Array.isArray(item) ? item.filter((token) => typeof token === "number") : typeof item === "string" ? item : "",
  );
}

export function encodeRequest({ model, inputs, dimensions, user, extra }: EmbeddingRequest): Encoded {
  const body: JsonObject = { model, input: inputs, encoding_format: "float", ...extra[ID] };
  if (dimensions !== undefined) body["dimensions"] = dimensions;
  if (user !== undefined) body["user"] = user;
  const dropped = Object.entries(extra).flatMap(([wire, fields]) => (wire === ID ? [] : Object.keys(fields)));
  return { body, dropped };
}

/** Throws `upstream_malformed` where there are no vectors. */
export function decodeResponse(body: JsonObject): EmbeddingResponse {
  const data = Array.isArray(body["data"]) ? body["data"].filter(isJsonObject) : null;
  if (data === null)
    throw new GatewayError({ kind: "upstream_malformed", message: "The upstream's answer has no data." });
  const vectors: number[][] = [];
  for (const [position, item] of data.entries()) {
    const index = typeof item["index"] === "number" ? item["index"] : position;
    vectors[Math.min(index, data.length)] = readVector(item["embedding"] ?? []);
  }
  const model = typeof body["model"] === "string" ? body["model"] : "";
  return { model, vectors, usage: readUsage(body["usage"] ?? null) };
}

/** Numbers, or the base64 of their bytes. */
function readVector(value: Json): number[] {
  if (Array.isArray(value)) return value.filter((item) => typeof item === "number");
  if (typeof value !== "string") return [];
  const bytes = Buffer.from(value, "base64");
  return Array.from({ length: bytes.length >> 2 }, (_, index) => bytes.readFloatLE(index * 4));
}

/** The SDKs ask for base64 unless told otherwise. */
export function encodeResponse({ model, vectors, usage }: EmbeddingResponse, body: JsonObject): JsonObject {
  const isPacked = body["encoding_format"] === "base64";
  const tokens = usage === null ? 0 : sumInputTokens(usage);
  return {
    object: "list",
    data: vectors.map((vector, index) => ({
      object: "embedding",
      index,
      embedding: isPacked ? packVector(vector) : vector,
    })),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

function packVector(vector: number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString("base64");
}
