// The message that a streamed response is writing: its texts and its refusal, each a content part. Knows no other item.

import type { Citation, JsonObject, PartDeltaEvent, TextPart, TokenLogprob } from "../../ir/index.ts";
import { encodeText } from "./answer.ts";
import { ID, type ItemStatus } from "./body.ts";
import { encodeAnnotations } from "./citation.ts";
import { encodeLogprobs } from "./logprob.ts";
import type { Emit } from "./stream-encode.ts";
import { objectOf } from "../json-read.ts";

interface Slot {
  index: number;
  id: string;
}

interface Content {
  kind: "text" | "refusal";
  index: number;
  text: string;
  citations: Citation[];
  /** Citations of the whole part, whose end is not known yet. */
  waiting: Citation[];
  logprobs: TokenLogprob[];
  own: JsonObject;
  isEnded: boolean;
}

interface Message {
  slot: Slot;
  own: JsonObject;
  contents: Content[];
}

export class MessageWriter {
  readonly #emit: Emit;
  readonly #output: { open(own: JsonObject): Slot; close(slot: Slot, item: JsonObject): string };
  #message: Message | null = null;
  /** The content part that each canonical part is writing. */
  readonly #writing = new Map<number, Content>();

  constructor(emit: Emit, output: { open(own: JsonObject): Slot; close(slot: Slot, item: JsonObject): string }) {
    this.#emit = emit;
    this.#output = output;
  }

  /** More of a part, which opens with the first thing that it says. */
  add(event: PartDeltaEvent, { kind, own }: { kind: "text" | "refusal"; own: JsonObject }): string[] {
    const { part, text, citations = [], logprobs = [] } = event;
    if (text === "" && citations.length === 0 && logprobs.length === 0) return [];
    const frames: string[] = [];
    let content = this.#writing.get(part);
    if (content === undefined) {
      frames.push(...this.#openMessage(objectOf(own["message"])));
      content = this.#openContent(kind, own, frames);
      this.#writing.set(part, content);
    }
    content.text += text;
    if (kind === "refusal") {
      frames.push(this.#tell("response.refusal.delta", content, { delta: text }));
      return frames;
    }
    content.logprobs.push(...logprobs);
    if (text !== "" || logprobs.length > 0) {
      const told = { delta: text, logprobs: encodeLogprobs(logprobs) };
      frames.push(this.#tell("response.output_text.delta", content, told));
    }
    content.waiting.push(...citations.filter(({ end }) => end === undefined));
    const known = citations.filter(({ end }) => end !== undefined);
    frames.push(...this.#cite(content, known));
    return frames;
  }

  /** Words of ours, whole. */
  say(text: string): string[] {
    const frames = this.#openMessage({});
    const content = this.#openContent("text", {}, frames);
    content.text = text;
    frames.push(this.#tell("response.output_text.delta", content, { delta: text, logprobs: [] }));
    return [...frames, ...this.#endContent(content)];
  }

  end(part: number): string[] {
    const content = this.#writing.get(part);
    this.#writing.delete(part);
    return content === undefined ? [] : this.#endContent(content);
  }

  /** Ends the message and its parts; what they say later begins a new one. */
  close(status: ItemStatus): string[] {
    const message = this.#message;
    if (message === null) return [];
    const frames = message.contents.flatMap((content) => this.#endContent(content));
    this.#writing.clear();
    this.#message = null;
    const item = printMessage(message, status, message.contents.map(printContent));
    return [...frames, this.#output.close(message.slot, item)];
  }

  #openMessage(own: JsonObject): string[] {
    if (this.#message !== null && JSON.stringify(this.#message.own) === JSON.stringify(own)) return [];
    const frames = this.close("completed");
    const message: Message = { slot: this.#output.open(own), own, contents: [] };
    this.#message = message;
    const item = printMessage(message, "in_progress", []);
    frames.push(this.#emit("response.output_item.added", { output_index: message.slot.index, item }));
    return frames;
  }

  #openContent(kind: Content["kind"], own: JsonObject, frames: string[]): Content {
    const contents = this.#message?.contents ?? [];
    const content: Content = {
      kind,
      index: contents.length,
      text: "",
      citations: [],
      waiting: [],
      logprobs: [],
      own,
      isEnded: false,
    };
    contents.push(content);
    frames.push(this.#tell("response.content_part.added", content, { part: printContent(content) }));
    return content;
  }

  #endContent(content: Content): string[] {
    if (content.isEnded) return [];
    content.isEnded = true;
    const frames = this.#cite(content, content.waiting.splice(0));
    const { kind, text, logprobs } = content;
    frames.push(
      kind === "refusal"
        ? this.#tell("response.refusal.done", content, { refusal: text })
        : this.#tell("response.output_text.done", content, { text, logprobs: encodeLogprobs(logprobs) }),
      this.#tell("response.content_part.done", content, { part: printContent(content) }),
    );
    return frames;
  }

  /** Citations that have a form here, numbered within their text. */
  #cite(content: Content, citations: readonly Citation[]): string[] {
    return citations.flatMap((citation) => {
      const [annotation] = encodeAnnotations([citation], content.text.length);
      if (annotation === undefined) return [];
      const index = content.citations.push(withEnd(citation, content.text.length)) - 1;
      return [this.#tell("response.output_text.annotation.added", content, { annotation_index: index, annotation })];
    });
  }

  #tell(type: string, { index }: Content, fields: JsonObject): string {
    const { id, index: place } = this.#message?.slot ?? { id: "", index: 0 };
    return this.#emit(type, { item_id: id, output_index: place, content_index: index, ...fields });
  }
}

/** The end as it was told: the text goes on. */
function withEnd(citation: Citation, length: number): Citation {
  return citation.url === undefined || citation.end !== undefined || citation.extra?.[ID] !== undefined
    ? citation
    : { ...citation, start: citation.start ?? 0, end: length };
}

function printMessage({ slot, own }: Message, status: ItemStatus, content: JsonObject[]): JsonObject {
  return { ...own, id: slot.id, type: "message", status, content, role: "assistant" };
}

function printContent({ kind, text, citations, logprobs, own }: Content): JsonObject {
  if (kind === "refusal") return { type: "refusal", refusal: text };
  const part: TextPart = { type: "text", text, citations, logprobs, extra: { [ID]: own } };
  return encodeText(part);
}
