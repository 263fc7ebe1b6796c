// OpenAI's Chat Completions as a wire. https://platform.openai.com/docs/api-reference/chat
// Knows no provider: OpenAI and everyone who imitates it speak it.

import type { ChatWire } from "../type.ts";
import { decodeError, encodeError, encodeErrorFrame } from "./error.ts";
import { forwardFrame, forwardRequest, saysAloud } from "./forward.ts";
import { listing } from "./listing.ts";
import { peekRequest } from "./peek.ts";
import { encodeRequest } from "./request-encode.ts";
import { decodeRequest } from "./request.ts";
import { decodeResponse, encodeResponse, meterResponse } from "./response.ts";
import { findRepeatable } from "./repeat.ts";
import { createStreamEncoder } from "./stream-encode.ts";
import { createStreamDecoder } from "./stream.ts";
import { findObject } from "../json-read.ts";
import { decodeUsage } from "./usage.ts";

export const openaiChat: ChatWire = {
  id: "openai-chat",
  operation: "chat",
  endpoint: "chat.completions",
  paths: ["/v1/chat/completions"],
  listing,
  fieldNames: { max_tokens: ["max_completion_tokens", "max_tokens"], reasoning_content: ["reasoning_content"] },
  peek: peekRequest,
  repeatable: findRepeatable,
  forward: { request: forwardRequest, frame: forwardFrame, says: saysAloud },
  request: { decode: decodeRequest, encode: encodeRequest },
  response: {
    decode: decodeResponse,
    report: (body) => findObject(body["usage"]),
    count: ({ choices, usage }) => (Array.isArray(choices) ? (decodeUsage(usage)?.usage ?? null) : null),
    encode: encodeResponse,
    meter: meterResponse,
  },
  stream: { decode: createStreamDecoder, encode: createStreamEncoder },
  error: { decode: decodeError, encode: encodeError, encodeFrame: encodeErrorFrame },
};
