// The order of a conversation: canonical messages ↔ Anthropic's `system` and its alternating turns. Knows blocks only as values.

import {
  type Extra,
  type Json,
  type JsonObject,
  type Message,
  type Part,
  type Request,
  invalidRequest,
  isJsonObject,
} from "../../ir/index.ts";
import type { Sources } from "../field-name.ts";
import type { ModelFacts } from "../type.ts";
import { ID, asExtra, ownFields } from "./body.ts";
import { decodeBlock, encodePart, keptBlock } from "./content.ts";
import { reportForeign } from "./media.ts";
import { TOOL_CHANGES } from "./tool.ts";
import { objectOf, omit, textOf } from "../json-read.ts";

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
export function decodeConversation(body: JsonObject, sources?: Sources): Message[] {
  const messages: Message[] = [];
  const system = decodeContent(body["system"], "system");
  notePlaces(system, body["system"], "system", sources);
  const header = system.findIndex((part) => part.type === "text" && part.text.startsWith(BILLING_HEADER));
  if (header === -1 && system.length > 0) messages.push({ role: "system", parts: system });
  // It differs from call to call, so in a prompt of another provider it would spoil the cache and mean nothing.
  else if (header !== -1) messages.push({ role: "system", ...setAside(system, header) });
  if (messages[0] !== undefined) sources?.set(messages[0], "system");
  const items = Array.isArray(body["messages"]) ? body["messages"] : [];
  const lastUser = items.findLastIndex((item) => isJsonObject(item) && item["role"] === "user");
  for (const [index, item] of items.entries()) {
    if (!isJsonObject(item)) throw invalidRequest(`messages.${index}: Input should be an object`, `messages[${index}]`);
    const parts = decodeContent(item["content"], `messages.${index}.content`);
    notePlaces(parts, item["content"], `messages[${index}].content`, sources);
    for (const message of decodeMessage(item, parts, index < lastUser)) {
      sources?.set(message, `messages[${index}]`);
      messages.push(message);
    }
  }
  return messages;
}

function notePlaces(parts: readonly Part[], content: Json | undefined, start: string, sources?: Sources): void {
  if (sources === undefined) return;
  for (const [index, part] of parts.entries()) {
    const place = Array.isArray(content) ? `${start}[${index}]` : start;
    sources.set(part, place);
    if (part.type !== "tool-result") continue;
    for (const [position, item] of part.content.entries()) sources.set(item, `${place}.content[${position}]`);
  }
}

/** How a header that some clients write into the prompt begins; it is for Anthropic's own books. */
const BILLING_HEADER = "x-anthropic-billing-header:";

/** The parts without the one at `index`, whose text is noted with its place. */
function setAside(parts: Part[], index: number): Pick<Message, "parts" | "extra"> {
  const header = parts[index];
  const text = header?.type === "text" ? header.text : "";
  return { parts: parts.filter((part) => part !== header), ...asExtra({ noted: { header: { index, text } } }) };
}

/** `isPast`: a message of the user follows. */
function decodeMessage(item: JsonObject, parts: Part[], isPast: boolean): Message[] {
  const fields = omit(item, ["role", "content"]);
  switch (item["role"]) {
    case "assistant":
      return [{ role: "assistant", parts, ...asExtra(fields) }];
    case "system":
      return [decodeInstruction(item, parts, isPast)];
    default:
      return splitResults(parts, asExtra(fields));
  }
}

/**
 * The mark `role` keeps it in its place among the messages on the way back to this format. What no other format needs to hear is noted: an
 * effort that the request tells, and the whole of an instruction that is no longer shown to the model or changes its tools.
 */
function decodeInstruction(item: JsonObject, parts: Part[], isPast: boolean): Message {
  const { role: _role, content = null, clear_at: clearAt, output_config: config, ...fields } = item;
  const isShown = !(isPast && clearAt === "next_user_message");
  const rest = parts.filter((part) => !TOOL_CHANGES.includes(textOf(keptBlock(part.extra)?.["type"])));
  const noted: JsonObject = {
    ...(clearAt === undefined ? {} : { clear_at: clearAt }),
    ...(config === undefined ? {} : { output_config: config }),
    ...(isShown && rest.length === parts.length ? {} : { content }),
  };
  const own = { ...fields, role: "system", ...(Object.keys(noted).length === 0 ? {} : { noted }) };
  return { role: "system", parts: isShown ? rest : [], ...asExtra(own) };
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
 * Canonical messages as `system` and turns. Instructions that stand later in the conversation keep their place where the model allows it,
 * else they are hoisted to `system` and reported; within a user's turn, results of tools come first, as Anthropic demands.
 */
export function encodeConversation(request: Request, facts: ModelFacts, dropped: string[]): Conversation {
  const conversation: Conversation = { system: [], turns: [] };
  const { turns } = conversation;
  const isOwn = request.extra[ID] !== undefined;
  const lastInstruction = { index: -1, count: 0 };
  /** Instructions that wait for the end of the user's turn: Anthropic takes them only behind one, and once. */
  const waiting = new Map<number, JsonObject[]>();
  const hoist = (index: number, blocks: JsonObject[]): void => {
    if (turns.length > 0) dropped.push(`messages[${index}].role`);
    if (blocks.length > 0) Object.assign(lastInstruction, { index, count: blocks.length });
    conversation.system.push(...blocks);
  };
  const place = (): void => {
    const content = [...waiting.values()].flat();
    if (turns.at(-1)?.role === "user" && content.length > 0) turns.push({ role: "system", content, fields: {} });
    else for (const [index, blocks] of waiting) hoist(index, blocks);
    waiting.clear();
  };
  for (const [index, message] of request.messages.entries()) {
    const isInstruction = message.role === "system" || message.role === "developer";
    const blocks = encodeMessageParts(message, index, { dropped, isOwn });
    const { index: at, text } = objectOf(objectOf(ownFields(message.extra)["noted"])["header"]);
    if (typeof at === "number" && typeof text === "string") blocks.splice(at, 0, { type: "text", text });
    if (message.role === "assistant") place();
    if (!isInstruction || ownFields(message.extra)["role"] === "system") appendTurn(turns, message, blocks);
    else if (turns.length > 0 && facts.takesInlineInstructions === true) waiting.set(index, blocks);
    else hoist(index, blocks);
  }
  place();
  if (turns.length === 0 && lastInstruction.count > 0) {
    // A conversation of instructions alone: the last one is what the model has to answer.
    const content = conversation.system.splice(-lastInstruction.count);
    turns.push({ role: "user", content, fields: {} });
    dropped.push(`messages[${lastInstruction.index}].role`);
  }
  if (turns.length === 0) throw invalidRequest("messages: at least one message with content is required", "messages");
  conversation.turns = turns.map(orderTurn);
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
  if (part.type === "tool-result" && message.parts.length === 1) return `messages[${index}]`;
  return `messages[${index}].content[${position}]`;
}

function appendTurn(turns: Turn[], message: Message, blocks: JsonObject[]): void {
  const role = message.role === "assistant" ? "assistant" : message.role === "system" ? "system" : "user";
  const own = ownFields(message.extra);
  const fields = { ...omit(own, ["role", "noted"]), ...objectOf(own["noted"]) };
  // An instruction may say nothing but how to answer.
  if (blocks.length === 0 && (role !== "system" || Object.keys(fields).length === 0)) return;
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
