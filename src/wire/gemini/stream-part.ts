// The parts of one candidate of a streamed answer, as they go out piece by piece. Knows no chunk and no candidate.

import type {
  Citation,
  Extra,
  JsonObject,
  PartDeltaEvent,
  PartStartEvent,
  ReasoningPart,
  ToolCallPart,
} from "../../ir/index.ts";
import { ownFields } from "./body.ts";
import { showMedia } from "./media.ts";
import { closeSignature, createPartWriter, encodeCall, textPartOf, thoughtOf } from "./part-encode.ts";
import { keptPart } from "./part.ts";

type Sealed = Pick<ReasoningPart, "signature" | "encrypted" | "origin">;

type PartState =
  | { kind: "text"; text: string; citations: Citation[]; own: JsonObject }
  /** `text` waits for the signature that stands on the last piece; `said` once any piece has gone out. */
  | { kind: "reasoning"; text: string; said: boolean; sealed: Sealed; extra: Extra | undefined }
  | { kind: "call"; call: ToolCallPart }
  | { kind: "refusal" | "whole" };

export class ChoiceWriter {
  refusal: string | null = null;
  #newCitations = 0;
  readonly #parts = new Map<number, PartState>();
  readonly #writer = createPartWriter(true);

  begin({ part, kind, extra }: PartStartEvent): JsonObject[] {
    if (kind === "refusal") this.#parts.set(part, { kind: "refusal" });
    else if (kind === "reasoning") {
      this.#parts.set(part, { kind: "reasoning", text: "", said: false, sealed: {}, extra });
    } else if (kind === "text") return this.#beginText(part, extra);
    else if ("media" in kind) {
      this.#parts.set(part, { kind: "whole" });
      this.#writer.add(showMedia(kind.media, true));
    } else {
      const call: ToolCallPart = {
        type: "tool-call",
        ...kind.toolCall,
        arguments: "",
        ...(extra === undefined ? {} : { extra }),
      };
      this.#parts.set(part, { kind: "call", call });
    }
    return this.#take();
  }

  #beginText(part: number, extra: Extra | undefined): JsonObject[] {
    const kept = keptPart(extra);
    if (kept === null) {
      this.#parts.set(part, { kind: "text", text: "", citations: [], own: ownFields(extra) });
      return [];
    }
    this.#parts.set(part, { kind: "whole" });
    this.#writer.add(kept);
    return this.#take();
  }

  add(event: PartDeltaEvent): JsonObject[] {
    const state = this.#parts.get(event.part);
    switch (state?.kind) {
      case "text":
        state.text += event.text;
        if (event.citations !== undefined) {
          state.citations.push(...event.citations);
          this.#newCitations += event.citations.length;
        }
        if (event.text !== "") this.#writer.add(textPartOf(event.text, state.own));
        return this.#take();
      case "reasoning":
        return this.#think(state, event);
      case "call":
        state.call.arguments += event.text;
        return [];
      case "refusal":
        this.refusal = (this.refusal ?? "") + event.text;
        return [];
      case "whole":
      case undefined:
        return [];
      default:
        return state satisfies never;
    }
  }

  /** A thought is one piece late, so that its signature finds a text to stand on. */
  #think(state: PartState & { kind: "reasoning" }, event: PartDeltaEvent): JsonObject[] {
    const { text, signature, encrypted, origin } = event;
    if (text !== "" && state.text !== "") this.#writer.add(thoughtOf(state.text, null));
    if (text !== "") {
      state.said ||= state.text !== "";
      state.text = text;
    }
    const { sealed } = state;
    if (signature !== undefined) sealed.signature = (sealed.signature ?? "") + signature;
    if (encrypted !== undefined) sealed.encrypted = (sealed.encrypted ?? "") + encrypted;
    if (origin !== undefined) sealed.origin = origin;
    return this.#take();
  }

  close(part: number): JsonObject[] {
    const state = this.#parts.get(part);
    if (state?.kind === "call") this.#writer.add(encodeCall(state.call, state.call.name));
    if (state?.kind === "reasoning") this.#closeThought(state);
    if (state?.kind !== "text") this.#parts.delete(part);
    return this.#take();
  }

  #closeThought({ text, said, sealed, extra }: PartState & { kind: "reasoning" }): void {
    const own = ownFields(extra);
    if (text === "" && !said)
      this.#writer.addReasoning({ type: "reasoning", text, ...sealed, ...(extra ? { extra } : {}) });
    else this.#writer.add({ ...thoughtOf(text, closeSignature(sealed)), ...own });
  }

  /** What still waits when the candidate is complete. */
  end(): JsonObject[] {
    for (const part of this.#parts.keys()) this.close(part);
    this.#writer.end();
    return this.#writer.parts.splice(0);
  }

  /** The texts that name sources, as one: a client joins the pieces. */
  cited(): { part: number; text: string; citations: Citation[] }[] {
    let text = "";
    const citations: Citation[] = [];
    for (const state of this.#parts.values()) {
      if (state.kind !== "text") continue;
      const base = text.length;
      text += state.text;
      citations.push(...state.citations.map((citation) => movePlace(citation, base)));
    }
    return citations.length === 0 ? [] : [{ part: 0, text, citations }];
  }

  /** The same once more names have come since it was last asked for; else null. */
  takeCited(): ReturnType<ChoiceWriter["cited"]> | null {
    if (this.#newCitations === 0) return null;
    this.#newCitations = 0;
    return this.cited();
  }

  #take(): JsonObject[] {
    return this.#writer.parts.splice(0);
  }
}

function movePlace(citation: Citation, base: number): Citation {
  const { start, end } = citation;
  return start === undefined || end === undefined ? citation : { ...citation, start: start + base, end: end + base };
}
