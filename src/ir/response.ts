// The canonical chat answer, whole. A stream of events collects to the same value (see event.ts). Imports nothing of a vendor.

import type { Extra, MediaPart, ReasoningPart, TextPart, ToolCallPart } from "./request.ts";
import type { Usage } from "./usage.ts";

export type FinishReason = "stop" | "length" | "tool-calls" | "content-filter" | "refusal" | "error" | "other";

export type AnswerPart = TextPart | ReasoningPart | ToolCallPart | MediaPart;

export interface Choice {
  index: number;
  parts: AnswerPart[];
  /** The model's refusal text, where the format keeps it apart from the answer. */
  refusal?: string;
  finish: FinishReason;
  /** What the provider says of it, where `finish` is an error. */
  failure?: string;
  /** The stop sequence that ended the answer, where the provider names it. */
  stopSequence?: string;
  extra?: Extra;
}

export interface Response {
  id: string;
  model: string;
  /** Seconds since the epoch; null where the format does not say. */
  createdAt: number | null;
  choices: Choice[];
  /** Null where the provider reported none. */
  usage: Usage | null;
  extra: Extra;
}
