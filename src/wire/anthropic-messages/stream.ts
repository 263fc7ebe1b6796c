// The event stream of the Messages API → canonical events. Knows no request and no whole answer; the other direction is stream-encode.ts.

import {
  type Event,
  GatewayError,
  type Json,
  type JsonObject,
  type PartStartEvent,
  isJsonObject,
} from "../../ir/index.ts";
import type { Frame } from "../../lib/sse.ts";
import { unseal } from "../seal.ts";
import type { AnswerDecoder } from "../type.ts";
import { ID, asExtra } from "./body.ts";
import { decodeCitation } from "./citation.ts";
import { decodeError } from "./error.ts";
import { MESSAGE_FIELDS, decodeStop } from "./response.ts";
import { countsTokens, decodeUsage, garblesTokens } from "./usage.ts";
import { objectOf, omit, textOf } from "../json-read.ts";

/** One open block. */
interface OpenPart {
  /** The part's number in the canonical answer. */
  part: number;
  kind: "plain" | "tool-call" | "kept";
  /** Arguments to send at the end, where no delta brings any. */
  input: JsonObject;
  /** The block as far as it is known; only for blocks kept verbatim. */
  block: JsonObject;
  /** JSON text of a kept block's input. */
  inputText: string;
  hasDelta: boolean;
  /** What the signature turned out to be, once its first piece is there. */
  sealed: "signature" | "encrypted" | null;
}

/** Frames of one answer → events. Tolerates missing starts, unknown events and blocks; gives exactly one `finish`, at the latest in `end`. */
export function decodeStream(): AnswerDecoder {
  const decoder = new StreamDecoder();
  return { push: (frame) => decoder.push(frame), end: () => decoder.end(), report: () => decoder.report() };
}

class StreamDecoder {
  #hasStarted = false;
  #hasStopped = false;
  #isFinished = false;
  #partCount = 0;
  readonly #open = new Map<Json | undefined, OpenPart>();
  #usage: JsonObject = {};
  /** The end has told the output: at the start nobody knows it. */
  #hasOutput = false;
  /** Own fields of the answer that no event has told. */
  #own: JsonObject = {};

