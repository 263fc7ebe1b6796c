// Canonical parts of a request as Converse's content blocks, one at a time. Knows no message and no order of messages.

import {
  type JsonObject,
  type Part,
  type ReasoningPart,
  type TextPart,
  type ToolCallPart,
  type ToolResultPart,
} from "../../ir/index.ts";
import { parseArguments } from "../arguments.ts";
import { wrapInput } from "../custom-tool.ts";
import { isForeignBlock, reportFields } from "../foreign.ts";
import { fitName, shortenId } from "../safe-name.ts";
import type { ModelFacts } from "../type.ts";
import { ID, type ReasoningBlock, type ToolResult, type ToolUse } from "./body.ts";
import { type NameDocument, encodeMedia } from "./media.ts";
import { saysSomething } from "../seal.ts";

/** The longest name of a tool and the longest id of a call. */
export const NAME_LIMIT = 64;

/** Where a part stands in the client's request, and what its block depends on. */
export interface Place {
  /** Such as `messages[3].content[0]`. */
  path: string;
  dropped: string[];
  facts: ModelFacts;
  nameDocument: NameDocument;
}

/** Blocks of one part: none where there is nothing that Converse would take. Throws where leaving it out would change what is asked. */
export function encodePart(part: Part, place: Place): JsonObject[] {
  switch (part.type) {
    case "text":
      return encodeText(part, place);
    case "reasoning":
      return encodeReasoning(part, place);
    case "media":
      reportFields(part.extra, place.path, place.dropped);
      if (part.detail !== undefined) place.dropped.push(`${place.path}.image_url.detail`);
      return [encodeMedia(part, place.path, place.nameDocument)];
    case "tool-call":
      return [encodeToolCall(part, place)];
    case "tool-result":
      return [encodeToolResult(part, place)];
    default:
      return part satisfies never;
  }
}

/** Blank text is refused. What only the client's own format has stands in an empty part, and cannot be said. */
export function encodeText(part: TextPart, place: Place): JsonObject[] {
  if (part.text.trim() === "") {
    if (isForeignBlock(part)) place.dropped.push(place.path);
    return [];
  }
  reportFields(part.extra, place.path, place.dropped);
  if (part.citations !== undefined && part.citations.length > 0) place.dropped.push(`${place.path}.citations`);
  return [{ text: part.text }];
}

const CLAUDES: readonly unknown[] = [ID, "anthropic-messages", undefined];

/** True for reasoning that Claude signed or sealed, wherever it was asked, as far as anyone knows: it reads its own everywhere. */
export function isClaudes({ signature, encrypted, origin }: ReasoningPart): boolean {
  return (signature ?? encrypted) !== undefined && CLAUDES.includes(origin);
}

/** Only what was signed or sealed goes back, and only to where it can be read. */
function encodeReasoning(part: ReasoningPart, place: Place): JsonObject[] {
  const { text, signature, encrypted, origin } = part;
  const isOurs = place.facts.family === "claude" ? isClaudes(part) : origin === ID;
  const blocks: ReasoningBlock[] = [];
  if (isOurs && signature !== undefined) blocks.push({ reasoningContent: { reasoningText: { text, signature } } });
  if (isOurs && encrypted !== undefined) blocks.push({ reasoningContent: { redactedContent: encrypted } });
  if (blocks.length === 0 && saysSomething(part)) place.dropped.push(place.path);
  return blocks;
}

function encodeToolCall(part: ToolCallPart, place: Place): JsonObject {
  reportFields(part.extra, place.path, place.dropped);
  const text = part.custom === true ? wrapInput(part.arguments) : part.arguments;
  const input = parseArguments(text);
  if (input === null) place.dropped.push(`${place.path}.function.arguments`);
  const block: ToolUse = {
    toolUse: {
      toolUseId: encodeId(part.id, place.facts),
      name: fitName(part.name, NAME_LIMIT),
      input: input ?? { _raw: part.arguments },
    },
  };
  return block;
}

function encodeToolResult(part: ToolResultPart, place: Place): JsonObject {
  reportFields(part.extra, place.path, place.dropped);
  const content = part.content.flatMap((item, index) =>
    encodePart(item, { ...place, path: `${place.path}.content[${index}]` }),
  );
  const block: ToolResult = {
    // A tool that printed nothing: a result without content is refused, and so is blank text.
    toolResult: {
      toolUseId: encodeId(part.callId, place.facts),
      content: content.length > 0 ? content : [{ json: {} }],
    },
  };
  if (part.isError) block.toolResult.status = "error";
  return block;
}

/** Call and result change alike, so they still match. */
function encodeId(id: string, { callIds }: ModelFacts): string {
  return callIds === "short" ? shortenId(id) : fitName(id, NAME_LIMIT);
}
