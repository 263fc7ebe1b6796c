// The event stream of Cohere's Chat API as canonical events. Knows no request and no whole answer.
// Source: https://docs.cohere.com/docs/streaming

import {
  type Event,
  GatewayError,
  type Json,
  type JsonObject,
  type PartStartEvent,
  isJsonObject,
} from "../../ir/index.ts";
import type { Frame } from "../../lib/sse.ts";
import { ANSWER_TOOL } from "../answer-tool.ts";
import type { AnswerDecoder } from "../type.ts";
import { citesText, decodeCitations, decodeLogprob } from "./citation.ts";
import { decodeError } from "./error.ts";
import { decodeFinish, decodeUsage } from "./response.ts";
import { findObject, objectOf, textOf } from "../json-read.ts";

interface OpenPart {
  /** The part's number in the canonical answer. */
  part: number;
  isCall: boolean;
  /** What came so far: citations are places in it. */
  text: string;
  isClosed: boolean;
}

/** Frames of one answer → events, ending in exactly one `finish`, at the latest in `end`. */
export function decodeStream(): AnswerDecoder {
  const decoder = new StreamDecoder();
  return { push: (frame) => decoder.push(frame), end: () => decoder.end(), report: () => decoder.report() };
}

class StreamDecoder {
  #hasStarted = false;
  #isFinished = false;
  #report: JsonObject | null = null;
  #hasCalls = false;
  #partCount = 0;
  /** The content that has ended but may still be cited. */
  #ending: string | null = null;
  /** By kind and index: contents and calls are counted apart. */
  readonly #parts = new Map<string, OpenPart>();

  push({ event, data }: Frame): Event[] {
    if (this.#isFinished || data === null || data.trim() === "[DONE]") return [];
    const body = parseObject(data);
    if (body === null) return this.#fail(malformed("The upstream sent a stream event that is not JSON."));
    const type = textOf(body["type"]) || (event ?? "");
    // An error in the middle has no type of its own.
    if (type === "" && typeof body["message"] === "string") return this.#fail(rejected(body));
    return [...this.#assureStart(body), ...this.#take(type, body)];
  }

  report(): JsonObject | null {
    return this.#report;
  }

  end(): Event[] {
    if (this.#isFinished) return [];
    return this.#fail(malformed("The upstream's stream ended before its answer was complete."));
  }

  #take(type: string, body: JsonObject): Event[] {
    const delta = objectOf(body["delta"]);
    const message = objectOf(delta["message"]);
    const index = JSON.stringify(body["index"] ?? 0);
    switch (type) {
      case "tool-plan-delta":
        return this.#append("plan", "reasoning", textOf(message["tool_plan"]));
      case "content-start":
      case "content-delta":
        return this.#content(`content ${index}`, objectOf(message["content"]), delta);
      case "content-end":
        // Citations of a text may come behind its end, so it is open until something else begins.
        this.#ending = `content ${index}`;
        return [];
      case "tool-call-start":
        return [...this.#close("plan"), ...this.#openCall(`call ${index}`, objectOf(message["tool_calls"]))];
      case "tool-call-delta": {
        const call = objectOf(objectOf(message["tool_calls"])["function"]);
        return this.#append(`call ${index}`, null, textOf(call["arguments"]));
      }
      case "tool-call-end":
        return this.#close(`call ${index}`);
      case "citation-start":
        return this.#cite(objectOf(message["citations"]));
      case "message-end":
        return this.#finish(delta);
      default:
        return [];
    }
  }

  #assureStart(body: JsonObject): Event[] {
    if (this.#hasStarted) return [];
    this.#hasStarted = true;
    return [{ type: "start", id: textOf(body["id"]), model: "", createdAt: null, extra: {} }];
  }

  /** A block says what it is when it starts; a delta that finds none open is tolerated. */
  #content(key: string, content: JsonObject, delta: JsonObject): Event[] {
    const isThought = content["type"] === "thinking" || typeof content["thinking"] === "string";
    const events = this.#append(
      key,
      isThought ? "reasoning" : "text",
      textOf(content["thinking"]) || textOf(content["text"]),
    );
    const logprobs = decodeLogprob(objectOf(delta["logprobs"] ?? content["logprobs"]));
    const open = this.#parts.get(key);
    if (logprobs.length === 0 || open === undefined) return events;
    return [...events, { type: "part-delta", choice: 0, part: open.part, text: "", logprobs }];
  }

  #open(key: string, kind: PartStartEvent["kind"], isCall = false): Event[] {
    const closed = this.#ending === null ? [] : this.#close(this.#ending);
    this.#ending = null;
    const part = this.#partCount++;
    this.#parts.set(key, { part, isCall, text: "", isClosed: false });
    return [...closed, { type: "part-start", choice: 0, part, kind }];
  }

  #openCall(key: string, call: JsonObject): Event[] {
    const { name, arguments: text } = objectOf(call["function"]);
    if (name === ANSWER_TOOL) return [...this.#open(key, "text"), ...this.#append(key, null, textOf(text))];
    this.#hasCalls = true;
    const opened = this.#open(key, { toolCall: { id: textOf(call["id"]), name: textOf(name) } }, true);
    return [...opened, ...this.#append(key, null, textOf(text))];
  }

  /** `kind` opens a part where there is none; null for what must be open. */
  #append(key: string, kind: "text" | "reasoning" | null, text: string): Event[] {
    if (text === "") return [];
    const events = this.#parts.has(key) || kind === null ? [] : this.#open(key, kind);
    const open = this.#parts.get(key);
    if (open === undefined || open.isClosed) return events;
    open.text += text;
    return [...events, { type: "part-delta", choice: 0, part: open.part, text }];
  }

  /** Citations may come while the text does, or when it is complete. */
  #cite(citation: JsonObject): Event[] {
    const open = this.#parts.get(`content ${JSON.stringify(citation["content_index"] ?? 0)}`);
    if (open === undefined || open.isClosed || !citesText(citation)) return [];
    const citations = decodeCitations(citation, open.text);
    return [{ type: "part-delta", choice: 0, part: open.part, text: "", citations }];
  }

  #close(key: string): Event[] {
    const open = this.#parts.get(key);
    if (open === undefined || open.isClosed) return [];
    open.isClosed = true;
    const { part } = open;
    const empty: Event[] = open.isCall && open.text === "" ? [{ type: "part-delta", choice: 0, part, text: "{}" }] : [];
    return [...empty, { type: "part-end", choice: 0, part }];
  }

  #finish(delta: JsonObject): Event[] {
    const events = [...this.#parts.keys()].flatMap((key) => this.#close(key));
    const usage = decodeUsage(delta["usage"]);
    this.#report = findObject(delta["usage"]);
    if (usage !== null) events.push({ type: "usage", usage });
    const message = textOf(delta["error"]);
    if (message !== "") return [...events, ...this.#fail(rejected({ message }), usage !== null)];
    this.#isFinished = true;
    events.push(
      { type: "choice-end", choice: 0, finish: decodeFinish(delta["finish_reason"], this.#hasCalls) },
      { type: "finish" },
    );
    return events;
  }

  #fail(error: GatewayError, isCounted = false): Event[] {
    this.#isFinished = true;
    return [{ type: "finish", error, ...(isCounted ? { isCounted } : {}) }];
  }
}

function parseObject(text: string): JsonObject | null {
  try {
    const value: Json = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}

function malformed(message: string): GatewayError {
  return new GatewayError({ kind: "upstream_malformed", message });
}

function rejected(body: JsonObject): GatewayError {
  const upstream = decodeError(null, body);
  return new GatewayError({ kind: "upstream_rejected", message: upstream.message, upstream });
}
