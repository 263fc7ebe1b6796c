// The events of ConverseStream as canonical ones. A frame's `event` is the event's type, its `data` the payload. Knows no request.
// Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html

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
import { ID } from "./body.ts";
import { decodeException } from "./error.ts";
import { decodeMedia } from "./media.ts";
import { decodeCitation, decodeStop, decodeUsage, isServerCall } from "./response.ts";
import { objectOf, textOf } from "../json-read.ts";

/** One open block; `part` is its number in the canonical answer, null for what the client has no part in. */
interface OpenBlock {
  part: number | null;
  isCall: boolean;
  hasText: boolean;
  hasOrigin: boolean;
  /** Base64 of media, which is a part only once it is whole. */
  media: { format: Json; bytes: string } | null;
}

/** Frames of one answer → events, ending in exactly one `finish`, at the latest in `end`. */
export function decodeStream(): AnswerDecoder {
  const decoder = new StreamDecoder();
  return { push: (frame) => decoder.push(frame), end: () => decoder.end(), report: () => decoder.report() };
}

class StreamDecoder {
  #hasStarted = false;
  #hasStopped = false;
  #hasUsage = false;
  #hasCalls = false;
  #isFinished = false;
  #report: JsonObject | null = null;
  #partCount = 0;
  readonly #open = new Map<Json | undefined, OpenBlock>();

  push(frame: Frame): Event[] {
    if (this.#isFinished || frame.data === null || frame.data === "[DONE]") return [];
    const event = readEvent(frame);
    if (event === null) return this.#fail(malformed("The upstream sent a stream event that is not JSON."));
    if (/exception$|^error$/iu.test(event.name)) return this.#fail(decodeException(event.name, event.body));
    return [...this.#assureStart(), ...this.#take(event.name, event.body)];
  }

  report(): JsonObject | null {
    return this.#report;
  }

  end(): Event[] {
    if (this.#isFinished) return [];
    this.#isFinished = true;
    // What is known of the tokens comes last, and an answer that is whole without it is whole.
    if (this.#hasStopped) return [{ type: "finish" }];
    return [{ type: "finish", error: malformed("The upstream's stream ended before its answer was complete.") }];
  }

  #take(name: string, body: JsonObject): Event[] {
    const index = body["contentBlockIndex"];
    switch (name) {
      case "contentBlockStart":
        return this.#openBlock(index, objectOf(body["start"]));
      case "contentBlockDelta":
        return this.#delta(index, objectOf(body["delta"]));
      case "contentBlockStop":
        return this.#closeBlock(index);
      case "messageStop":
        return [...this.#stop(body), ...this.#finish()];
      case "metadata":
        return [...this.#count(body), ...this.#finish()];
      default:
        return [];
    }
  }

  #assureStart(): Event[] {
    if (this.#hasStarted) return [];
    this.#hasStarted = true;
    return [{ type: "start", id: "", model: "", createdAt: null, extra: {} }];
  }

  /** Blocks of text and reasoning say what they are with their first delta. */
  #openBlock(index: Json | undefined, start: JsonObject): Event[] {
    if (isJsonObject(start["toolUse"])) return this.#openCall(index, start["toolUse"]);
    if (start["toolResult"] !== undefined) this.#open.set(index, newBlock(null));
    const image = start["image"];
    if (image !== undefined) {
      this.#open.set(index, { ...newBlock(null), media: { format: objectOf(image)["format"] ?? "", bytes: "" } });
    }
    return [];
  }

  #openCall(index: Json | undefined, call: JsonObject): Event[] {
    if (isServerCall(call)) {
      this.#open.set(index, newBlock(null));
      return [];
    }
    if (call["name"] === ANSWER_TOOL) return this.#openPart(index, "text");
    this.#hasCalls = true;
    const kind = { toolCall: { id: textOf(call["toolUseId"]), name: textOf(call["name"]) } };
    return this.#openPart(index, kind, true);
  }

  #openPart(index: Json | undefined, kind: PartStartEvent["kind"], isCall = false): Event[] {
    const part = this.#partCount++;
    this.#open.set(index, { ...newBlock(part), isCall });
    return [{ type: "part-start", choice: 0, part, kind }];
  }

  #delta(index: Json | undefined, delta: JsonObject): Event[] {
    if (typeof delta["text"] === "string") return this.#text(index, "text", delta["text"]);
    if (isJsonObject(delta["toolUse"])) return this.#text(index, null, textOf(delta["toolUse"]["input"]));
    if (isJsonObject(delta["reasoningContent"])) return this.#reasoning(index, delta["reasoningContent"]);
    if (isJsonObject(delta["citation"])) {
      const events = this.#open.has(index) ? [] : this.#openPart(index, "text");
      const part = this.#open.get(index)?.part;
      if (part === undefined || part === null) return events;
      return [
        ...events,
        { type: "part-delta", choice: 0, part, text: "", citations: [decodeCitation(delta["citation"])] },
      ];
    }
    const { media } = this.#open.get(index) ?? {};
    if (media !== undefined && media !== null) {
      media.bytes += textOf(objectOf(objectOf(delta["image"])["source"])["bytes"]);
    }
    return [];
  }

  /** `kind` opens a part where there is none yet; null for what must be open. */
  #text(index: Json | undefined, kind: "text" | "reasoning" | null, text: string): Event[] {
    if (text === "") return [];
    const events = this.#open.has(index) || kind === null ? [] : this.#openPart(index, kind);
    const open = this.#open.get(index);
    if (open === undefined || open.part === null) return events;
    open.hasText = true;
    return [...events, { type: "part-delta", choice: 0, part: open.part, text }];
  }

