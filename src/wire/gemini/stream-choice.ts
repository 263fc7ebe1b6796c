// One candidate of a streamed answer → events: which part a piece continues, and where a part ends. Knows no chunk beyond its candidate.

import type { Citation, Event, JsonObject, PartStartEvent, ReasoningPart } from "../../ir/index.ts";
import { decodeEnd, decodeLogprobs, isGrounded } from "./candidate.ts";
import { decodeCitations } from "./citation.ts";
import { type PartialCall, addPartial, beginPartial, isPartial } from "./partial-call.ts";
import { decodePart, unifyPart } from "./part.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

interface OpenPart {
  part: number;
  kind: "text" | "reasoning";
  text: string;
}

export class ChoiceReader {
  /** Why it ended, as last said: some servers say it on every chunk, or before all others. */
  #reason: string | null = null;
  readonly #choice: number;
  readonly #nameCall: () => string;
  #partCount = 0;
  #open: OpenPart | null = null;
  /** Seals behind a text that may go on: told once it has ended. */
  #held: ReasoningPart[] = [];
  #call: PartialCall | null = null;
  #hasCalls = false;
  #own: JsonObject = {};
  readonly #cited = new Set<string>();

  constructor(choice: number, nameCall: () => string) {
    this.#choice = choice;
    this.#nameCall = nameCall;
  }

  get hasEnded(): boolean {
    return this.#reason !== null;
  }

