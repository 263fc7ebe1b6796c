// Canonical events → the chunks of streamGenerateContent, each a whole answer. Calls go out whole; why the answer ended, its sources and its
// usage stand in the last chunk. Knows no whole answer; the other direction is stream.ts.

import {
  type Event,
  type Extra,
  type JsonObject,
  type PartDeltaEvent,
  type PartStartEvent,
  type Response,
  type Tool,
  type Usage,
  mergeExtra,
} from "../../ir/index.ts";
import { restoreName } from "../safe-name.ts";
import type { ClientContext, Machine } from "../type.ts";
import { ownFields } from "./body.ts";
import { encodeEnd, encodeLogprobs, isGrounded, isNothing } from "./candidate.ts";
import { encodeCitations } from "./citation.ts";
import { encodeErrorFrame } from "./error.ts";
import { formatChunk } from "./frame.ts";
import { encodeHead } from "./response.ts";
import { ChoiceWriter } from "./stream-part.ts";
import { encodeUsage } from "./usage.ts";
import { objectOf, omit } from "../json-read.ts";

/** Events of one answer → complete frames. */
export function encodeStream({ request, requestId = "" }: ClientContext): Machine<Event, string> {
  const encoder = new StreamEncoder(request.tools, requestId);
  return { push: (event) => encoder.push(event), end: () => [] };
}

class StreamEncoder {
  readonly #tools: readonly Tool[];
  readonly #requestId: string;
  #head: Pick<Response, "id" | "model" | "createdAt"> = { id: "", model: "", createdAt: null };
  #extra: Extra = {};
  #usage: Usage | null = null;
  #isFinished = false;
  readonly #choices = new Map<number, ChoiceWriter>();
  readonly #ends = new Map<number, Extract<Event, { type: "choice-end" }>>();

  constructor(tools: readonly Tool[], requestId: string) {
    this.#tools = tools;
    this.#requestId = requestId;
  }

  push(event: Event): string[] {
    if (this.#isFinished) return [];
    switch (event.type) {
      case "start":
        this.#head = { id: event.id, model: event.model, createdAt: event.createdAt };
        this.#extra = mergeExtra(this.#extra, event.extra);
        return [];
      case "usage":
        this.#usage = event.usage;
        if (event.extra !== undefined) this.#extra = mergeExtra(this.#extra, event.extra);
        return [];
      case "part-start":
        return [
          ...this.#cite(event.choice),
          ...this.#write(event.choice, this.#choiceAt(event.choice).begin(this.#fit(event))),
        ];
      case "part-delta":
        return this.#write(event.choice, this.#choiceAt(event.choice).add(event), event);
      case "part-end":
        return this.#write(event.choice, this.#choiceAt(event.choice).close(event.part));
      case "choice-end":
        this.#ends.set(event.choice, event);
        return this.#write(event.choice, this.#choiceAt(event.choice).end());
      case "finish":
        return this.#finish(event);
      default:
        return event satisfies never;
    }
  }

  /** The client's own name of a tool that its provider knows by a fitted one. */
  #fit(event: PartStartEvent): PartStartEvent {
    const { kind } = event;
    if (typeof kind === "string" || !("toolCall" in kind)) return event;
    return { ...event, kind: { toolCall: { ...kind.toolCall, name: restoreName(kind.toolCall.name, this.#tools) } } };
  }

  #choiceAt(index: number): ChoiceWriter {
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    const choice = new ChoiceWriter();
    this.#choices.set(index, choice);
    return choice;
  }

  /** The sources of a text before another part begins; the last chunk names all of them again. */
  #cite(index: number): string[] {
    const texts = this.#choiceAt(index).takeCited();
    const grounding = texts === null ? null : encodeCitations(texts);
    if (grounding === null) return [];
    const candidate: JsonObject = { content: { parts: [], role: "model" }, index, groundingMetadata: grounding };
    return [formatChunk({ candidates: [candidate], ...encodeHead(this.#head) })];
  }

  #write(index: number, parts: JsonObject[], delta?: PartDeltaEvent): string[] {
    const logprobs = delta?.logprobs ?? [];
    if (parts.length === 0 && logprobs.length === 0) return [];
    const candidate: JsonObject = { content: { parts, role: "model" }, index };
    if (logprobs.length > 0) candidate["logprobsResult"] = encodeLogprobs(logprobs);
    return [formatChunk({ candidates: [candidate], ...encodeHead(this.#head) })];
  }

  #finish(event: Extract<Event, { type: "finish" }>): string[] {
    this.#isFinished = true;
    if (event.error !== undefined) return [encodeErrorFrame(event.error, this.#requestId)];
    if (event.extra !== undefined) this.#extra = mergeExtra(this.#extra, event.extra);
    const own = ownFields(this.#extra);
    const candidates = [...this.#ends.values()].flatMap((end) => this.#encodeEnd(end));
    const body: JsonObject = candidates.length === 0 ? {} : { candidates };
    const usage = encodeUsage(this.#usage, objectOf(own["usageMetadata"]));
    if (usage !== null) body["usageMetadata"] = usage;
    return [formatChunk({ ...body, ...encodeHead(this.#head), ...omit(own, ["usageMetadata"]) })];
  }

  #encodeEnd({ choice: index, finish, extra }: Extract<Event, { type: "choice-end" }>): JsonObject[] {
    const writer = this.#choiceAt(index);
    if (isNothing(extra)) return [];
    const refusal = writer.refusal === null ? {} : { refusal: writer.refusal };
    const end = encodeEnd({ finish, ...refusal, ...(extra === undefined ? {} : { extra }) });
    const grounding = isGrounded(end) ? null : encodeCitations(writer.cited());
    if (grounding !== null) end["groundingMetadata"] = grounding;
    return [{ content: { parts: [{ text: "" }], role: "model" }, index, ...end }];
  }
}
