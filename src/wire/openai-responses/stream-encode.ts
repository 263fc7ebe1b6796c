// Canonical events → the event stream of Responses, in OpenAI's own order and with every event that it sends. What the output items say is in
// stream-output.ts; frames → events is in stream.ts. Knows no socket, and no time but the client's context.

import {
  type Event,
  type Extra,
  type FinishReason,
  type JsonObject,
  type StartEvent,
  type Usage,
  mergeExtra,
} from "../../ir/index.ts";
import { formatFrame } from "../../lib/sse.ts";
import type { ClientContext, Machine } from "../type.ts";
import { encodeFinish } from "./answer.ts";
import { ownFields } from "./body.ts";
import { encodeFailure } from "./error.ts";
import { makeHead } from "./head.ts";
import { OutputWriter } from "./stream-output.ts";
import { encodeTier, encodeUsage } from "./usage.ts";
import { objectOf, textOf } from "../json-read.ts";

/** One event as a frame, numbered in the order of their making. */
export type Emit = (type: string, fields: JsonObject) => string;

/** Events of one answer → complete frames. Only the first alternative is written: the format knows no other. */
export function createStreamEncoder(client: ClientContext): Machine<Event, string> {
  const encoder = new StreamEncoder(client);
  return { push: (event) => encoder.push(event), end: () => [] };
}

class StreamEncoder {
  readonly #client: ClientContext;
  readonly #output: OutputWriter;
  #sequence = 0;
  #start: StartEvent = { type: "start", id: "", model: "", createdAt: null, extra: {} };
  #head: JsonObject | null = null;
  #usage: Usage | null = null;
  #extra: Extra = {};
  #end: { finish: FinishReason; failure?: string; extra?: Extra } = { finish: "other" };

  constructor(client: ClientContext) {
    this.#client = client;
    this.#output = new OutputWriter((type, fields) => this.#emit(type, fields), client);
  }

  push(event: Event): string[] {
    if ("choice" in event && event.choice !== 0) return [];
    switch (event.type) {
      case "start":
        this.#start = event;
        return this.#begin();
      case "part-start":
        return [...this.#begin(), ...this.#output.start(event)];
      case "part-delta":
        return this.#output.delta(event);
      case "part-end":
        return this.#output.end(event);
      case "choice-end":
        this.#end = event;
        return this.#begin();
      case "usage":
        this.#usage = event.usage;
        if (event.extra !== undefined) this.#extra = mergeExtra(this.#extra, event.extra);
        return [];
      case "finish":
        return [...this.#begin(), ...this.#finish(event)];
      default:
        return event satisfies never;
    }
  }

  #emit(type: string, fields: JsonObject): string {
    return formatFrame(JSON.stringify({ type, sequence_number: this.#sequence++, ...fields }), type);
  }

  /** `response.created` and `response.in_progress`, once. */
  #begin(): string[] {
    if (this.#head !== null) return [];
    this.#head = makeHead(this.#start, this.#client);
    const response = { ...this.#head, status: "in_progress", output: [], usage: null };
    return [this.#emit("response.created", { response }), this.#emit("response.in_progress", { response })];
  }

  #finish(event: Extract<Event, { type: "finish" }>): string[] {
    const own = event.extra === undefined ? {} : ownFields(event.extra);
    const response: JsonObject = { ...this.#head, ...this.#tier(), ...own, output: [], usage: null };
    if (event.error !== undefined) {
      response["output"] = this.#output.items();
      if (this.#usage !== null) response["usage"] = encodeUsage(this.#usage, this.#usageRest());
      const requestId = this.#client.requestId ?? "";
      return [encodeFailure(event.error, { requestId, response, sequence: this.#sequence })];
    }
    const end = encodeFinish(this.#end);
    const status = textOf(end["status"]);
    const frames = this.#output.close(status === "completed" ? "completed" : "incomplete");
    Object.assign(response, end, {
      output: this.#output.items(),
      usage: encodeUsage(this.#usage, this.#usageRest()),
    });
    return [...frames, this.#emit(`response.${status}`, { response })];
  }

  #tier(): JsonObject {
    return encodeTier({ usage: this.#usage, extra: this.#start.extra });
  }

  #usageRest(): JsonObject {
    return objectOf(ownFields(this.#extra)["usage"]);
  }
}
