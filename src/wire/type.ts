// What a wire format is: six pure functions, its client paths, and what may change when its bytes are forwarded.
// A wire knows no URL of a provider, no key, no HTTP client and no other wire.

import type { Dropped, Event, GatewayError, JsonObject, Request, Response, UpstreamError, Usage } from "../ir/index.ts";
import type { Frame } from "../lib/sse.ts";

export type WireId = "anthropic-messages" | "openai-chat" | "openai-embeddings";

/** What the gateway must know of a request before it can route it. */
export interface Peek {
  model: string;
  stream: boolean;
}

/** A synchronous machine: `push` for each item in order, then `end` once; both give what became known. */
export interface Machine<In, Out> {
  push(item: In): Out[];
  end(): Out[];
}

/** What a target format needs to know of the model that it will ask, beyond the request itself. */
export interface ModelFacts {
  /** Output limit to ask for where the client gave none and the format demands one. */
  defaultMaxOutputTokens: number;
  /** The most output tokens that the model accepts; null where unknown. */
  maxOutputTokens: number | null;
  /** How the model is told to reason: by a token budget, by effort alone, or not at all. */
  reasoning: "budget" | "effort" | "none";
}

export interface Encoded {
  body: JsonObject;
  /** Fields of the client's request that this format cannot say, and that do not change the meaning. */
  dropped: Dropped[];
}

/** The client's side of a translated call: what its format's encoder needs beside the answer. */
export interface ClientContext {
  /** The client's own request, as its wire decoded it. */
  request: Request;
  /** Seconds since the epoch, for formats that stamp answers. */
  nowSeconds: number;
}

interface WireBase {
  id: WireId;
  /** Name of the operation on the ledger, such as `chat.completions`. */
  endpoint: string;
  /** Paths under which clients speak this format to us (POST). */
  paths: readonly string[];
  /**
   * Checks the fields that every target needs and reads what routing needs.
   * Throws a GatewayError of kind `invalid_request` with `param` set.
   */
  peek(body: JsonObject): Peek;
  forward: {
    /** The client's own text with only the declared fields changed: the model's name, and a request for usage in streams. */
    request(raw: string, body: JsonObject, model: string): string;
    /**
     * What the client gets of one upstream frame: its text, without the usage that `request` asked for although the client had not;
     * "" for nothing. `body` is the client's own request.
     */
    frame(frame: Frame, body: JsonObject): string;
  };
  error: {
    /** Reads an upstream's error body; `body` is the parsed JSON, or the raw text where it is none. */
    decode(status: number | null, body: JsonObject | string): UpstreamError;
    /** The error as this format's clients expect it. */
    encode(error: GatewayError, requestId: string): JsonObject;
    /** The error as the last frame(s) of a stream that has already begun: complete SSE text. */
    encodeFrame(error: GatewayError, requestId: string): string;
  };
}

/** A chat format: it can be translated to and from every other chat format through the IR. */
export interface ChatWire extends WireBase {
  operation: "chat";
  request: { decode(body: JsonObject): Request; encode(request: Request, facts: ModelFacts): Encoded };
  response: { decode(body: JsonObject): Response; encode(response: Response, client: ClientContext): JsonObject };
  stream: {
    /** Frames of this format → events, ending in exactly one `finish`. */
    decode(): Machine<Frame, Event>;
    /** Events → complete SSE text of this format, one string a frame. */
    encode(client: ClientContext): Machine<Event, string>;
  };
}

/** A format that is only ever forwarded, to providers that speak it themselves. */
export interface ForwardWire extends WireBase {
  operation: "embeddings";
  /** Reads usage and the served model from an answer's text without parsing all of it. */
  meter(raw: string): { usage: Usage | null; model: string | null };
}

export type Wire = ChatWire | ForwardWire;
