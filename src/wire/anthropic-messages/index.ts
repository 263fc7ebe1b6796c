// Anthropic's Messages API as a wire: https://platform.claude.com/docs/en/api/messages
// Assembles the codecs of this folder and checks requests at the door; knows no other wire and no provider.

import { type Json, type JsonObject, invalidRequest, isJsonObject } from "../../ir/index.ts";
import type { FieldNames } from "../field-name.ts";
import type { ChatWire, Peek } from "../type.ts";
import { ID } from "./body.ts";
import { decodeError, encodeError, encodeErrorFrame } from "./error.ts";
import { forwardRequest, saysBeside } from "./forward.ts";
import { encodeLimitHeaders } from "./limit-header.ts";
import { listing } from "./listing.ts";
import { findRepeatable } from "./repeat.ts";
import { decodeRequest, encodeRequest } from "./request.ts";
import { decodeResponse, encodeResponse } from "./response.ts";
import { encodeStream } from "./stream-encode.ts";
import { decodeStream } from "./stream.ts";
import { findObject } from "../json-read.ts";
import { countMessage } from "./usage.ts";

const FIELD_NAMES: FieldNames = {
  parallel_tool_calls: ["tool_choice.disable_parallel_tool_use"],
  reasoning_effort: ["thinking", "output_config.effort"],
  reasoning_summary: ["thinking.display"],
  response_format: ["output_config.format", "output_format"],
  "response_format.json_schema.schema": ["output_config.format.schema", "output_format.schema"],
  stop: ["stop_sequences"],
  user: ["metadata.user_id"],
};

export const anthropicMessages: ChatWire = {
  id: ID,
  operation: "chat",
  endpoint: "messages",
  paths: ["/v1/messages", "/anthropic/v1/messages"],
  query: ["beta"],
  listing,
  fieldNames: FIELD_NAMES,
  peek,
  repeatable: findRepeatable,
  forward: {
    request: forwardRequest,
    // This format always reports usage, so nothing was asked for that the client must not see.
    frame: (frame) => frame.raw,
    says: saysBeside,
  },
  request: { decode: decodeRequest, encode: encodeRequest },
  response: {
    decode: decodeResponse,
    report: (body) => findObject(body["usage"]),
    count: countMessage,
    encode: encodeResponse,
  },
  stream: { decode: decodeStream, encode: encodeStream },
  limitHeaders: encodeLimitHeaders,
  error: { decode: decodeError, encode: encodeError, encodeFrame: encodeErrorFrame },
};

/** Throws what Anthropic would answer, in its words, with `param` naming the field. */
function peek(body: JsonObject): Peek {
  const { model, stream } = body;
  if (model === undefined) throw required("model");
  if (typeof model !== "string") throw wrong("model", "Input should be a valid string");
  if (model === "") throw wrong("model", "String should have at least 1 character");
  checkMaxTokens(body["max_tokens"]);
  checkMessages(body);
  if (stream !== undefined && stream !== null && typeof stream !== "boolean") {
    throw wrong("stream", "Input should be a valid boolean");
  }
  return { model, stream: stream === true };
}

/** Zero is allowed: it fills the prompt cache without an answer. */
function checkMaxTokens(value: Json | undefined): void {
  if (value === undefined) throw required("max_tokens");
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw wrong("max_tokens", "Input should be a valid integer");
  }
  if (value < 0) throw wrong("max_tokens", "Input should be greater than or equal to 0");
}

function checkMessages(body: JsonObject): void {
  const { messages } = body;
  if (messages === undefined) throw required("messages");
  if (!Array.isArray(messages)) throw wrong("messages", "Input should be a valid list");
  // A message thread is continued with no new message at all.
  if (messages.length === 0 && !isJsonObject(body["thread"])) {
    throw wrong("messages", "at least one message is required");
  }
  for (const [index, message] of messages.entries()) {
    if (!isJsonObject(message)) throw wrong(`messages.${index}`, "Input should be an object");
    const { role, content } = message;
    if (role === undefined) throw required(`messages.${index}.role`);
    if (role !== "user" && role !== "assistant" && role !== "system") {
      throw wrong(`messages.${index}.role`, "Input should be 'user', 'assistant' or 'system'");
    }
    // An instruction may say nothing but how to answer.
    if (content === undefined && role === "system" && isJsonObject(message["output_config"])) continue;
    if (content === undefined) throw required(`messages.${index}.content`);
    if (typeof content !== "string" && !Array.isArray(content)) {
      throw wrong(`messages.${index}.content`, "Input should be a valid string or a valid list");
    }
  }
}

function required(field: string): Error {
  return wrong(field, "Field required");
}

function wrong(field: string, message: string): Error {
  return invalidRequest(`${field}: ${message}`, field.replaceAll(/\.(\d+)/g, "[$1]"));
}
