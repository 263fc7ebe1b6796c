// Google's vectors of texts, one and many at once, as wires: https://ai.google.dev/api/embeddings
// Knows no provider; a forwarded answer's vectors are not read.

import {
  type EmbeddingRequest,
  type EmbeddingResponse,
  GatewayError,
  type Json,
  type JsonObject,
  type Usage,
  invalidRequest,
  isJsonObject,
  sumInputTokens,
} from "../../ir/index.ts";
import { setTopLevel } from "../../lib/json-edit.ts";
import { findLastMember } from "../last-member.ts";
import type { Address, Encoded, ForwardWire, Peek, WireId } from "../type.ts";
import { asksForSomething, countOf, listObjects, unifyNames } from "./body.ts";
import { gemini } from "./index.ts";
import { readNumber } from "./number.ts";
import { unifyPart } from "./part.ts";
import { listPaths } from "./path.ts";
import { countPrompt } from "./usage.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

const ONE = "gemini-embed" satisfies WireId;
const MANY = "gemini-batch-embed" satisfies WireId;

const REQUEST_NAMES = ["outputDimensionality", "taskType"] as const;
const KNOWN = ["model", "content", "outputDimensionality"];

export const geminiEmbed: ForwardWire = {
  ...describe(ONE, "embedContent"),
  peek: peekOne,
  forward: { request: forwardOne, frame: gemini.forward.frame },
  vectors: {
    request: { decode: (body, peek) => decodeRequests([body], ONE, peek), encode: encodeOne },
    response: {
      decode: (body) => decodeVectors([body["embedding"] ?? null], body),
      encode: ({ vectors, usage }) => ({ embedding: { values: vectors[0] ?? [] }, ...encodeUsage(usage) }),
    },
  },
};

export const geminiBatchEmbed: ForwardWire = {
  ...describe(MANY, "batchEmbedContents"),
  peek: peekMany,
  forward: { request: forwardMany, frame: gemini.forward.frame },
  vectors: {
    request: { decode: (body, peek) => decodeRequests(objectsOf(body["requests"]), MANY, peek), encode: encodeMany },
    response: {
      decode: (body) => decodeVectors(Array.isArray(body["embeddings"]) ? body["embeddings"] : null, body),
      encode: ({ vectors, usage }) => ({
        embeddings: vectors.map((values) => ({ values })),
        ...encodeUsage(usage),
      }),
    },
  },
};

function describe(id: typeof ONE | typeof MANY, method: string) {
  return {
    id,
    operation: "embeddings",
    endpoint: method,
    paths: listPaths(method),
    address: () => ({ stream: false }),
    repeatable: (body) => body,
    meter: meterResponse,
    error: gemini.error,
  } satisfies Partial<ForwardWire>;
}

function peekOne(body: JsonObject, address?: Address): Peek {
  checkContent(body["content"], "EmbedContentRequest.content", "content");
  return { model: address?.model ?? "", stream: false };
}

function peekMany(body: JsonObject, address?: Address): Peek {
  const { requests } = body;
  if (!Array.isArray(requests) || requests.length === 0) {
    throw invalidRequest("* BatchEmbedContentsRequest.requests: requests is not specified", "requests");
  }
  for (const [index, request] of requests.entries()) {
    const path = `requests[${index}].content`;
    checkContent(objectOf(request)["content"], `BatchEmbedContentsRequest.${path}`, path);
  }
  return { model: address?.model ?? "", stream: false };
}

function checkContent(content: Json | undefined, name: string, path: string): void {
  if (listObjects(objectOf(content)["parts"]).length > 0) return;
  throw invalidRequest(`* ${name}: content is not specified`, path);
}

/** Each request may name the model once more, and Google wants it to be that of the address. */
function forwardOne(raw: string, body: JsonObject, model: string): string {
  const wanted = nameModel(model);
  if (body["model"] === undefined || body["model"] === wanted) return raw;
  return setTopLevel(raw, "model", JSON.stringify(wanted));
}

function forwardMany(raw: string, body: JsonObject, model: string): string {
  const wanted = nameModel(model);
  const requests = objectsOf(body["requests"]);
  if (requests.every((request) => request["model"] === wanted)) return raw;
  return setTopLevel(raw, "requests", JSON.stringify(requests.map((request) => ({ ...request, model: wanted }))));
}

function nameModel(model: string): string {
  return model.includes("/") ? model : `models/${model}`;
}

