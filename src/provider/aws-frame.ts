// The binary event stream in which AWS answers, as frames: of Converse as they are, and of a model's own stream with that stream's frames
// unpacked. Knows no model's format beyond the names of its errors.

import { type Json, type JsonObject, isJsonObject } from "../ir/index.ts";
import { type StreamMessage, createMessageReader } from "../lib/event-stream.ts";
import { type Frame, formatFrame } from "../lib/sse.ts";
import type { FrameReader } from "./type.ts";

export const EVENT_STREAM = "application/vnd.amazon.eventstream";

/** Frames of ConverseStream: the event's or the exception's name, and the payload. */
export function readConverseFrames(): FrameReader {
  return readWith((message) => makeFrame(readPayload(message), nameOf(message)));
}

/** Frames of a model's own stream in Anthropic's format: each chunk holds one of its events. Exceptions become its errors. */
export function readChunkFrames(): FrameReader {
  return readWith((message) => {
    const payload = parseObject(readPayload(message));
    const { bytes } = payload;
    if (typeof bytes !== "string") return makeErrorFrame(nameOf(message), payload);
    const data = Buffer.from(bytes, "base64").toString("utf8");
    // The type stands first; what stands elsewhere is looked for.
    const type = /^\{"type":"(\w+)"/u.exec(data)?.[1] ?? parseObject(data)["type"];
    return makeFrame(data, typeof type === "string" ? type : "");
  });
}

function readWith(read: (message: StreamMessage) => Frame): FrameReader {
  const reader = createMessageReader();
  return {
    push: (bytes) => reader.push(bytes).map(read),
    end() {
      reader.end();
      // Half a message is no frame; that the stream is not complete, its decoder knows.
      return [];
    },
  };
}

function nameOf({ headers }: StreamMessage): string {
  if (headers[":message-type"] === "error") return "error";
  return headers[":exception-type"] ?? headers[":event-type"] ?? "";
}

function readPayload({ headers, payload }: StreamMessage): string {
  if (headers[":message-type"] === "error") return JSON.stringify({ message: headers[":error-message"] ?? "" });
  return new TextDecoder().decode(payload);
}

function makeFrame(data: string, event: string): Frame {
  return { raw: formatFrame(data, event === "" ? undefined : event), event: event === "" ? null : event, data };
}

const ERROR_TYPES: Readonly<Record<string, string>> = {
  modeltimeoutexception: "timeout_error",
  serviceunavailableexception: "overloaded_error",
  throttlingexception: "rate_limit_error",
  validationexception: "invalid_request_error",
};

function makeErrorFrame(name: string, { message }: JsonObject): Frame {
  const type = ERROR_TYPES[name.toLowerCase()] ?? "api_error";
  const text = typeof message === "string" && message !== "" ? message : `The upstream's stream reported ${name}.`;
  return makeFrame(JSON.stringify({ type: "error", error: { type, message: text } }), "error");
}

/** An empty object where it is none: what is then missing is told by the decoder. */
function parseObject(text: string): JsonObject {
  try {
    const value: Json = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
