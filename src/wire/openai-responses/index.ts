// OpenAI's Responses as a wire. https://platform.openai.com/docs/api-reference/responses
// Knows no provider: OpenAI and everyone who imitates it speak it. How requests refer to what is kept is in memory.ts.

import type { FieldNames } from "../field-name.ts";
import type { ChatWire } from "../type.ts";
import { ID } from "./body.ts";
import { decodeError, encodeError, encodeErrorFrame } from "./error.ts";
import { forwardFrame, forwardRequest, saysBeside } from "./forward.ts";
import { memory } from "./memory.ts";
import { peekRequest } from "./peek.ts";
import { findRepeatable } from "./repeat.ts";
import { encodeRequest } from "./request-encode.ts";
import { decodeRequest } from "./request.ts";
import { decodeResponse, encodeResponse } from "./response.ts";
import { createStreamEncoder } from "./stream-encode.ts";
import { createStreamDecoder } from "./stream.ts";
import { findObject } from "../json-read.ts";
import { countResponse } from "./usage.ts";

const FIELD_NAMES: FieldNames = {
  max_tokens: ["max_output_tokens"],
  reasoning_effort: ["reasoning.effort", "reasoning"],
  reasoning_summary: ["reasoning.summary"],
  response_format: ["text.format"],
  "response_format.json_schema": ["text.format"],
  verbosity: ["text.verbosity"],
};

export const openaiResponses: ChatWire = {
  id: ID,
  operation: "chat",
  endpoint: "responses",
  paths: ["/v1/responses"],
  saysFailure: true,
  fieldNames: FIELD_NAMES,
  peek: peekRequest,
  memory,
  repeatable: findRepeatable,
  forward: { request: forwardRequest, frame: forwardFrame, says: saysBeside },
  request: { decode: decodeRequest, encode: encodeRequest },
  response: {
    decode: decodeResponse,
    report: (body) => findObject(body["usage"]),
    count: countResponse,
    encode: encodeResponse,
  },
  stream: { decode: createStreamDecoder, encode: createStreamEncoder },
  error: { decode: decodeError, encode: encodeError, encodeFrame: encodeErrorFrame },
};
