// Answers as streams and back, for the tests of every wire: a whole answer replayed as events, events through a wire's codecs, text cut
// into pieces. Knows no wire.

import { type Choice, type Event, type Response, type ToolCallPart, collect } from "../../src/ir/index.ts";
import { createFrameSplitter } from "../../src/lib/sse.ts";
import type { ChatWire, ClientContext, TargetWire } from "../../src/wire/type.ts";

/** A whole answer as the events of a stream that collects to it. Text is cut in two, so that deltas must be joined. */
export function replay(response: Response): Event[] {
  const { id, model, createdAt, extra } = response;
  const events: Event[] = [{ type: "start", id, model, createdAt, extra }];
  for (const choice of response.choices) events.push(...replayChoice(choice));
  if (response.usage !== null) events.push({ type: "usage", usage: response.usage });
  return [...events, { type: "finish" }];
}

function replayChoice(choice: Choice): Event[] {
  const { index, parts, refusal, finish, stopSequence, extra } = choice;
  const events = parts.flatMap((part, number) => replayPart(part, index, number));
  if (refusal !== undefined) {
    const part = parts.length;
    events.push({ type: "part-start", choice: index, part, kind: "refusal" });
    events.push({ type: "part-delta", choice: index, part, text: refusal }, { type: "part-end", choice: index, part });
  }
  const end: Event = { type: "choice-end", choice: index, finish };
  if (stopSequence !== undefined) end.stopSequence = stopSequence;
  if (extra !== undefined) end.extra = extra;
  return [...events, end];
}

function replayPart(value: Choice["parts"][number], choice: number, part: number): Event[] {
  const extra = value.extra === undefined ? {} : { extra: value.extra };
  const end: Event = { type: "part-end", choice, part };
  if (value.type === "media") return [{ type: "part-start", choice, part, kind: { media: value } }, end];
  const text = value.type === "tool-call" ? value.arguments : value.text;
  const kind = value.type === "tool-call" ? { toolCall: nameCall(value) } : value.type;
  const events: Event[] = [{ type: "part-start", choice, part, kind, ...extra }];
  const middle = text.length >> 1;
  for (const piece of [text.slice(0, middle), text.slice(middle)]) {
    if (piece !== "") events.push({ type: "part-delta", choice, part, text: piece });
  }
  const made = value.type === "reasoning" && value.origin !== undefined ? { origin: value.origin } : {};
  if (value.type === "reasoning" && value.signature !== undefined) {
    events.push({ type: "part-delta", choice, part, text: "", signature: value.signature, ...made });
  }
  if (value.type === "reasoning" && value.encrypted !== undefined) {
    events.push({ type: "part-delta", choice, part, text: "", encrypted: value.encrypted, ...made });
  }
  if (value.type === "text" && value.citations !== undefined) {
    events.push({ type: "part-delta", choice, part, text: "", citations: value.citations });
  }
  if (value.type === "text" && value.logprobs !== undefined) {
    events.push({ type: "part-delta", choice, part, text: "", logprobs: value.logprobs });
  }
  return [...events, end];
}

function nameCall({ id, name, custom }: ToolCallPart): { id: string; name: string; custom?: true } {
  return custom === true ? { id, name, custom } : { id, name };
}

/** The events that a wire reads from SSE text, which arrives in the given pieces. */
export function decodeStream(wire: TargetWire, pieces: readonly string[]): Event[] {
  const splitter = createFrameSplitter();
  const decoder = wire.stream.decode();
  const frames = [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.end()];
  return [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
}

/** The SSE text that a wire makes of events. */
export function encodeStream(wire: ChatWire, events: readonly Event[], client: ClientContext): string {
  const encoder = wire.stream.encode(client);
  return [...events.flatMap((event) => encoder.push(event)), ...encoder.end()].join("");
}

/** The whole answer behind SSE text, and the error where it ended in one. */
export function collectStream(wire: TargetWire, text: string): ReturnType<typeof collect> {
  return collect(decodeStream(wire, [text]));
}

/** `text` cut at the given places. */
export function cut(text: string, places: readonly number[]): string[] {
  const sorted = [...new Set(places.map((place) => place % (text.length + 1)))].sort((left, right) => left - right);
  return [0, ...sorted].map((start, index) => text.slice(start, sorted[index]));
}
