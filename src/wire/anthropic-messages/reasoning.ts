// Thinking blocks ↔ canonical reasoning, and what other formats' providers signed or sealed on its way through clients of this one.
// Knows no request for thinking: that is thinking.ts.

import type { JsonObject, ReasoningPart } from "../../ir/index.ts";
import { isForeign, seal, unseal } from "../seal.ts";
import { ID, type RedactedThinkingBlock, type ThinkingBlock, asExtra, ownFields } from "./body.ts";
import { omit, textOf } from "../json-read.ts";

/** A `thinking` block; one without a signature is nobody's. */
export function decodeThinking(block: JsonObject): ReasoningPart {
  const signature = textOf(block["signature"]);
  return {
    type: "reasoning",
    text: textOf(block["thinking"]),
    ...(signature === "" ? {} : unseal(signature, ID, "signature")),
    ...asExtra(omit(block, ["type", "thinking", "signature"])),
  };
}

export function decodeRedacted(block: JsonObject): ReasoningPart {
  return {
    type: "reasoning",
    text: "",
    ...unseal(textOf(block["data"]), ID, "encrypted"),
    ...asExtra(omit(block, ["type", "data"])),
  };
}

/** A part as Anthropic takes it back: only what it signed or hid itself, else nothing. */
export function encodeSigned(part: ReasoningPart): JsonObject[] {
  if (isForeign(part, ID)) return [];
  const { text, signature = "", encrypted } = part;
  const blocks: JsonObject[] = [];
  if (signature !== "") {
    const block: ThinkingBlock = { type: "thinking", thinking: text, signature };
    blocks.push(block);
  }
  if (encrypted !== undefined) blocks.push(redactedBlock(encrypted));
  return withOwn(blocks, part);
}

/** A part as a client of this format sees it. What another format's provider made travels sealed in the one opaque field. */
export function encodeShown(part: ReasoningPart): JsonObject[] {
  const { text, signature, encrypted } = part;
  if (isForeign(part, ID)) {
    const sealed = seal(part, ID);
    if (text === "" && sealed !== null) return [redactedBlock(sealed)];
    const block: ThinkingBlock = { type: "thinking", thinking: text, signature: sealed ?? "" };
    return [block];
  }
  const blocks: JsonObject[] = [];
  if (text !== "" || signature !== undefined || encrypted === undefined) {
    const block: ThinkingBlock = { type: "thinking", thinking: text, signature: signature ?? "" };
    blocks.push(block);
  }
  if (encrypted !== undefined) blocks.push(redactedBlock(encrypted));
  return withOwn(blocks, part);
}

export function redactedBlock(data: string): RedactedThinkingBlock {
  return { type: "redacted_thinking", data };
}

function withOwn(blocks: JsonObject[], { extra }: ReasoningPart): JsonObject[] {
  const own = ownFields(extra);
  return blocks.map((block, index) => (index === 0 ? { ...block, ...own } : block));
}