  #reasoning(index: Json | undefined, delta: JsonObject): Event[] {
    const events = this.#text(index, "reasoning", textOf(delta["text"]));
    const signature = textOf(delta["signature"]);
    const encrypted = textOf(delta["redactedContent"]);
    if (signature === "" && encrypted === "") return events;
    if (!this.#open.has(index)) events.push(...this.#openPart(index, "reasoning"));
    const open = this.#open.get(index);
    if (open === undefined || open.part === null) return events;
    const sealed = signature === "" ? { encrypted } : { signature };
    const made = open.hasOrigin ? {} : { origin: ID };
    open.hasOrigin = true;
    return [...events, { type: "part-delta", choice: 0, part: open.part, text: "", ...sealed, ...made }];
  }

  #closeBlock(index: Json | undefined): Event[] {
    const open = this.#open.get(index);
    if (open === undefined) return [];
    this.#open.delete(index);
    if (open.media !== null) {
      const media = decodeMedia({ image: { format: open.media.format, source: { bytes: open.media.bytes } } });
      if (media === null) return [];
      const opened = this.#openPart(index, { media });
      return [...opened, ...this.#closeBlock(index)];
    }
    if (open.part === null) return [];
    const { part } = open;
    // A call without arguments sends none; whole answers say `{}`.
    const empty: Event[] = open.isCall && !open.hasText ? [{ type: "part-delta", choice: 0, part, text: "{}" }] : [];
    return [...empty, { type: "part-end", choice: 0, part }];
  }

  #stop(body: JsonObject): Event[] {
    if (this.#hasStopped) return [];
    this.#hasStopped = true;
    const events = [...this.#open.keys()].flatMap((index) => this.#closeBlock(index));
    return [...events, { type: "choice-end", choice: 0, ...decodeStop(body, this.#hasCalls) }];
  }

  #count(body: JsonObject): Event[] {
    const usage = decodeUsage(body);
    if (usage === null) return [];
    this.#hasUsage = true;
    this.#report = objectOf(body["usage"]);
    return [{ type: "usage", usage }];
  }

  /** The answer's end and its usage come in either order. */
  #finish(): Event[] {
    return this.#hasStopped && this.#hasUsage ? this.end() : [];
  }

  #fail(error: GatewayError): Event[] {
    this.#isFinished = true;
    return [{ type: "finish", error }];
  }
}

function newBlock(part: number | null): OpenBlock {
  return { part, isCall: false, hasText: false, hasOrigin: false, media: null };
}

function malformed(message: string): GatewayError {
  return new GatewayError({ kind: "upstream_malformed", message });
}

/** The event's name stands beside its payload, or around it where the stream was handed on without its framing. */
function readEvent({ event, data }: Frame): { name: string; body: JsonObject } | null {
  try {
    const value: Json = JSON.parse(data ?? "");
    if (!isJsonObject(value)) return null;
    if (event !== null) return { name: event, body: value };
    const [name, body] = Object.entries(value)[0] ?? ["", {}];
    return { name, body: objectOf(body) };
  } catch {
    return null;
  }
}
