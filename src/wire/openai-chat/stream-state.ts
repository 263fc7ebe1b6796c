// What is remembered of one choice of a stream while it is read, and the opening and closing of its parts. Reads no delta.

import type { Event, Extra, Json, JsonObject, PartStartEvent, ReasoningPart } from "../../ir/index.ts";

export interface ChoiceState {
  index: number;
  /** Id of the answer: for calls that came without an id of their own. */
  answerId: string;
  nextPart: number;
  /** The text, refusal or reasoning that is being written. Calls stay open beside it, see stream-tool.ts. */
  open: OpenPart | null;
  tools: ToolState[];
  /** The server's word for why it ended, as last said; null until then. More may come behind it. */
  reason: string | null;
  /** Whether it came in deltas: a whole message after them repeats what they said. */
  hasDelta: boolean;
  /** Whether its text says itself what it was taken from. */
  isCited: boolean;
  /** Annotations of a text that has not begun. */
  annotations: Json[];
  /** What chunks say beside the answer, as last seen. */
  beside: JsonObject;
  /** Where the text of reasoning is read: servers that send details repeat it there. */
  reasoningFrom: "field" | "details" | null;
  /** Length of all text so far: places of citations count from its start. */
  textLength: number;
  /** Sealed reasoning that names the call it belongs to, by that call's id, and all seals told so far. */
  waitingSeals: Map<string, ReasoningPart>;
  seals: Set<string>;
  /** What the choice says beside its answer, for its end. */
  own: JsonObject;
  message: JsonObject;
}

export interface OpenPart {
  part: number;
  kind: "text" | "refusal" | "reasoning" | "thinking";
  /** Index of the last detail that belongs to this part. */
  detail?: Json | undefined;
  /** Signed or sealed: what follows is another part. */
  isSealed: boolean;
  /** Where its text stands in all text of the choice. */
  base: number;
}

export function openChoice(index: number, answerId: string, beside: JsonObject): ChoiceState {
  return {
    index,
    answerId,
    nextPart: 0,
    open: null,
    tools: [],
    reason: null,
    hasDelta: false,
    isCited: false,
    annotations: [],
    beside,
    reasoningFrom: null,
    textLength: 0,
    waitingSeals: new Map(),
    seals: new Set(),
    own: {},
    message: {},
  };
}

export interface ToolState {
  /** The server's number; null where it gives none. */
  index: number | null;
  /** The server's id; "" where it gave none. */
  id: string;
  name: string;
  /** The part's number, once the name is known. */
  part: number | null;
  /** All arguments so far: told once the part is open. */
  text: string;
  isClosed: boolean;
  /** Takes free text: nothing tells before the end that it is complete. */
  isCustom: boolean;
  /** The signature that stands on the call itself. */
  signature: string | null;
  own: JsonObject;
}

/** Opens a part and gives its number. */
export function startPart(
  choice: ChoiceState,
  kind: PartStartEvent["kind"],
  events: Event[],
  extra: { extra?: Extra } = {},
): number {
  const part = choice.nextPart++;
  events.push({ type: "part-start", choice: choice.index, part, kind, ...extra });
  return part;
}

/** Ends the text or reasoning that is open, because something else begins. */
export function closeOpen(choice: ChoiceState, events: Event[]): void {
  if (choice.open === null) return;
  events.push({ type: "part-end", choice: choice.index, part: choice.open.part });
  choice.open = null;
}

/** A part of sealed reasoning, whole. */
export function tellSeal(choice: ChoiceState, { encrypted = "", origin, extra }: ReasoningPart, events: Event[]): void {
  closeOpen(choice, events);
  choice.seals.add(encrypted);
  const part = startPart(choice, "reasoning", events, extra === undefined ? {} : { extra });
  const event = { type: "part-delta", choice: choice.index, part, text: "", encrypted } as const;
  events.push(origin === undefined ? event : { ...event, origin });
  events.push({ type: "part-end", choice: choice.index, part });
}
