// The output items of a streamed response as they grow: parts → items, each opened, told and closed as OpenAI does it. Texts that follow each
// other are one message. Knows no response around the items.

import type { JsonObject, PartDeltaEvent, PartEndEvent, PartStartEvent, ReasoningPart } from "../../ir/index.ts";
import { isCustomTool, unwrapInput } from "../custom-tool.ts";
import type { ClientContext } from "../type.ts";
import { encodeCall } from "./answer.ts";
import { ID, type ItemStatus, ownFields } from "./body.ts";
import { type ItemKind, makeItemId } from "./item-id.ts";
import { encodeGenerated, keptItem } from "./kept.ts";
import { findName } from "./namespace.ts";
import { encodeReasoning, isShownWhole } from "./reasoning.ts";
import type { Emit } from "./stream-encode.ts";
import { MessageWriter } from "./stream-message.ts";
import { isSearch } from "./tool.ts";
import { omit } from "../json-read.ts";

interface ReasoningState {
  kind: "reasoning";
  slot: Slot | null;
  part: ReasoningPart;
  isTextOpen: boolean;
}

interface CallState {
  kind: "call";
  slot: Slot;
  id: string;
  name: string;
  isCustom: boolean;
  /** Arguments that the client must get as free text: that needs all of them. */
  isHeld: boolean;
  /** Its form has no pieces: it is told at its end alone. */
  isWhole: boolean;
  text: string;
  own: JsonObject;
}

interface TextState {
  kind: "text" | "refusal";
  own: JsonObject;
}

/** The place of an item in the output, and its id. */
interface Slot {
  index: number;
  id: string;
}

export class OutputWriter {
  readonly #emit: Emit;
  readonly #client: ClientContext;
  readonly #items: JsonObject[] = [];
  readonly #parts = new Map<number, TextState | ReasoningState | CallState>();
  readonly #message: MessageWriter;

