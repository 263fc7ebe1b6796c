// Reasoning items ↔ canonical reasoning, and what other formats' providers signed or sealed on its way through clients of this one.
// Knows no message and no stream.

import type { JsonObject, PartDeltaEvent, ReasoningPart } from "../../ir/index.ts";
import { isForeign, seal, unseal } from "../seal.ts";
import { ID, asExtra, ownFields } from "./body.ts";
import { objectsOf, omit, textOf } from "../json-read.ts";

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
  const sealed = readSealed(item);
  if (text === "" && Object.keys(sealed).length === 0) return null;
  const own = isAnswer ? readReasoningFields(item) : omit(item, [...READ, ...PLUMBING]);
  if (shown !== "") own["content"] = false;
  return { type: "reasoning", text, ...sealed, ...asExtra(own) };
}

/**
 * What an item holds sealed, nothing where it holds nothing. The server takes back its own only under the item's id, so the id goes with it,
 * through whatever client.
 */
export function readSealed(item: JsonObject): Pick<PartDeltaEvent, "signature" | "encrypted" | "origin"> {
  const content = textOf(item["encrypted_content"]);
  if (content === "") return {};
  const sealed = unseal(content, ID, "encrypted");
  const id = textOf(item["id"]);
  return sealed.origin === ID && id !== "" ? { ...sealed, encrypted: `${id}|${content}` } : sealed;
}

/** The sealed content, and the id that goes with it where its maker is this format's server. */
function splitSealed(sealed: string): JsonObject {
  const match = /^(rs_[^|]+)\|(.*)$/su.exec(sealed);
  return match === null ? { encrypted_content: sealed } : { id: match[1] ?? "", encrypted_content: match[2] ?? "" };
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

/** `summary`, `content`, `encrypted_content` and the id that belongs to it, for a client of this format, whoever made what is sealed. */
export function encodeReasoning(part: ReasoningPart): JsonObject {
  const { text } = part;
  const sealed = seal(part, ID);
  const isWhole = isShownWhole(ownFields(part.extra));
  return {
    summary: text === "" || isWhole ? [] : [{ type: "summary_text", text }],
    ...(isWhole ? { content: [{ type: "reasoning_text", text }] } : {}),
    ...(sealed === null ? {} : splitSealed(sealed)),
  };
}

/** Reasoning as this format's server takes it back: what it sealed itself, and what a client of it says. Null for all else. */
export function returnReasoning(part: ReasoningPart): JsonObject | null {
  if (isForeign(part, ID) || (part.origin === undefined && part.extra?.[ID] === undefined)) return null;
  const item = { ...omit(ownFields(part.extra), ["content"]), type: "reasoning", ...encodeReasoning(part) };
  // An item without an id is refused, and one that is sealed is looked up by nothing.
  return { id: `rs_${Bun.hash(part.text + (part.encrypted ?? "")).toString(16)}`, ...item };
}
