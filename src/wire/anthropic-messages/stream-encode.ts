// Canonical events → the event stream of the Messages API, in the provider's own order: one block at a time, usage and stop reason at the
// end. What the blocks say is in stream-block.ts. Knows no whole answer; the other direction is stream.ts.

import { type Event, type Extra, type JsonObject, type Usage, mergeExtra } from "../../ir/index.ts";
import type { ClientContext, Machine } from "../type.ts";
import { ID, ownFields } from "./body.ts";
import { encodeErrorFrame } from "./error.ts";
import { encodeStop } from "./response.ts";
import { BlockWriter, type PartEvent, format } from "./stream-block.ts";
import { encodeUsage } from "./usage.ts";
import { objectOf, omit } from "../json-read.ts";

/** Events of one answer → complete frames. Only the first alternative is written: the format knows no other. */
export function encodeStream(client: ClientContext): Machine<Event, string> {
  const encoder = new StreamEncoder(client);
  return { push: (event) => encoder.push(event), end: () => [] };
}

class StreamEncoder {
  #start: { id: string; model: string } = { id: "", model: "" };
  #extra: Extra = {};
  #usage: Usage | null = null;
  #stop: Extract<Event, { type: "choice-end" }> | null = null;
  #refusal: string | null = null;
  #hasBegun = false;
  #isFinished = false;
  readonly #refusalParts = new Set<number>();
  readonly #blocks: BlockWriter;
  readonly #requestId: string;

  constructor({ request, requestId = "" }: ClientContext) {
    this.#blocks = new BlockWriter(request.tools);
    this.#requestId = requestId;
  }

  push(event: Event): string[] {
    if (this.#isFinished || ("choice" in event && event.choice !== 0)) return [];
    switch (event.type) {
      case "start":
        this.#start = { id: event.id, model: event.model };
        this.#extra = mergeExtra(this.#extra, event.extra);
        return [];
      case "usage":
        this.#usage = event.usage;
        if (event.extra !== undefined) this.#extra = mergeExtra(this.#extra, event.extra);
        return [];
      case "part-start":
      case "part-delta":
      case "part-end":
        return this.#part(event);
      case "choice-end":
        this.#stop = event;
        return [...this.#begin(), ...this.#blocks.closeAll()];
      case "finish":
        return this.#finish(event);
      default:
        return event satisfies never;
    }
  }

  /**
   * `message_start`, once, as late as the first block: by then a provider that counts the prompt at the start has said so, and clients
   * read the prompt's count from here.
   */
  #begin(): string[] {
    if (this.#hasBegun) return [];
    this.#hasBegun = true;
    const own = ownFields(this.#extra);
    const message = {
      id: this.#start.id,
      type: "message",
      role: "assistant",
      model: this.#start.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: encodeUsage(this.#usage, objectOf(own["usage"])),
      ...omit(own, ["usage"]),
    };
    // What has been said here is not said again at the end.
    this.#extra = { [ID]: own["usage"] === undefined ? {} : { usage: own["usage"] } };
    return [format({ type: "message_start", message })];
  }

  #part(event: PartEvent): string[] {
    if (event.type === "part-start" && event.kind === "refusal") this.#refusalParts.add(event.part);
    if (this.#refusalParts.has(event.part)) {
      if (event.type === "part-delta") this.#refusal = (this.#refusal ?? "") + event.text;
      return [];
    }
    return [...this.#begin(), ...this.#blocks.push(event)];
  }

  #finish(event: Extract<Event, { type: "finish" }>): string[] {
    this.#isFinished = true;
    if (event.error !== undefined) return [encodeErrorFrame(event.error, this.#requestId)];
    if (event.extra !== undefined) this.#extra = mergeExtra(this.#extra, event.extra);
    const frames = [...this.#begin(), ...this.#blocks.closeAll()];
    const own = ownFields(this.#extra);
    const delta: JsonObject = encodeStop({
      finish: this.#stop?.finish ?? "other",
      ...(this.#stop?.stopSequence === undefined ? {} : { stopSequence: this.#stop.stopSequence }),
      ...(this.#refusal === null ? {} : { refusal: this.#refusal }),
      ...(this.#stop?.extra === undefined ? {} : { extra: this.#stop.extra }),
    });
    if (own["container"] !== undefined) delta["container"] = own["container"];
    const usage = encodeUsage(this.#usage, objectOf(own["usage"]));
    frames.push(format({ type: "message_delta", delta, usage, ...omit(own, ["usage", "container"]) }));
    frames.push(format({ type: "message_stop" }));
    return frames;
  }
}