  push(frame: Frame): Event[] {
    if (this.#isFinished || frame.data === null) return [];
    const data = parseData(frame.data);
    if (data === "done") return [];
    if (data === null) return this.#fail(malformed("The upstream sent a stream event that is not JSON."));
    const type = textOf(data["type"]) || (frame.event ?? "");
    switch (type) {
      case "message_start":
        return this.#start(objectOf(data["message"]));
      case "content_block_start":
        return [...this.#assureStart(), ...this.#openBlock(data["index"], objectOf(data["content_block"]))];
      case "content_block_delta":
        return [...this.#assureStart(), ...this.#delta(data["index"], objectOf(data["delta"]))];
      case "content_block_stop":
        return this.#closeBlock(data["index"]);
      case "message_delta":
        return [...this.#assureStart(), ...this.#messageDelta(data)];
      case "message_stop":
        return this.#stop();
      case "error":
        return this.#fail(streamError(data));
      default:
        return isJsonObject(data["error"]) ? this.#fail(streamError(data)) : [];
    }
  }

  end(): Event[] {
    if (this.#isFinished) return [];
    if (!this.#hasStopped) return this.#fail(malformed("The upstream's stream ended before the answer was complete."));
    return [this.#finish()];
  }

  /** Of every field what was said of it last: the first report knows the input, the last one the output. */
  report(): JsonObject | null {
    return Object.keys(this.#usage).length === 0 ? null : this.#usage;
  }

  #start(message: JsonObject): Event[] {
    if (this.#hasStarted) return [];
    this.#hasStarted = true;
    const own = omit(message, MESSAGE_FIELDS);
    return [
      {
        type: "start",
        id: textOf(message["id"]),
        model: textOf(message["model"]),
        createdAt: null,
        extra: asExtra(own).extra ?? {},
      },
      ...this.#countUsage(message["usage"], {}),
    ];
  }

  #assureStart(): Event[] {
    return this.#hasStarted ? [] : this.#start({});
  }

  /** Anthropic's counts are totals so far, and a field left out stands: later fields replace earlier ones. */
  #countUsage(usage: Json | undefined, own: JsonObject): Event[] {
    this.#own = { ...this.#own, ...own };
    if (!isJsonObject(usage)) return [];
    for (const [name, value] of Object.entries(usage)) {
      if (value !== null || this.#usage[name] === undefined) this.#usage[name] = value;
    }
    if (!countsTokens(this.#usage)) return [];
    const { usage: counts, rest } = decodeUsage(this.#usage);
    const told = Object.keys(rest).length === 0 ? this.#own : { ...this.#own, usage: rest };
    this.#own = {};
    return [{ type: "usage", usage: counts, ...asExtra(told) }];
  }

  #openBlock(index: Json | undefined, block: JsonObject): Event[] {
    const events = this.#closeBlock(index);
    const part = this.#partCount++;
    const open: OpenPart = { part, kind: "plain", input: {}, block, inputText: "", hasDelta: false, sealed: null };
    this.#open.set(index, open);
    const begin = (kind: PartStartEvent["kind"], known: string[]): void => {
      events.push({ type: "part-start", choice: 0, part, kind, ...asExtra(omit(block, ["type", ...known])) });
    };
    switch (block["type"]) {
      case "text":
        begin("text", Array.isArray(block["citations"]) ? ["text", "citations"] : ["text"]);
        return [
          ...events,
          ...deltaOf(open, textOf(block["text"])),
          ...listObjects(block["citations"]).flatMap((citation) => citationOf(open, citation)),
        ];
      case "thinking":
        begin("reasoning", ["thinking", "signature"]);
        return [...events, ...deltaOf(open, textOf(block["thinking"])), ...signatureOf(open, block["signature"])];
      case "redacted_thinking":
        begin("reasoning", ["data"]);
        events.push({
          type: "part-delta",
          choice: 0,
          part,
          text: "",
          ...unseal(textOf(block["data"]), ID, "encrypted"),
        });
        return events;
      case "tool_use":
        open.kind = "tool-call";
        open.input = objectOf(block["input"]);
        begin({ toolCall: { id: textOf(block["id"]), name: textOf(block["name"]) } }, ["id", "name", "input"]);
        return events;
      default:
        open.kind = "kept";
        events.push({ type: "part-start", choice: 0, part, kind: "text", ...asExtra({ block }) });
        return events;
    }
  }

  #delta(index: Json | undefined, delta: JsonObject): Event[] {
    const open = this.#open.get(index);
    if (open === undefined) return this.#openImplicitly(index, delta);
    if (open.kind === "kept") {
      keepDelta(open, delta);
      return [];
    }
    switch (delta["type"]) {
      case "text_delta":
        return deltaOf(open, textOf(delta["text"]));
      case "input_json_delta":
        return deltaOf(open, textOf(delta["partial_json"]));
      case "thinking_delta":
        return deltaOf(open, textOf(delta["thinking"]));
      case "signature_delta":
        return signatureOf(open, delta["signature"]);
      case "citations_delta":
        return citationOf(open, objectOf(delta["citation"]));
      default:
        return [];
    }
  }

  /** Some servers never open their blocks. */
  #openImplicitly(index: Json | undefined, delta: JsonObject): Event[] {
    const type = delta["type"] === "text_delta" ? "text" : delta["type"] === "thinking_delta" ? "thinking" : null;
    return type === null ? [] : [...this.#openBlock(index, { type }), ...this.#delta(index, delta)];
  }

  #closeBlock(index: Json | undefined): Event[] {
    const open = this.#open.get(index);
    if (open === undefined) return [];
    this.#open.delete(index);
    const events: Event[] = [];
    if (open.kind === "tool-call" && !open.hasDelta) events.push(...deltaOf(open, JSON.stringify(open.input)));
    const isChanged = open.kind === "kept" && open.hasDelta;
    events.push({
      type: "part-end",
      choice: 0,
      part: open.part,
      ...asExtra(isChanged ? { block: completeBlock(open) } : {}),
    });
    return events;
  }

  #messageDelta(data: JsonObject): Event[] {
    const delta = objectOf(data["delta"]);
    const events: Event[] = [];
    if (typeof delta["stop_reason"] === "string" && !this.#hasStopped) events.push(...this.#endChoice(delta));
    const own = {
      ...omit(delta, ["stop_reason", "stop_sequence", "stop_details"]),
      ...omit(data, ["type", "delta", "usage"]),
    };
    this.#hasOutput ||= typeof objectOf(data["usage"])["output_tokens"] === "number";
    return [...events, ...this.#countUsage(data["usage"], own)];
  }

  #endChoice(stop: JsonObject): Event[] {
    this.#hasStopped = true;
    const events = [...this.#open.keys()].flatMap((index) => this.#closeBlock(index));
    const { refusal, ...end } = decodeStop(stop);
    if (refusal !== undefined) {
      const part = this.#partCount++;
      events.push({ type: "part-start", choice: 0, part, kind: "refusal" });
      events.push({ type: "part-delta", choice: 0, part, text: refusal }, { type: "part-end", choice: 0, part });
    }
    return [...events, { type: "choice-end", choice: 0, ...end }];
  }

  #stop(): Event[] {
    if (!this.#hasStarted) return this.end();
    const events = this.#hasStopped ? [] : this.#endChoice({});
    return [...events, this.#finish()];
  }

  #finish(): Event {
    this.#isFinished = true;
    const isUncounted = this.report() !== null && (!this.#hasOutput || garblesTokens(this.#usage));
    return { type: "finish", ...(isUncounted ? { isUncounted } : {}), ...asExtra(this.#own) };
  }

  #fail(error: GatewayError): Event[] {
    this.#isFinished = true;
    return [{ type: "finish", error }];
  }
}

function parseData(text: string): JsonObject | "done" | null {
  // Anthropic never sends it, but servers that imitate several formats do.
  if (text.trim() === "[DONE]") return "done";
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

function streamError(data: JsonObject): GatewayError {
  const upstream = decodeError(null, data);
  return new GatewayError({ kind: "upstream_rejected", message: upstream.message, upstream });
}

function deltaOf(open: OpenPart, text: string): Event[] {
  if (text === "") return [];
  open.hasDelta = true;
  return [{ type: "part-delta", choice: 0, part: open.part, text }];
}

/** What another format's provider signed begins with its mark, which is read in the first piece. */
function signatureOf(open: OpenPart, signature: Json | undefined): Event[] {
  const text = textOf(signature);
  if (text === "") return [];
  const delta = { type: "part-delta", choice: 0, part: open.part, text: "" } as const;
  if (open.sealed !== null)
    return [open.sealed === "signature" ? { ...delta, signature: text } : { ...delta, encrypted: text }];
  const sealed = unseal(text, ID, "signature");
  open.sealed = sealed.encrypted === undefined ? "signature" : "encrypted";
  return [{ ...delta, ...sealed }];
}

function listObjects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function citationOf(open: OpenPart, citation: JsonObject): Event[] {
  if (Object.keys(citation).length === 0) return [];
  return [{ type: "part-delta", choice: 0, part: open.part, text: "", citations: [decodeCitation(citation)] }];
}

/** Text fields of a delta are appended to the block's field of that name, others replace it; pieces of the input wait until it is whole. */
function keepDelta(open: OpenPart, delta: JsonObject): void {
  open.hasDelta = true;
  const block = { ...open.block };
  for (const [name, value] of Object.entries(omit(delta, ["type"]))) {
    if (name === "partial_json") open.inputText += textOf(value);
    else block[name] = typeof value === "string" ? textOf(block[name]) + value : value;
  }
  open.block = block;
}

function completeBlock(open: OpenPart): JsonObject {
  if (open.inputText === "") return open.block;
  const input = parseData(open.inputText);
  return { ...open.block, input: input === null || input === "done" ? { _raw: open.inputText } : input };
}
