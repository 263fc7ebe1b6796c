// Reasoning items ↔ canonical reasoning, and what other formats' providers signed or sealed on its way through clients of this one.
// Knows no message and no stream.

import type { JsonObject, ReasoningPart } from "../../ir/index.ts";
import { isForeign, seal, unseal } from "../seal.ts";
import { ID, asExtra, objectsOf, omit, ownFields, textOf } from "./body.ts";

/** What stands between two summaries of one item. */
export const SUMMARY_BREAK = "\n\n";

const READ = ["type", "summary", "content", "encrypted_content"];

/** Of an item that a client sends back, its id and status say nothing: the sealed content is all that the server needs. */
export const PLUMBING = ["id", "status", "object"];

/**
 * An item as one part: the reasoning itself where the server shows it, else its summaries. Null for an item that says nothing.
 * In an answer (`isAnswer`) the id is kept.
 */
export function decodeReasoning(item: JsonObject, isAnswer: boolean): ReasoningPart | null {
  const shown = joinTexts(item["content"]);
  const text = shown === "" ? joinTexts(item["summary"]) : shown;
  const encrypted = textOf(item["encrypted_content"]);
  if (text === "" && encrypted === "") return null;
  const own = isAnswer ? readReasoningFields(item) : omit(item, [...READ, ...PLUMBING]);
  if (shown !== "") own["content"] = false;
  return { type: "reasoning", text, ...(encrypted === "" ? {} : unseal(encrypted, ID, "encrypted")), ...asExtra(own) };
}

/** What an item of an answer says beside its reasoning. */
export function readReasoningFields(item: JsonObject): JsonObject {
  return omit(item, [...READ, "status"]);
}

function joinTexts(value: JsonObject[string] | undefined): string {
  return objectsOf(value)
    .map((part) => textOf(part["text"]))
    .filter((text) => text !== "")
    .join(SUMMARY_BREAK);
}

/** True where the server showed the reasoning itself, not a summary. */
export function isShownWhole(own: JsonObject): boolean {
  return own["content"] === false;
}

/** `summary`, `content` and `encrypted_content` of an item for a client of this format, whoever made what is sealed. */
export function encodeReasoning(part: ReasoningPart): JsonObject {
  const { text } = part;
  const sealed = seal(part, ID);
  const isWhole = isShownWhole(ownFields(part.extra));
  return {
    summary: text === "" || isWhole ? [] : [{ type: "summary_text", text }],
    ...(isWhole ? { content: [{ type: "reasoning_text", text }] } : {}),
    ...(sealed === null ? {} : { encrypted_content: sealed }),
  };
}

/** Reasoning as this format's server takes it back: what it sealed itself, and what a client of it says. Null for all else. */
export function returnReasoning(part: ReasoningPart): JsonObject | null {
  if (isForeign(part, ID) || (part.origin === undefined && part.extra?.[ID] === undefined)) return null;
  return { ...omit(ownFields(part.extra), ["content"]), type: "reasoning", ...encodeReasoning(part) };
}
