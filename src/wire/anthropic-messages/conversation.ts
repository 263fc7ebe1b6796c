// The order of a conversation: canonical messages ↔ Anthropic's `system` and its alternating turns. Knows blocks only as values.

import {
  type Extra,
  type JsonObject,
  type Message,
  type Part,
  type Request,
  invalidRequest,
  isJsonObject,
} from "../../ir/index.ts";
import { ID, asExtra, omit, ownFields, textOf } from "./body.ts";
import { decodeBlock, encodePart } from "./content.ts";
import { reportForeign } from "./media.ts";

interface Conversation {
  system: JsonObject[];
  turns: Turn[];
}

/** One message of the body; neighbours of one role are one turn. */
export interface Turn {
  role: "user" | "assistant" | "system";
  content: JsonObject[];
  /** Own fields of the message beside role and content. */
  fields: JsonObject;
}

/** `system` and `messages` of a body as canonical messages. Tool results become messages of their own, with the role `tool`. */
export function decodeConversation(body: JsonObject): Message[] {
  const messages: Message[] = [];
  const system = decodeContent(body["system"], "system");
  if (system.length > 0) messages.push({ role: "system", parts: system });
  const items = Array.isArray(body["messages"]) ? body["messages"] : [];
  for (const [index, item] of items.entries()) {
    if (!isJsonObject(item)) throw invalidRequest(`messages.${index}: Input should be an object`, `messages[${index}]`);
    messages.push(...decodeMessage(item, `messages.${index}`));
  }
  return messages;
}

function decodeMessage(item: JsonObject, path: string): Message[] {
  const parts = decodeContent(item["content"], `${path}.content`);
  const fields = omit(item, ["role", "content"]);
  switch (item["role"]) {
    case "assistant":
      return [{ role: "assistant", parts, ...asExtra(fields) }];
    case "system":
      // The mark keeps it in its place among the messages on the way back to this format.
      return [{ role: "system", parts, ...asExtra({ ...fields, role: "system" }) }];
    default:
      return splitResults(parts, asExtra(fields));
  }
}

/** Runs of tool results and runs of anything else, in their order. */
function splitResults(parts: Part[], extra: { extra?: Extra }): Message[] {
  const messages: Message[] = [];
  for (const part of parts) {
    const role = part.type === "tool-result" ? "tool" : "user";
    const last = messages.at(-1);
    if (last?.role === role) last.parts.push(part);
    else messages.push({ role, parts: [part] });
  }
  const [first, ...rest] = messages;
  return first === undefined ? [{ role: "user", parts: [], ...extra }] : [{ ...first, ...extra }, ...rest];
}

function decodeContent(content: JsonObject[string] | undefined, path: string): Part[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  if (content === undefined || content === null) return [];
  if (!Array.isArray(content)) throw invalidRequest(`${path}: Input should be a valid string or array`, path);
  return content.map((block, index) => {
    if (!isJsonObject(block) || typeof block["type"] !== "string") {
      throw invalidRequest(`${path}.${index}.type: Field required`, `${path}.${index}.type`);
    }
    return decodeBlock(block);
  });
}

/**
 * Canonical messages as `system` and turns. Instructions that stand later in the conversation are hoisted to `system` and reported;
 * within a user's turn, results of tools come first, as Anthropic demands.
 */
export function encodeConversation(request: Request, dropped: string[]): Conversation {
  const conversation: Conversation = { system: [], turns: [] };
  const lastInstruction = { index: -1, count: 0 };
  const isOwn = request.extra[ID] !== undefined;
  let hasBegun = false;
  for (const [index, message] of request.messages.entries()) {
    const isInstruction = message.role === "system" || message.role === "developer";
    const blocks = encodeMessageParts(message, index, { dropped, isOwn });
    if (!isInstruction || ownFields(message.extra)["role"] === "system") {
      hasBegun = true;
      appendTurn(conversation.turns, message, blocks);
      continue;
    }
    if (hasBegun) dropped.push(`messages[${index}].role`);
    if (blocks.length > 0) Object.assign(lastInstruction, { index, count: blocks.length });
    conversation.system.push(...blocks);
  }
  if (conversation.turns.length === 0 && lastInstruction.count > 0) {
    // A conversation of instructions alone: the last one is what the model has to answer.
    const content = conversation.system.splice(-lastInstruction.count);
    conversation.turns.push({ role: "user", content, fields: {} });
    dropped.push(`messages[${lastInstruction.index}].role`);
  }
  if (conversation.turns.length === 0) {
    throw invalidRequest("messages: at least one message with content is required", "messages");
  }
  conversation.turns = conversation.turns.map(orderTurn);
  trimPrefill(conversation.turns);
  return conversation;
}

function encodeMessageParts(
  message: Message,
  index: number,
  place: { dropped: string[]; isOwn: boolean },
): JsonObject[] {
  reportForeign(message.extra, { ...place, path: `messages[${index}]` });
  let calls = 0;
  return message.parts.flatMap((part, position) => {
    const path = pathOf(part, message, index, position, calls);
    if (part.type === "tool-call") calls += 1;
    if (part.type === "media" && message.role !== "user" && message.role !== "tool") {
      // Anthropic takes media from users and tools only.
      place.dropped.push(path);
      return [];
    }
    return encodePart(part, { ...place, path });
  });
}

function pathOf(part: Part, message: Message, index: number, position: number, calls: number): string {
  if (part.type === "tool-call") return `messages[${index}].tool_calls[${calls}]`;
  if (part.type === "reasoning") return `messages[${index}].reasoning_content`;
  if (part.type === "tool-result" && message.role === "tool") return `messages[${index}]`;
  return `messages[${index}].content[${position}]`;
}

function appendTurn(turns: Turn[], message: Message, blocks: JsonObject[]): void {
  if (blocks.length === 0) return;
  const role = message.role === "assistant" ? "assistant" : message.role === "system" ? "system" : "user";
  const fields = omit(ownFields(message.extra), ["role"]);
  const last = turns.at(-1);
  if (last?.role === role && role !== "system") {
    last.content.push(...blocks);
    Object.assign(last.fields, fields);
    return;
  }
  turns.push({ role, content: blocks, fields });
}

/** Results before the user's words; signed thinking before the answer, unless server tools stand between: then the order has a meaning. */
function orderTurn(turn: Turn): Turn {
  if (turn.role === "user") return { ...turn, content: placeFirst(turn.content, ["tool_result"]) };
  const hasServerBlocks = turn.content.some((block) => !ASSISTANT_BLOCKS.includes(textOf(block["type"])));
  if (turn.role === "system" || hasServerBlocks) return turn;
  return { ...turn, content: placeFirst(turn.content, ["thinking", "redacted_thinking"]) };
}

const ASSISTANT_BLOCKS = ["text", "thinking", "redacted_thinking", "tool_use"];

function placeFirst(blocks: JsonObject[], types: string[]): JsonObject[] {
  const isFirst = (block: JsonObject): boolean => types.includes(textOf(block["type"]));
  return [...blocks.filter(isFirst), ...blocks.filter((block) => !isFirst(block))];
}

/** Anthropic refuses a last assistant message (which the answer continues) that ends in white space. */
function trimPrefill(turns: Turn[]): void {
  const turn = turns.at(-1);
  const block = turn?.content.at(-1);
  if (turn?.role !== "assistant" || block?.["type"] !== "text") return;
  turn.content = [...turn.content.slice(0, -1), { ...block, text: textOf(block["text"]).trimEnd() }];
}