function meterResponse(raw: string): ReturnType<ForwardWire["meter"]> {
  const found = findLastMember(raw, "usageMetadata", (report) => {
    const usage = readUsage(report);
    return usage === null ? null : { usage, report: objectOf(report) };
  });
  return { ...(found ?? { usage: null, report: null }), model: null };
}

function readUsage(value: Json): Usage | null {
  const report = unifyNames(objectOf(value), ["promptTokenCount", "promptTokenDetails", "totalTokenCount"]);
  const tokens = report["promptTokenCount"] ?? report["totalTokenCount"];
  if (tokens === undefined) return null;
  return {
    freshInputTokens: countOf(tokens),
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 0,
    reasoningTokens: null,
    // Vertex AI has the list under the name that it has beside a chat.
    ...countPrompt(report["promptTokenDetails"] ?? report["promptTokensDetails"]),
  };
}

function encodeUsage(usage: Usage | null): JsonObject {
  if (usage === null) return {};
  const tokens = sumInputTokens(usage);
  return { usageMetadata: { promptTokenCount: tokens, totalTokenCount: tokens } };
}

/** All requests of a batch as one: where they ask for different things, no other format can say it. */
function decodeRequests(bodies: JsonObject[], id: WireId, { model }: Peek): EmbeddingRequest {
  const requests = bodies.map((body) => unifyNames(body, REQUEST_NAMES));
  const lengths = new Set(
    requests.map((request) => readNumber(request["outputDimensionality"], "output_dimensionality", true)),
  );
  if (lengths.size > 1) {
    throw invalidRequest(
      "This model's provider gives vectors of one length a request: 'outputDimensionality' must be the same in all.",
      "requests[1].outputDimensionality",
    );
  }
  const [dimensions] = lengths;
  const own: JsonObject = {};
  for (const request of requests) {
    for (const [name, value] of Object.entries(omit(request, KNOWN))) if (asksForSomething(value)) own[name] = value;
  }
  return {
    model,
    inputs: requests.map((request, index) => readText(request["content"], index)),
    ...(dimensions === undefined ? {} : { dimensions }),
    extra: Object.keys(own).length === 0 ? {} : { [id]: own },
  };
}

function readText(content: Json | undefined, index: number): string {
  const parts = listObjects(objectOf(content)["parts"]).map(unifyPart);
  const other = parts.findIndex((part) => typeof part["text"] !== "string");
  if (other !== -1) {
    const path = `requests[${index}].content.parts[${other}]`;
    throw invalidRequest(`${path}: this model makes vectors of texts alone.`, path);
  }
  return parts.map((part) => textOf(part["text"])).join("\n");
}

function encodeOne(request: EmbeddingRequest): Encoded {
  const { body, dropped } = encodeMany(request);
  const [only, ...more] = objectsOf(body["requests"]);
  if (only === undefined || more.length > 0) {
    throw invalidRequest("This model makes one vector a request: send one input at a time.", "input");
  }
  return { body: only, dropped };
}

function encodeMany({ model, inputs, dimensions, user, extra }: EmbeddingRequest): Encoded {
  const dropped = Object.entries(extra).flatMap(([wire, fields]) =>
    wire === ONE || wire === MANY ? [] : Object.keys(fields),
  );
  if (user !== undefined) dropped.push("user");
  const rest = {
    ...extra[ONE],
    ...extra[MANY],
    ...(dimensions === undefined ? {} : { outputDimensionality: dimensions }),
  };
  const requests = inputs.map((input, index) => {
    if (typeof input !== "string") {
      const path = `input[${index}]`;
      throw invalidRequest(`${path}: this model reads texts, not another model's tokens. Send the text.`, path);
    }
    return { model: nameModel(model), content: { parts: [{ text: input }] }, ...rest };
  });
  return { body: { requests }, dropped };
}

/** Throws `upstream_malformed` where there are no vectors. */
function decodeVectors(list: Json[] | null, body: JsonObject): EmbeddingResponse {
  const vectors = (list ?? [null]).map((item) => {
    const values = isJsonObject(item) ? item["values"] : null;
    if (!Array.isArray(values)) {
      throw new GatewayError({ kind: "upstream_malformed", message: "The upstream's answer has no vectors." });
    }
    return values.filter((value) => typeof value === "number");
  });
  return { model: "", vectors, usage: readUsage(unifyNames(body, ["usageMetadata"])["usageMetadata"] ?? null) };
}
