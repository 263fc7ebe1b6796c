// Google's generateContent as a wire: https://ai.google.dev/api/generate-content — model and stream stand in the address.
// Assembles the codecs of this folder and checks requests at the door; knows no other wire and no provider.

import { type JsonObject, invalidRequest, isJsonObject } from "../../ir/index.ts";
import type { FieldNames } from "../field-name.ts";
import type { Address, ChatWire, Peek } from "../type.ts";
import { omit } from "../json-read.ts";
import { ID } from "./body.ts";
import { decodeError, encodeError, encodeErrorFrame } from "./error.ts";
import { saysBeside } from "./forward.ts";
import { listing } from "./listing.ts";
import { listPaths } from "./path.ts";
import { decodeRequest, encodeRequest } from "./request.ts";
import { countAnswer, decodeResponse, encodeResponse, readReport } from "./response.ts";
import { encodeStream } from "./stream-encode.ts";
import { decodeStream } from "./stream.ts";

const FIELD_NAMES: FieldNames = {
  content: ["parts"],
  frequency_penalty: ["generationConfig.frequencyPenalty"],
  logprobs: ["generationConfig.responseLogprobs"],
  max_tokens: ["generationConfig.maxOutputTokens"],
  modalities: ["generationConfig.responseModalities"],
  n: ["generationConfig.candidateCount"],
  presence_penalty: ["generationConfig.presencePenalty"],
  reasoning_effort: ["generationConfig.thinkingConfig"],
  reasoning_summary: ["generationConfig.thinkingConfig.includeThoughts"],
  response_format: [
    "generationConfig.responseMimeType",
    "generationConfig.responseJsonSchema",
    "generationConfig.responseSchema",
  ],
  "response_format.json_schema.schema": ["generationConfig.responseSchema", "generationConfig.responseJsonSchema"],
  seed: ["generationConfig.seed"],
  service_tier: ["serviceTier"],
  stop: ["generationConfig.stopSequences"],
  temperature: ["generationConfig.temperature"],
  tool_choice: ["toolConfig.functionCallingConfig"],
  top_k: ["generationConfig.topK"],
  top_logprobs: ["generationConfig.logprobs"],
  top_p: ["generationConfig.topP"],
};

export const gemini: ChatWire = {
  id: ID,
  operation: "chat",
  endpoint: "generateContent",
  paths: [...listPaths("generateContent"), ...listPaths("streamGenerateContent")],
  // Google's SDK for Python reads every line that is no data as JSON.
  takesComments: false,
  address: (path) => ({ stream: path.endsWith(":streamGenerateContent") }),
  listing,
  saysFailure: true,
  fieldNames: FIELD_NAMES,
  peek,
  // A cached content is the provider's to keep and to lose; labels say only on which line of its bill a call stands.
  repeatable: (body) =>
    (body["cachedContent"] ?? body["cached_content"] ?? null) === null ? omit(body, ["labels"]) : null,
  forward: {
    // The address names the model, and usage is always reported: nothing changes.
    request: (raw) => raw,
    frame: (frame) => frame.raw,
    says: saysBeside,
  },
  request: { decode: decodeRequest, encode: encodeRequest },
  response: { decode: decodeResponse, report: readReport, count: countAnswer, encode: encodeResponse },
  stream: { decode: decodeStream, encode: encodeStream },
  error: { decode: decodeError, encode: encodeError, encodeFrame: encodeErrorFrame },
};

/** Throws what Google would answer, in its words, with `param` naming the field. */
function peek(body: JsonObject, address?: Address): Peek {
  checkContents(body["contents"]);
  return { model: address?.model ?? "", stream: address?.stream ?? false };
}

function checkContents(value: JsonObject[string] | undefined): void {
  const contents = listOne(value);
  if (contents === undefined || contents === null || (Array.isArray(contents) && contents.length === 0)) {
    throw wrong("contents", "contents is not specified");
  }
  if (!Array.isArray(contents)) throw wrong("contents", "a list of contents is expected");
  for (const [index, content] of contents.entries()) {
    const path = `contents[${index}]`;
    if (!isJsonObject(content)) throw wrong(path, "an object is expected");
    const { role = null } = content;
    const parts = listOne(content["parts"]);
    const known = typeof role === "string" ? role.toLowerCase() : role;
    if (known !== null && !ROLES.some((name) => name === known)) {
      throw invalidRequest("Please use a valid role: user, model.", `${path}.role`);
    }
    if (parts === undefined || parts === null || (Array.isArray(parts) && parts.length === 0)) {
      throw wrong(`${path}.parts`, "contents.parts must not be empty.");
    }
    if (!Array.isArray(parts)) throw wrong(`${path}.parts`, "a list of parts is expected");
    const odd = parts.findIndex((part) => !isJsonObject(part));
    if (odd !== -1) throw wrong(`${path}.parts[${odd}]`, "an object is expected");
  }
}

/** Google takes a single object for a list of it, and has roles in capitals in examples of its own. */
function listOne(value: JsonObject[string] | undefined): JsonObject[string] | undefined {
  return isJsonObject(value) ? [value] : value;
}

const ROLES = ["user", "model", "function", ""] as const;

function wrong(field: string, message: string): Error {
  return invalidRequest(`* GenerateContentRequest.${field}: ${message}`, field);
}
