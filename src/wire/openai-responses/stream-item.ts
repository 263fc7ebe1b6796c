// Events about output items → canonical events: which part each belongs to, when a part opens and what of it was not said yet. Servers leave
// events out, so every later one completes what the earlier ones said. Knows no response around the items.

import type { Event, JsonObject, PartDeltaEvent, PartStartEvent } from "../../ir/index.ts";
import { callFields, decodeCall, decodeOutput, messageFields } from "./answer.ts";
import { asExtra } from "./body.ts";
import { decodeAnnotations } from "./citation.ts";
import { decodeLogprobs } from "./logprob.ts";
import { SUMMARY_BREAK, decodeReasoning, readReasoningFields, readSealed } from "./reasoning.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

export interface ItemReader {
  /** By their place in the output and by their id: of several that a server puts at one place, or gives one id, the last. */
  items: Map<number | string, ItemState>;
  /** All of them, in order. */
  all: ItemState[];
  nextPart: number;
  hasCalls: boolean;
}

interface ItemState {
  /** The item as it was last told; empty where nobody told it. */
  item: JsonObject;
  /** Its parts by their place in it. */
  parts: Map<number, PartState>;
  /** The text of reasoning that is being written: servers that show it whole may sum it up as well. */
  shown: { in: "content" | "summary"; index: number } | null;
  isDone: boolean;
}

interface PartState {
  part: number;
  /** Lengths of what was said so far. */
  length: number;
  citations: number;
  logprobs: number;
  isClosed: boolean;
}

export function createItemReader(): ItemReader {
  return { items: new Map(), all: [], nextPart: 0, hasCalls: false };
}

/** Nothing for events that say nothing of an answer's parts, such as the progress of a search. */
export function readItemEvent(reader: ItemReader, type: string, event: JsonObject): Event[] {
  const item = findItem(reader, type, event);
  if (item === null || item.isDone) return [];
  const events: Event[] = [];
  const delta = textOf(event["delta"]);
  switch (type) {
    case "response.output_item.added":
      item.item = objectOf(event["item"]);
      openCall(reader, item, events);
      break;
    case "response.output_item.done":
      item.item = { ...item.item, ...objectOf(event["item"]) };
      finishItem(reader, item, events);
      break;
    case "response.output_text.delta":
      readText(reader, item, { place: contentOf(event), text: delta, logprobs: event["logprobs"] }, events);
      break;
    case "response.output_text.annotation.added":
      readAnnotation(reader, item, event, events);
      break;
    case "response.output_text.done":
      completeText(reader, item, { place: contentOf(event), part: event }, events);
      break;
    case "response.content_part.done":
      finishContent(reader, item, { place: contentOf(event), part: objectOf(event["part"]) }, events);
      break;
    case "response.refusal.delta":
      append(reader, item, { place: contentOf(event), kind: "refusal", text: delta }, events);
      break;
    case "response.reasoning_summary_text.delta":
      readReasoning(reader, item, { in: "summary", index: event["summary_index"], text: delta }, events);
      break;
    case "response.reasoning_text.delta":
      readReasoning(reader, item, { in: "content", index: event["content_index"], text: delta }, events);
      break;
    case "response.function_call_arguments.delta":
    case "response.custom_tool_call_input.delta":
      openCall(reader, item, events);
      if (item.parts.has(0)) append(reader, item, { place: 0, kind: "text", text: delta }, events);
      break;
    default:
  }
  return events;
}

/** Ends what is still open, in order. */
export function closeItems(reader: ItemReader): Event[] {
  const events: Event[] = [];
  for (const item of reader.all) {
    for (const state of item.parts.values()) closePart(state, events);
  }
  return events;
}

/**
 * Null for an event that is about no item. Imitators number one item after the other with the same place, which the id tells apart, or give
 * one item another id with every event, which the place holds together.
 */