  push(candidate: JsonObject): Event[] {
    const events: Event[] = [];
    for (const part of objectsOf(objectOf(candidate["content"])["parts"])) this.#part(unifyPart(part), events);
    const logprobs = decodeLogprobs(candidate["logprobsResult"]);
    if (logprobs.length > 0) {
      const { part } = this.#assureText(events);
      events.push({ type: "part-delta", choice: this.#choice, part, text: "", logprobs });
    }
    this.#own = { ...this.#own, ...omit(candidate, ["content", "finishReason", "index", "logprobsResult"]) };
    if (this.#open?.kind === "text" && isGrounded(candidate)) this.#cite(events);
    const reason = textOf(candidate["finishReason"]);
    if (reason !== "" && reason !== "FINISH_REASON_UNSPECIFIED") this.#reason = reason;
    return events;
  }

  /** Once nothing more of it can come. */
  end(): Event[] {
    const events: Event[] = [];
    this.#closeCall(events);
    this.#cite(events);
    this.#close(events);
    const { refusal, ...end } = decodeEnd({ ...this.#own, finishReason: this.#reason }, this.#hasCalls);
    if (refusal !== undefined) this.#tell("refusal", events, undefined, refusal);
    events.push({ type: "choice-end", choice: this.#choice, ...end });
    return events;
  }

  #part(part: JsonObject, events: Event[]): void {
    const target = objectOf(part["functionCall"]);
    if (this.#call !== null && part["functionCall"] !== undefined && textOf(target["name"]) === "") {
      if (!addPartial(this.#call, target)) this.#closeCall(events);
      return;
    }
    this.#closeCall(events);
    if (isPartial(target)) {
      const [before, call] = decodePart(part, this.#nameCall).toReversed();
      if (call?.type === "reasoning") this.#seal(call, events);
      if (before?.type === "tool-call") this.#call = beginPartial(before, target);
      return;
    }
    const decoded = decodePart(part, this.#nameCall);
    // The signature of a text's piece is told behind it.
    const isPiece = this.#open?.kind === "text" && decoded.at(-1)?.type === "text" && decoded.length > 1;
    for (const item of isPiece ? decoded.toReversed() : decoded) this.#item(item, events);
  }

  #item(item: ReturnType<typeof decodePart>[number], events: Event[]): void {
    switch (item.type) {
      case "text": {
        const isKept = item.extra !== undefined;
        if (item.text === "" && !isKept) return;
        const open = isKept ? this.#begin("text", events, item.extra) : this.#assureText(events);
        this.#say(open, item.text, events);
        if (isKept) this.#close(events);
        return;
      }
      case "reasoning":
        if (item.text === "" && item.extra === undefined) this.#seal(item, events);
        else this.#think(item, events);
        return;
      case "tool-call":
        this.#tell({ toolCall: { id: item.id, name: item.name } }, events, item.extra, item.arguments);
        this.#hasCalls = true;
        return;
      case "media":
        this.#tell({ media: item }, events, item.extra);
        return;
      case "tool-result":
        return;
      default:
        item satisfies never;
    }
  }

  #think({ text, signature, encrypted, origin, extra }: ReasoningPart, events: Event[]): void {
    const isOpen = this.#open?.kind === "reasoning" && extra === undefined;
    const open = isOpen && this.#open !== null ? this.#open : this.#begin("reasoning", events, extra);
    this.#say(open, text, events);
    if (signature === undefined && encrypted === undefined) return;
    const sealed = {
      ...(signature === undefined ? {} : { signature }),
      ...(encrypted === undefined ? {} : { encrypted }),
      ...(origin === undefined ? {} : { origin }),
    };
    events.push({ type: "part-delta", choice: this.#choice, part: open.part, text: "", ...sealed });
    this.#close(events);
  }

  #seal(part: ReasoningPart, events: Event[]): void {
    if (this.#open?.kind === "text") this.#held.push(part);
    else this.#tellSeal(part, events);
  }

  #tellSeal({ encrypted, signature, origin }: ReasoningPart, events: Event[]): void {
    this.#close(events);
    const part = this.#start("reasoning", events);
    const sealed = {
      ...(signature === undefined ? {} : { signature }),
      ...(encrypted === undefined ? {} : { encrypted }),
      ...(origin === undefined ? {} : { origin }),
    };
    events.push({ type: "part-delta", choice: this.#choice, part, text: "", ...sealed });
    events.push({ type: "part-end", choice: this.#choice, part });
  }

  /** A part that is whole as it comes. */
  #tell(kind: PartStartEvent["kind"], events: Event[], extra: PartStartEvent["extra"], text = ""): void {
    this.#close(events);
    const part = this.#start(kind, events, extra);
    if (text !== "") events.push({ type: "part-delta", choice: this.#choice, part, text });
    events.push({ type: "part-end", choice: this.#choice, part });
  }

  #assureText(events: Event[]): OpenPart {
    const open = this.#open;
    return open?.kind === "text" && this.#held.length === 0 ? open : this.#begin("text", events);
  }

  #begin(kind: OpenPart["kind"], events: Event[], extra?: PartStartEvent["extra"]): OpenPart {
    this.#close(events);
    const open: OpenPart = { part: this.#start(kind, events, extra), kind, text: "" };
    this.#open = open;
    return open;
  }

  #start(kind: PartStartEvent["kind"], events: Event[], extra?: PartStartEvent["extra"]): number {
    const part = this.#partCount++;
    events.push({ type: "part-start", choice: this.#choice, part, kind, ...(extra === undefined ? {} : { extra }) });
    return part;
  }

  #say(open: OpenPart, text: string, events: Event[]): void {
    if (text === "") return;
    if (open.kind === "text") open.text += text;
    events.push({ type: "part-delta", choice: this.#choice, part: open.part, text });
  }

  #close(events: Event[]): void {
    if (this.#open !== null) events.push({ type: "part-end", choice: this.#choice, part: this.#open.part });
    this.#open = null;
    for (const seal of this.#held.splice(0)) this.#tellSeal(seal, events);
  }

  #closeCall(events: Event[]): void {
    const call = this.#call;
    if (call === null) return;
    this.#call = null;
    this.#item({ ...call.part, arguments: JSON.stringify(call.args) }, events);
  }

  /** Sources come with the last piece, or with several, each time all of them; their places count from the start of the text. */
  #cite(events: Event[]): void {
    const isOpen = this.#open?.kind === "text";
    const text = isOpen ? (this.#open?.text ?? "") : "";
    const all = decodeCitations(this.#own, () => text).map(({ citation }) => citation);
    // Once its text has ended, only the source of a citation is known.
    const told = isOpen ? all : all.map(withoutPlace);
    const citations = told.filter((citation) => !this.#cited.has(JSON.stringify(citation)));
    for (const citation of citations) {
      this.#cited.add(JSON.stringify(citation)).add(JSON.stringify(withoutPlace(citation)));
    }
    if (citations.length === 0) return;
    const { part } = isOpen && this.#open !== null ? this.#open : this.#begin("text", events);
    events.push({ type: "part-delta", choice: this.#choice, part, text: "", citations });
  }
}

function withoutPlace({ start: _start, end: _end, ...citation }: Citation): Citation {
  return citation;
}

/** The end of an answer without candidates, as events. */
export function tellNothing({ refusal, ...end }: ReturnType<typeof decodeEnd>): Event[] {
  const told: Event[] =
    refusal === undefined
      ? []
      : [
          { type: "part-start", choice: 0, part: 0, kind: "refusal" },
          { type: "part-delta", choice: 0, part: 0, text: refusal },
          { type: "part-end", choice: 0, part: 0 },
        ];
  return [...told, { type: "choice-end", choice: 0, ...end }];
}