  constructor(emit: Emit, client: ClientContext) {
    this.#emit = emit;
    this.#client = client;
    this.#message = new MessageWriter(emit, {
      open: (own) => this.#open("message", own),
      close: (slot, item) => this.#close(slot, item),
    });
  }

  /** The items that are complete, in order. */
  items(): JsonObject[] {
    return this.#items.filter((item) => Object.keys(item).length > 0);
  }

  start({ part, kind, extra }: PartStartEvent): string[] {
    const own = ownFields(extra);
    const kept = keptItem(extra);
    if (kept !== null) return [...this.#message.close("completed"), ...this.#whole(kept)];
    if (kind === "text" || kind === "refusal") {
      this.#parts.set(part, { kind, own });
      return [];
    }
    if (kind === "reasoning") {
      const state: ReasoningState = {
        kind,
        slot: null,
        part: { type: "reasoning", text: "", extra: { [ID]: own } },
        isTextOpen: false,
      };
      this.#parts.set(part, state);
      return [];
    }
    return "media" in kind ? this.#showMedia(kind.media) : this.#startCall(part, kind.toolCall, own);
  }

  delta(event: PartDeltaEvent): string[] {
    const state = this.#parts.get(event.part);
    if (state === undefined) return [];
    if (state.kind === "reasoning") return this.#addReasoning(state, event);
    if (state.kind === "call") return this.#addArguments(state, event.text);
    return this.#message.add(event, state);
  }

  end({ part }: PartEndEvent): string[] {
    const state = this.#parts.get(part);
    if (state === undefined) return [];
    this.#parts.delete(part);
    if (state.kind === "reasoning") return this.#endReasoning(state);
    if (state.kind === "call") return this.#endCall(state);
    return this.#message.end(part);
  }

  /** Ends whatever is open. */
  close(status: ItemStatus): string[] {
    const frames = [...this.#parts.keys()].flatMap((part) => this.end({ type: "part-end", choice: 0, part }));
    return [...frames, ...this.#message.close(status)];
  }

  #open(kind: ItemKind, own: JsonObject): Slot {
    const index = this.#items.push({}) - 1;
    const id = typeof own["id"] === "string" ? own["id"] : makeItemId(kind, this.#client.callId, index);
    return { index, id };
  }

  #close({ index }: Slot, item: JsonObject): string {
    this.#items[index] = item;
    return this.#emit("response.output_item.done", { output_index: index, item });
  }

  /** An item that has no pieces. */
  #whole(item: JsonObject): string[] {
    const slot = this.#open("image", item);
    return [this.#emit("response.output_item.added", { output_index: slot.index, item }), this.#close(slot, item)];
  }

  #showMedia(media: Parameters<typeof encodeGenerated>[0]): string[] {
    const shown = encodeGenerated(media, "");
    if (typeof shown === "string") return this.#message.say(shown);
    const frames = this.#message.close("completed");
    const slot = this.#open("image", ownFields(media.extra));
    const item: JsonObject = { ...shown, id: slot.id };
    const place = { item_id: slot.id, output_index: slot.index };
    frames.push(
      this.#emit("response.output_item.added", {
        output_index: slot.index,
        item: { ...item, status: "in_progress", result: null },
      }),
      this.#emit("response.image_generation_call.in_progress", place),
      this.#emit("response.image_generation_call.generating", place),
      this.#emit("response.image_generation_call.completed", place),
      this.#close(slot, item),
    );
    return frames;
  }

  #startCall(part: number, call: { id: string; name: string; custom?: true }, own: JsonObject): string[] {
    const { tools } = this.#client.request;
    const frames = this.#message.close("completed");
    const isHeld = call.custom !== true && isCustomTool(findName(call.name, tools), tools);
    const isCustom = isHeld || call.custom === true;
    const isWhole = isSearch(call.name, tools);
    const slot = this.#open(isWhole ? "search" : isCustom ? "custom" : "function", own);
    const { id, name } = call;
    const state: CallState = { kind: "call", slot, id, name, isCustom, isHeld, isWhole, text: "", own };
    this.#parts.set(part, state);
    const item = this.#printCall(state, "in_progress");
    return [...frames, this.#emit("response.output_item.added", { output_index: slot.index, item })];
  }

  #printCall({ slot, id, name, isCustom, text, own }: CallState, status: ItemStatus): JsonObject {
    return encodeCall(
      { type: "tool-call", id, name, arguments: text, ...(isCustom ? { custom: true } : {}), extra: { [ID]: own } },
      this.#client.request.tools,
      { id: slot.id, status },
    );
  }

  #addArguments(state: CallState, text: string): string[] {
    if (text === "") return [];
    state.text += text;
    return state.isHeld || state.isWhole ? [] : [this.#tellArguments(state, text)];
  }

  #tellArguments({ slot, isCustom }: CallState, delta: string): string {
    const type = isCustom ? "response.custom_tool_call_input.delta" : "response.function_call_arguments.delta";
    return this.#emit(type, { item_id: slot.id, output_index: slot.index, delta });
  }

  #endCall(state: CallState): string[] {
    if (state.isWhole) return [this.#close(state.slot, this.#printCall(state, "completed"))];
    const frames: string[] = [];
    if (state.isHeld) {
      state.text = unwrapInput(state.text);
      if (state.text !== "") frames.push(this.#tellArguments(state, state.text));
    }
    const { slot, text } = state;
    const place = { item_id: slot.id, output_index: slot.index };
    frames.push(
      state.isCustom
        ? this.#emit("response.custom_tool_call_input.done", { ...place, input: text })
        : this.#emit("response.function_call_arguments.done", { ...place, arguments: text }),
      this.#close(slot, this.#printCall(state, "completed")),
    );
    return frames;
  }

  /** Reasoning that says nothing is no item. What is sealed is told at its end. */
  #addReasoning(state: ReasoningState, { text, signature, encrypted, origin }: PartDeltaEvent): string[] {
    const { part } = state;
    if (signature !== undefined) part.signature = (part.signature ?? "") + signature;
    if (encrypted !== undefined) part.encrypted = (part.encrypted ?? "") + encrypted;
    if (origin !== undefined) part.origin = origin;
    if (text === "") return [];
    const frames = this.#openReasoning(state);
    if (!state.isTextOpen) frames.push(this.#tellReasoning(state, "added"));
    state.isTextOpen = true;
    part.text += text;
    frames.push(this.#tellReasoning(state, "delta", text));
    return frames;
  }

  #openReasoning(state: ReasoningState): string[] {
    if (state.slot !== null) return [];
    const frames = this.#message.close("completed");
    const own = ownFields(state.part.extra);
    state.slot = this.#open("reasoning", own);
    const { index, id } = state.slot;
    const item = { ...omit(own, ["content"]), id, type: "reasoning", summary: [] };
    return [...frames, this.#emit("response.output_item.added", { output_index: index, item })];
  }

  #tellReasoning({ slot, part }: ReasoningState, what: "added" | "delta" | "text" | "part", delta = ""): string {
    const isWhole = isShownWhole(ownFields(part.extra));
    const place: JsonObject = {
      item_id: slot?.id ?? "",
      output_index: slot?.index ?? 0,
      [isWhole ? "content_index" : "summary_index"]: 0,
    };
    const names = isWhole
      ? { part: "response.content_part", text: "response.reasoning_text", type: "reasoning_text" }
      : { part: "response.reasoning_summary_part", text: "response.reasoning_summary_text", type: "summary_text" };
    switch (what) {
      case "added":
        return this.#emit(`${names.part}.added`, { ...place, part: { type: names.type, text: "" } });
      case "delta":
        return this.#emit(`${names.text}.delta`, { ...place, delta });
      case "text":
        return this.#emit(`${names.text}.done`, { ...place, text: part.text });
      case "part":
        return this.#emit(`${names.part}.done`, { ...place, part: { type: names.type, text: part.text } });
      default:
        return what satisfies never;
    }
  }

  #endReasoning(state: ReasoningState): string[] {
    const { part } = state;
    if (part.text === "" && part.signature === undefined && part.encrypted === undefined) return [];
    const frames = this.#openReasoning(state);
    if (state.isTextOpen) frames.push(this.#tellReasoning(state, "text"), this.#tellReasoning(state, "part"));
    if (state.slot === null) return frames;
    const own = omit(ownFields(part.extra), ["content"]);
    const item = { ...own, id: state.slot.id, type: "reasoning", ...omit(encodeReasoning(part), ["id"]) };
    return [...frames, this.#close(state.slot, item)];
  }
}
