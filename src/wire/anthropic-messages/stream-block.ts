// The content blocks of a streamed message as they grow: parts → blocks, each opened, told and closed before the next one. Knows no message around
// them.

import {
  type JsonObject,
  type MediaPart,
  type PartDeltaEvent,
  type PartEndEvent,
  type PartStartEvent,
  type ReasoningPart,
  type Tool,
  isJsonObject,
} from "../../ir/index.ts";
import { formatFrame } from "../../lib/sse.ts";
import { restoreName } from "../safe-name.ts";
import { isForeign, seal } from "../seal.ts";
import { ID, ownFields } from "./body.ts";
import { encodeCitation } from "./citation.ts";
import { keptBlock } from "./content.ts";
import { describeMedia } from "./media.ts";
import { redactedBlock } from "./reasoning.ts";

export type PartEvent = PartStartEvent | PartDeltaEvent | PartEndEvent;

interface BlockState {
  start: PartStartEvent;
  /** Null until the block is opened: one that never says anything is never opened. */
  index: number | null;
  /** What came while another block was open. */
  waiting: (PartDeltaEvent | PartEndEvent)[];
  isClosed: boolean;
  /** What another format's provider signed or sealed: told at the end of its part. */
  sealed: Sealed | null;
}

type Sealed = Pick<ReasoningPart, "signature" | "encrypted" | "origin">;

/**
 * Writes blocks one after another. Text and reasoning give way when another part begins and go on in a new block if need be; a tool call
 * keeps its block until it is complete, and what comes meanwhile waits.
 */
export class BlockWriter {
  #nextIndex = 0;
  #current: BlockState | null = null;
  /** What was sealed without a text to it: it goes before the block that follows, and is of no use behind all others. */
  #seals: string[] = [];
  readonly #queue: BlockState[] = [];
  readonly #parts = new Map<number, BlockState>();
  readonly #tools: readonly Tool[];

  constructor(tools: readonly Tool[]) {
    this.#tools = tools;
  }