function findItem(reader: ItemReader, type: string, event: JsonObject): ItemState | null {
  const id = textOf(event["item_id"]) || textOf(objectOf(event["item"])["id"]);
  const place = typeof event["output_index"] === "number" ? event["output_index"] : null;
  const atPlace = place === null ? undefined : reader.items.get(place);
  const byId = id === "" ? undefined : reader.items.get(id);
  const isNameless = place === null && id === "";
  const known = byId ?? atPlace ?? (isNameless ? reader.all.at(-1) : undefined);
  const isOther = isNameless || known?.isDone === true || (place !== null && id !== "" && atPlace !== byId);
  const begins = type === "response.output_item.added" && isOther;
  if (known !== undefined && !begins) return known;
  if (isNameless && !type.startsWith("response.output_")) return null;
  const item: ItemState = { item: {}, parts: new Map(), shown: null, isDone: false };
  reader.all.push(item);
  reader.items.set(place ?? id, item);
  if (id !== "") reader.items.set(id, item);
  return item;
}

function contentOf(event: JsonObject): number {
  return typeof event["content_index"] === "number" ? event["content_index"] : 0;
}

interface Piece {
  place: number;
  kind: PartStartEvent["kind"];
  text: string;
  own?: JsonObject;
  more?: Pick<PartDeltaEvent, "citations" | "logprobs" | "encrypted" | "signature" | "origin">;
}

/** More of a part, which opens with the first thing that it says. */
function append(
  reader: ItemReader,
  item: ItemState,
  { place, kind, text, own = {}, more = {} }: Piece,
  events: Event[],
): void {
  if (text === "" && Object.keys(more).length === 0) return;
  const state = item.parts.get(place) ?? openPart(reader, item, { place, kind, own }, events);
  if (state.isClosed) return;
  state.length += text.length;
  state.citations += more.citations?.length ?? 0;
  state.logprobs += more.logprobs?.length ?? 0;
  events.push({ type: "part-delta", choice: 0, part: state.part, text, ...more });
}

function openPart(
  reader: ItemReader,
  item: ItemState,
  { place, kind, own }: { place: number; kind: PartStartEvent["kind"]; own: JsonObject },
  events: Event[],
): PartState {
  const state: PartState = { part: reader.nextPart++, length: 0, citations: 0, logprobs: 0, isClosed: false };
  item.parts.set(place, state);
  const fields = kind === "reasoning" ? { ...readReasoningFields(item.item), ...own } : own;
  events.push({ type: "part-start", choice: 0, part: state.part, kind, ...asExtra(fields) });
  return state;
}

function closePart(state: PartState, events: Event[]): void {
  if (state.isClosed) return;
  state.isClosed = true;
  events.push({ type: "part-end", choice: 0, part: state.part });
}

/** A call opens as soon as its name is known. */
function openCall(reader: ItemReader, item: ItemState, events: Event[]): void {
  const { type } = item.item;
  if ((type !== "function_call" && type !== "custom_tool_call") || item.parts.has(0)) return;
  const { id, name, custom } = decodeCall(item.item);
  if (name === "") return;
  reader.hasCalls = true;
  const toolCall = { id, name, ...(custom === true ? { custom } : {}) };
  openPart(reader, item, { place: 0, kind: { toolCall }, own: callFields(item.item) }, events);
}

function readText(
  reader: ItemReader,
  item: ItemState,
  { place, text, logprobs }: { place: number; text: string; logprobs: JsonObject[string] | undefined },
  events: Event[],
): void {
  const tokens = decodeLogprobs(logprobs);
  const more = tokens.length === 0 ? {} : { logprobs: tokens };
  append(reader, item, { place, kind: "text", text, own: messageFields(item.item), more }, events);
}

function readAnnotation(reader: ItemReader, item: ItemState, event: JsonObject, events: Event[]): void {
  const citations = decodeAnnotations([event["annotation"] ?? null]);
  if (citations.length === 0) return;
  const own = messageFields(item.item);
  append(reader, item, { place: contentOf(event), kind: "text", text: "", own, more: { citations } }, events);
}

interface Content {
  place: number;
  part: JsonObject;
}

