// A streamed answer as canonical events, and their sum. Exactly one `finish` ends every stream, also after an error. Imports nothing of a vendor.

import type { GatewayError } from "./error.ts";
import type { Citation, Extra, MediaPart, TokenLogprob } from "./request.ts";
import type { AnswerPart, Choice, FinishReason, Response } from "./response.ts";
import type { Usage } from "./usage.ts";

/** First event: who answers. */
export interface StartEvent {
  type: "start";
  id: string;
  model: string;
  /** Seconds since the epoch; null where the format does not say. */
  createdAt: number | null;
  extra: Extra;
}

/**
 * Opens a part. `choice` is the alternative it belongs to, `part` its running number within that choice (0, 1, 2 … in order of opening,
 * over all kinds of part). A tool call's id and name are known here; `refusal` text is a part kind of its own.
 */
export interface PartStartEvent {
  type: "part-start";
  choice: number;
  part: number;
  kind:
    "text" | "reasoning" | "refusal" | { toolCall: { id: string; name: string; custom?: true } } | { media: MediaPart };
  extra?: Extra;
}

/** More of an open part: text, reasoning text, refusal text or tool-call arguments. Never trimmed, never merged. */
export interface PartDeltaEvent {
  type: "part-delta";
  choice: number;
  part: number;
  text: string;
  /** Reasoning parts only; `origin` comes with the first of the two others. */
  signature?: string;
  encrypted?: string;
  origin?: string;
  /** Text parts only: further ones, in order. */
  citations?: Citation[];
  logprobs?: TokenLogprob[];
  extra?: Extra;
}

export interface PartEndEvent {
  type: "part-end";
  choice: number;
  part: number;
  extra?: Extra;
}

/** The choice is complete; its parts are closed. */
export interface ChoiceEndEvent {
  type: "choice-end";
  choice: number;
  finish: FinishReason;
  /** See Choice. */
  failure?: string;
  stopSequence?: string;
  extra?: Extra;
}

/** Totals so far: each replaces the one before it. May come early (input known at the start) and again at the end. */
export interface UsageEvent {
  type: "usage";
  usage: Usage;
  /** True where the answer has said why it ended, although its `choice-end` is still to come: the last word, unless more is said. */
  isLast?: true;
  extra?: Extra;
}

/** Last event, exactly once. `error` is set where the stream broke, was cut, or the provider reported an error inside it. */
export interface FinishEvent {
  type: "finish";
  error?: GatewayError;
  /** With an error: true where the usage that was reported before is the provider's last word on it. */
  isCounted?: true;
  /** Without an error: true where the report that should have come last did not, or cannot be read: what came before it is not the last word. */
  isUncounted?: true;
  extra?: Extra;
}

export type Event =
  StartEvent | PartStartEvent | PartDeltaEvent | PartEndEvent | ChoiceEndEvent | UsageEvent | FinishEvent;

/**
 * Sums a stream of events to the whole answer that they stand for.
 * Returns the answer with what had arrived, and the error where the stream ended in one.
 */
export function collect(events: Iterable<Event>): { response: Response; error: GatewayError | null } {
  const response: Response = { id: "", model: "", createdAt: null, choices: [], usage: null, extra: {} };
  const parts = new Map<string, AnswerPart | { type: "refusal"; text: string }>();
  let error: GatewayError | null = null;

  const choiceAt = (index: number): Choice => {
    let choice = response.choices.find((candidate) => candidate.index === index);
    if (choice === undefined) {
      choice = { index, parts: [], finish: "other" };
      response.choices.push(choice);
      response.choices.sort((left, right) => left.index - right.index);
    }
    return choice;
  };

  for (const event of events) {
    switch (event.type) {
      case "start":
        response.id = event.id;
        response.model = event.model;
        response.createdAt = event.createdAt;
        response.extra = mergeExtra(response.extra, event.extra);
        break;
      case "part-start":
        parts.set(`${event.choice}/${event.part}`, openPart(choiceAt(event.choice), event));
        break;
      case "part-delta":
        appendDelta(parts.get(`${event.choice}/${event.part}`), event);
        break;
      case "part-end": {
        const part = parts.get(`${event.choice}/${event.part}`);
        if (part !== undefined && part.type !== "refusal" && event.extra !== undefined) {
          part.extra = mergeExtra(part.extra ?? {}, event.extra);
        }
        break;
      }
      case "choice-end": {
        const choice = choiceAt(event.choice);
        choice.finish = event.finish;
        if (event.failure !== undefined) choice.failure = event.failure;
        if (event.stopSequence !== undefined) choice.stopSequence = event.stopSequence;
        if (event.extra !== undefined) choice.extra = mergeExtra(choice.extra ?? {}, event.extra);
        break;
      }
      case "usage":
        response.usage = event.usage;
        if (event.extra !== undefined) response.extra = mergeExtra(response.extra, event.extra);
        break;
      case "finish":
        error = event.error ?? null;
        if (event.extra !== undefined) response.extra = mergeExtra(response.extra, event.extra);
        break;
      default:
        event satisfies never;
    }
  }
  for (const choice of response.choices) {
    for (const [key, part] of parts) {
      if (part.type === "refusal" && key.startsWith(`${choice.index}/`)) {
        choice.refusal = (choice.refusal ?? "") + part.text;
      }
    }
  }
  return { response, error };
}

function openPart(choice: Choice, event: PartStartEvent): AnswerPart | { type: "refusal"; text: string } {
  if (event.kind === "refusal") return { type: "refusal", text: "" };
  const part = makePart(event.kind);
  if (event.extra !== undefined) part.extra = event.extra;
  choice.parts.push(part);
  return part;
}

function makePart(kind: Exclude<PartStartEvent["kind"], "refusal">): AnswerPart {
  if (kind === "text") return { type: "text", text: "" };
  if (kind === "reasoning") return { type: "reasoning", text: "" };
  if ("media" in kind) return { ...kind.media };
  return { type: "tool-call", ...kind.toolCall, arguments: "" };
}

function appendDelta(part: AnswerPart | { type: "refusal"; text: string } | undefined, event: PartDeltaEvent): void {
  if (part === undefined || part.type === "media") return;
  if (part.type === "tool-call") part.arguments += event.text;
  else part.text += event.text;
  if (part.type === "reasoning") {
    if (event.signature !== undefined) part.signature = (part.signature ?? "") + event.signature;
    if (event.encrypted !== undefined) part.encrypted = (part.encrypted ?? "") + event.encrypted;
    if (event.origin !== undefined) part.origin = event.origin;
  }
  if (part.type === "text") {
    if (event.citations !== undefined) (part.citations ??= []).push(...event.citations);
    if (event.logprobs !== undefined) (part.logprobs ??= []).push(...event.logprobs);
  }
  if (part.type !== "refusal" && event.extra !== undefined) part.extra = mergeExtra(part.extra ?? {}, event.extra);
}

/** Later values win, field by field within a wire's entry; arrays are joined. */
export function mergeExtra(left: Extra, right: Extra): Extra {
  const merged: Record<string, Extra[string]> = { ...left };
  for (const [wire, fields] of Object.entries(right)) {
    const target = { ...merged[wire] };
    for (const [name, value] of Object.entries(fields)) {
      const before = target[name];
      target[name] = Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value;
    }
    merged[wire] = target;
  }
  return merged;
}