  push(event: PartEvent): string[] {
    if (event.type === "part-start") {
      const state: BlockState = { start: event, index: null, waiting: [], isClosed: false, sealed: null };
      this.#parts.set(event.part, state);
      return this.#enter(state);
    }
    const state = this.#parts.get(event.part);
    if (state === undefined) return [];
    if (state === this.#current) return this.#write(state, event);
    if (!state.isClosed) {
      state.waiting.push(event);
      return [];
    }
    if (event.type === "part-end") return [];
    const again: BlockState = { start: state.start, index: null, waiting: [event], isClosed: false, sealed: null };
    this.#parts.set(event.part, again);
    return this.#enter(again);
  }

  closeAll(): string[] {
    const frames: string[] = [];
    while (this.#current !== null) frames.push(...this.#close(this.#current));
    const hasSaid = this.#nextIndex > 0;
    for (const data of this.#seals.splice(0)) if (!hasSaid) frames.push(...this.#writeBlock(redactedBlock(data)));
    return frames;
  }

  #enter(state: BlockState): string[] {
    const frames: string[] = [];
    // What has waited comes first where one gives way.
    while (this.#current !== null && !isToolCall(this.#current)) frames.push(...this.#close(this.#current));
    if (this.#current !== null) {
      this.#queue.push(state);
      return frames;
    }
    this.#current = state;
    return [...frames, ...this.#resume(state)];
  }

  /** Opens what must be open from the start, and writes what has waited. */
  #resume(state: BlockState): string[] {
    const frames: string[] = [];
    const { kind, extra } = state.start;
    if (isToolCall(state) || keptBlock(extra) !== null || typeof kind === "object") frames.push(...this.#open(state));
    for (const event of state.waiting.splice(0)) frames.push(...this.#write(state, event));
    return frames;
  }

  #write(state: BlockState, event: PartDeltaEvent | PartEndEvent): string[] {
    if (event.type === "part-end") {
      const frames = state.index === null ? [] : writeRest(state.index, state.start, event);
      return [...frames, ...this.#close(state)];
    }
    if (holdSealed(state, event)) {
      const { signature: _signature, encrypted: _encrypted, ...shown } = event;
      return this.#write(state, shown);
    }
    if (event.encrypted !== undefined) {
      return [...this.#write(state, withoutEncrypted(event)), ...this.#redacted(state, event.encrypted)];
    }
    const deltas = deltasOf(state.start, event);
    if (deltas.length === 0) return [];
    const frames = this.#open(state);
    const { index } = state;
    if (index !== null) frames.push(...deltas.map((delta) => deltaOf(index, delta)));
    return frames;
  }

  #open(state: BlockState): string[] {
    if (state.index !== null) return [];
    const frames = this.#seals.splice(0).flatMap((data) => this.#writeBlock(redactedBlock(data)));
    state.index = this.#nextIndex++;
    const { index, start } = state;
    const block = blockOf(start, this.#tools);
    frames.push(format({ type: "content_block_start", index, content_block: block }));
    // The provider sends one here.
    if (index === 0) frames.push(format({ type: "ping" }));
    if (isFreeText(start)) frames.push(inputOf(index, FREE_TEXT_START));
    const media = mediaOf(start);
    // Many clients read a text from its deltas alone.
    if (media !== null) frames.push(deltaOf(index, { type: "text_delta", text: describeMedia(media) }));
    return frames;
  }

  /** Hidden reasoning is a block of its own, whole from the start; what was shown before it ends first. */
  #redacted(state: BlockState, data: string): string[] {
    const frames = state.index === null ? [] : [stopOf(state.index)];
    state.index = null;
    return [...frames, ...this.#writeBlock(redactedBlock(data))];
  }

  #writeBlock(block: JsonObject): string[] {
    const index = this.#nextIndex++;
    return [format({ type: "content_block_start", index, content_block: block }), stopOf(index)];
  }

  /** As the signature of what was shown; where nothing was, it waits. */
  #writeSealed(state: BlockState): string[] {
    const data = state.sealed === null ? null : seal(state.sealed, ID);
    state.sealed = null;
    if (data === null) return [];
    if (state.index === null) {
      this.#seals.push(data);
      return [];
    }
    return [deltaOf(state.index, { type: "signature_delta", signature: data })];
  }

  #close(state: BlockState): string[] {
    state.isClosed = true;
    const frames = this.#writeSealed(state);
    if (state.index !== null && isFreeText(state.start)) frames.push(inputOf(state.index, FREE_TEXT_END));
    if (state.index !== null) frames.push(stopOf(state.index));
    this.#current = this.#queue.shift() ?? null;
    return this.#current === null ? frames : [...frames, ...this.#resume(this.#current)];
  }
}

function isToolCall({ start }: BlockState): boolean {
  return typeof start.kind === "object" && "toolCall" in start.kind;
}

/** A call of free text is one with a single argument: its pieces are told inside of a JSON string. */
const FREE_TEXT_START = '{"input":"';
const FREE_TEXT_END = '"}';

function isFreeText({ kind }: PartStartEvent): boolean {
  return typeof kind === "object" && "toolCall" in kind && kind.toolCall.custom === true;
}

function mediaOf({ kind }: PartStartEvent): MediaPart | null {
  return typeof kind === "object" && "media" in kind ? kind.media : null;
}

function inputOf(index: number, text: string): string {
  return deltaOf(index, { type: "input_json_delta", partial_json: text });
}

function deltaOf(index: number, delta: JsonObject): string {
  return format({ type: "content_block_delta", index, delta });
}

/** Keeps what this format's provider cannot have made. False where the delta brings nothing of that kind. */
function holdSealed(state: BlockState, { signature, encrypted, origin }: PartDeltaEvent): boolean {
  if (signature === undefined && encrypted === undefined) return false;
  const held: Sealed = state.sealed ?? (origin === undefined ? {} : { origin });
  if (!isForeign(held, ID)) return false;
  if (signature !== undefined) held.signature = (held.signature ?? "") + signature;
  if (encrypted !== undefined) held.encrypted = (held.encrypted ?? "") + encrypted;
  state.sealed = held;
  return true;
}

function blockOf({ kind, extra }: PartStartEvent, tools: readonly Tool[]): JsonObject {
  const kept = keptBlock(extra);
  if (kept !== null) return kept;
  const own = ownFields(extra);
  if (kind === "reasoning") return { type: "thinking", thinking: "", signature: "", ...own };
  if (typeof kind === "object" && "toolCall" in kind) {
    const { id, name } = kind.toolCall;
    return { type: "tool_use", id, name: restoreName(name, tools), input: {}, ...own };
  }
  return { type: "text", text: "", ...(typeof kind === "object" ? {} : own) };
}

function deltasOf(start: PartStartEvent, event: PartDeltaEvent): JsonObject[] {
  const { kind } = start;
  const deltas: JsonObject[] = [];
  if (kind === "reasoning") {
    if (event.text !== "") deltas.push({ type: "thinking_delta", thinking: event.text });
    if (event.signature !== undefined) deltas.push({ type: "signature_delta", signature: event.signature });
    return deltas;
  }
  if (typeof kind === "object") {
    const text = isFreeText(start) ? JSON.stringify(event.text).slice(1, -1) : event.text;
    return text === "" ? [] : [{ type: "input_json_delta", partial_json: text }];
  }
  if (event.text !== "") deltas.push({ type: "text_delta", text: event.text });
  for (const citation of (event.citations ?? []).map(encodeCitation)) {
    if (citation !== null) deltas.push({ type: "citations_delta", citation });
  }
  return deltas;
}

/** The input of a kept block, which became whole only at its end. */
function writeRest(index: number, { extra }: PartStartEvent, end: PartEndEvent): string[] {
  const whole = keptBlock(end.extra);
  const before = keptBlock(extra);
  if (whole === null || before === null || !isJsonObject(whole["input"])) return [];
  const text = JSON.stringify(whole["input"]);
  if (text === JSON.stringify(before["input"])) return [];
  return [inputOf(index, text)];
}

function withoutEncrypted({ encrypted: _left, ...event }: PartDeltaEvent): PartDeltaEvent {
  return event;
}

function stopOf(index: number): string {
  return format({ type: "content_block_stop", index });
}

export function format(data: { type: string } & JsonObject): string {
  return formatFrame(JSON.stringify(data), data.type);
}