/** What a text says beyond what was said of it. */
function completeText(reader: ItemReader, item: ItemState, { place, part }: Content, events: Event[]): void {
  const said = item.parts.get(place);
  const text = textOf(part["text"]).slice(said?.length ?? 0);
  const logprobs = decodeLogprobs(part["logprobs"]).slice(said?.logprobs ?? 0);
  const citations = decodeAnnotations(part["annotations"]).slice(said?.citations ?? 0);
  const more = {
    ...(citations.length === 0 ? {} : { citations }),
    ...(logprobs.length === 0 ? {} : { logprobs }),
  };
  const rest = omit(part, ["type", "text", "annotations", "logprobs"]);
  const own = { ...messageFields(item.item), ...(part["type"] === "output_text" ? rest : {}) };
  append(reader, item, { place, kind: "text", text, own, more: text === "" && said === undefined ? {} : more }, events);
}

function finishContent(reader: ItemReader, item: ItemState, content: Content, events: Event[]): void {
  const { place, part } = content;
  if (part["type"] === "reasoning_text") return;
  const said = item.parts.get(place)?.length ?? 0;
  if (part["type"] === "refusal") {
    append(reader, item, { place, kind: "refusal", text: textOf(part["refusal"]).slice(said) }, events);
  } else completeText(reader, item, content, events);
  const state = item.parts.get(place);
  if (state !== undefined) closePart(state, events);
}

/** Texts of one item follow each other in one part: all that is shown, or all summaries, whichever began. */
function readReasoning(
  reader: ItemReader,
  item: ItemState,
  told: { in: "content" | "summary"; index: JsonObject[string] | undefined; text: string },
  events: Event[],
): void {
  const index = typeof told.index === "number" ? told.index : 0;
  const before = item.shown;
  if (told.text === "" || (before !== null && before.in !== told.in)) return;
  item.shown = { in: told.in, index };
  const isNext = before !== null && before.index !== index;
  const own: JsonObject = told.in === "content" ? { content: false } : {};
  append(
    reader,
    item,
    { place: 0, kind: "reasoning", text: isNext ? SUMMARY_BREAK + told.text : told.text, own },
    events,
  );
}

/** The whole item: what was not said yet, and the end of its parts. */
function finishItem(reader: ItemReader, item: ItemState, events: Event[]): void {
  item.isDone = true;
  switch (item.item["type"]) {
    case "message":
      for (const [place, part] of objectsOf(item.item["content"]).entries()) {
        finishContent(reader, item, { place, part }, events);
      }
      break;
    case "reasoning":
      finishReasoning(reader, item, events);
      break;
    case "function_call":
    case "custom_tool_call": {
      openCall(reader, item, events);
      const said = item.parts.get(0)?.length ?? 0;
      const text = decodeCall(item.item).arguments.slice(said);
      if (item.parts.has(0)) append(reader, item, { place: 0, kind: "text", text }, events);
      break;
    }
    default:
      tellWhole(reader, item, events);
  }
  for (const state of item.parts.values()) closePart(state, events);
}

function finishReasoning(reader: ItemReader, item: ItemState, events: Event[]): void {
  const told = item.shown === null ? item.item : omit(item.item, [item.shown.in === "summary" ? "content" : "summary"]);
  const whole = decodeReasoning(told, true);
  if (whole === null) return;
  const said = item.parts.get(0)?.length ?? 0;
  const more = readSealed(told);
  const own: JsonObject = objectsOf(told["content"]).length > 0 ? { content: false } : {};
  append(reader, item, { place: 0, kind: "reasoning", text: whole.text.slice(said), own, more }, events);
}

/** Items that come whole: what the provider ran itself, and images. */
function tellWhole(reader: ItemReader, { item, parts }: ItemState, events: Event[]): void {
  const [part] = decodeOutput(item).parts;
  if (part === undefined || parts.size > 0) return;
  const number = reader.nextPart++;
  const kind = part.type === "media" ? { media: part } : "text";
  const extra = part.type === "media" || part.extra === undefined ? {} : { extra: part.extra };
  events.push({ type: "part-start", choice: 0, part: number, kind, ...extra });
  events.push({ type: "part-end", choice: 0, part: number });
}
