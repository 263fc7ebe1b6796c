// Amazon Bedrock's Converse API as the format of a provider; no client speaks it to us.
// https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference.html

import { sampleAnswer } from "./sample.ts";
import type { TargetWire } from "../type.ts";
import { ID } from "./body.ts";
import { decodeError } from "./error.ts";
import { encodeRequest } from "./request.ts";
import { decodeResponse, decodeUsage } from "./response.ts";
import { decodeStream } from "./stream.ts";
import { findObject } from "../json-read.ts";

export const bedrockConverse: TargetWire = {
  id: ID,
  operation: "chat",
  request: { encode: encodeRequest },
  response: { decode: decodeResponse, report: (body) => findObject(body["usage"]), count: decodeUsage },
  stream: { decode: decodeStream },
  error: { decode: decodeError },
  sample: sampleAnswer,
};
