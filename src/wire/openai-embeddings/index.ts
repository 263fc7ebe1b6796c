// OpenAI's Embeddings as a wire: https://platform.openai.com/docs/api-reference/embeddings — forwarded wherever the provider speaks it, and no
// vector is read then. Knows no provider.

import { type Json, type JsonObject, type Usage, isJsonObject } from "../../ir/index.ts";
import { setTopLevel } from "../../lib/json-edit.ts";
import { omit } from "../json-read.ts";
import { findLastMember } from "../last-member.ts";
import { emptyArray, missing, requireModel, wrongType } from "../openai-check.ts";
import { decodeError, encodeError, encodeErrorFrame } from "../openai-error.ts";
import type { ForwardWire, Peek } from "../type.ts";
import { readUsage } from "./usage.ts";
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "./vector.ts";

export const openaiEmbeddings: ForwardWire = {
  id: "openai-embeddings",
  operation: "embeddings",
  endpoint: "embeddings",
  paths: ["/v1/embeddings"],
  peek: peekRequest,
  repeatable: (body) => omit(body, ["user"]),
  meter: meterResponse,
  vectors: {
    request: { decode: decodeRequest, encode: encodeRequest },
    response: { decode: decodeResponse, encode: encodeResponse },
  },
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

/** Usage and the served model. The vectors between are never parsed: an answer may hold megabytes of them. */
function meterResponse(raw: string): ReturnType<ForwardWire["meter"]> {
  const found = findLastMember(raw, "usage", readReport);
  const model = findLastMember(raw, "model", readName);
  return found === null ? { usage: null, report: null, model } : { ...found, model };
}

function readReport(report: Json): { usage: Usage; report: JsonObject } | null {
  const usage = readUsage(report);
  return usage === null || !isJsonObject(report) ? null : { usage, report };
}

function readName(value: Json): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
