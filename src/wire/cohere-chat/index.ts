// Cohere's Chat API (v2) as the format of a provider; no client speaks it to us. https://docs.cohere.com/reference/chat

import type { TargetWire } from "../type.ts";
import { decodeError } from "./error.ts";
import { encodeRequest } from "./request.ts";
import { decodeResponse, decodeUsage } from "./response.ts";
import { sampleAnswer } from "./sample.ts";
import { decodeStream } from "./stream.ts";
import { findObject } from "../json-read.ts";

export const cohereChat: TargetWire = {
  id: "cohere-chat",
  operation: "chat",
  request: { encode: encodeRequest },
  response: {
    decode: decodeResponse,
    report: (body) => findObject(body["usage"]),
    count: ({ usage }) => decodeUsage(usage),
  },
  stream: { decode: decodeStream },
  error: { decode: decodeError },
  sample: sampleAnswer,
};
