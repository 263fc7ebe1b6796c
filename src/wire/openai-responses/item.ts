// The items of a request's input → canonical messages; the way back is item-encode.ts. Knows no parameters and no content.

import {
  type GatewayError,
  type JsonObject,
  type Message,
  type Part,
  type Tool,
  type ToolCallPart,
  type ToolResultPart,
  invalidRequest,
} from "../../ir/index.ts";
import type { Sources } from "../field-name.ts";
import { readObjects, readString, requireString, wrongValue } from "../openai-check.ts";
import { asExtra, ownFields } from "./body.ts";
import { decodeContent } from "./content.ts";
import { decodeGenerated, keepItem } from "./kept.ts";
import { nameCall } from "./namespace.ts";
import { PLUMBING, decodeReasoning } from "./reasoning.ts";
import { decodeActionCall, decodeActionResult } from "./shell.ts";
import { omit, textOf } from "../json-read.ts";

const ROLES = ["assistant", "system", "developer", "user"] as const;

/**
 * `instructions` and `input` of a body that `peekRequest` accepted. What a model said in one turn (reasoning, text, calls) is one message.
 * Throws an invalid_request that names the item which cannot be read.
 */
export function decodeInput(body: JsonObject, tools: readonly Tool[], sources?: Sources): Message[] {
  const messages: Message[] = [];
  const instructions = readString(body, "instructions");
  // False cannot come from a client: it notes the place where this was said, and asks other formats for nothing.
  if (instructions !== undefined && instructions !== "") {
    const parts: Part[] = [{ type: "text", text: instructions }];
    messages.push({ role: "system", parts, ...asExtra({ instructions: false }) });
  }
  if (messages[0] !== undefined) sources?.set(messages[0], "instructions");
  if (typeof body["input"] === "string") {
    const message: Message = { role: "user", parts: decodeContent(body["input"], "input") };
    sources?.set(message, "input");
    messages.push(message);
    return messages;
  }
  for (const [index, item] of readObjects(body, "input").entries()) {
    const path = `input[${index}]`;
    decodeItem(item, path, { messages, tools });
    if (sources !== undefined) noteSource(messages, path, sources);
  }
  return messages;
}

/** A new message stands at the end, or among the results of the last turns. */
function noteSource(messages: readonly Message[], path: string, sources: Sources): void {
  for (let place = messages.length - 1; place >= 0 && sources.size < messages.length; place--) {
    const message = messages[place];
    if (message !== undefined && !sources.has(message)) sources.set(message, path);
  }
}

interface Conversation {
  messages: Message[];
  tools: readonly Tool[];
}

function decodeItem(item: JsonObject, path: string, conversation: Conversation): void {
  const { messages } = conversation;
  switch (item["type"]) {
    case undefined:
    case null:
    case "message":
      decodeMessage(item, path, messages);
      return;
    case "reasoning": {
      const part = decodeReasoning(item, false);
      if (part !== null) addAnswer(messages, [part]);
      return;
    }
    case "function_call":
    case "custom_tool_call":
      addAnswer(messages, [decodeCall(item, path, conversation.tools)]);
      return;
    case "function_call_output":
    case "custom_tool_call_output":
      addResult(messages, decodeResult(item, path));
      return;
    case "image_generation_call":
      addAnswer(messages, [decodeGenerated(item)]);
      return;
    case "compaction":
    case "compaction_trigger":
    case "item_reference":
      throw unreadable(item, path);
    default:
      decodeOther(item, path, messages);
  }
}

/** Tools that OpenAI defines and the client runs are calls and results like any; what the provider ran itself is kept as it is. */
function decodeOther(item: JsonObject, path: string, messages: Message[]): void {
  const call = decodeActionCall(item);
  const result = decodeActionResult(item, path);
  if (call !== null) addAnswer(messages, [call]);
  else if (result !== null) addResult(messages, result);
  else if (item["type"] === "mcp_approval_response") messages.push({ role: "user", parts: [keepItem(item)] });
  // The tools themselves are among the request's.
  else if (item["type"] !== "additional_tools") addAnswer(messages, [keepItem(item)]);
}

function unreadable(item: JsonObject, path: string): GatewayError {
  const type = textOf(item["type"]);
  if (type === "item_reference") {
    const id = textOf(item["id"]);
    return invalidRequest(`Item with id '${id}' not found. Send the item itself instead of a reference to it.`, path);
  }
  return invalidRequest(
    `${path}: an item of type '${type}' can be read only by the provider that made it. Choose a model of that provider, or send the conversation itself.`,
    path,
  );
}

function decodeMessage(item: JsonObject, path: string, messages: Message[]): void {
  const role = ROLES.find((known) => known === item["role"]);
  if (role === undefined) throw wrongValue(`${path}.role`, item["role"] ?? null, ROLES);
  const parts: Part[] = decodeContent(item["content"], `${path}.content`);
  if (role !== "assistant") {
    messages.push({ role, parts, ...asExtra(omit(item, ["role", "content", "type", ...PLUMBING])) });
    return;
  }
  const rest = omit(item, ["role", "content", "type", ...PLUMBING]);
  const [first, ...more] = parts;
  if (first === undefined) return;
  addAnswer(messages, [{ ...first, ...asExtra({ ...ownFields(first.extra), ...rest }) }, ...more]);
}

function addAnswer(messages: Message[], parts: Part[]): void {
  const last = messages.at(-1);
  if (last?.role === "assistant") last.parts.push(...parts);
  else messages.push({ role: "assistant", parts });
}

/**
 * A result stands behind its call and the other results of that turn, as other formats demand, also where a client said something in between;
 * what a client says later of the same call is more of its one result.
 */
function addResult(messages: Message[], result: ToolResultPart): void {
  const turn = messages.findLastIndex(({ parts }) =>
    parts.some((part) => part.type === "tool-call" && part.id === result.callId),
  );
  let place = turn === -1 ? messages.length : turn + 1;
  for (; messages[place]?.role === "tool"; place++) {
    const known = messages[place]?.parts.find((part) => part.type === "tool-result" && part.callId === result.callId);
    if (known?.type !== "tool-result") continue;
    known.content.push(...result.content);
    return;
  }
  messages.splice(place, 0, { role: "tool", parts: [result] });
}

function decodeCall(item: JsonObject, path: string, tools: readonly Tool[]): ToolCallPart {
  const isCustom = item["type"] === "custom_tool_call";
  const field = isCustom ? "input" : "arguments";
  const name = requireString(item, "name", `${path}.name`);
  const rest = omit(item, ["type", "call_id", "name", "namespace", field, ...PLUMBING]);
  return {
    type: "tool-call",
    id: requireString(item, "call_id", `${path}.call_id`),
    name: nameCall(tools, name, textOf(item["namespace"])),
    arguments: requireString(item, field, `${path}.${field}`),
    ...(isCustom ? { custom: true } : {}),
    ...asExtra(rest),
  };
}

function decodeResult(item: JsonObject, path: string): ToolResultPart {
  return {
    type: "tool-result",
    callId: requireString(item, "call_id", `${path}.call_id`),
    content: decodeContent(item["output"], `${path}.output`),
    isError: false,
    ...asExtra(omit(item, ["type", "call_id", "output", "name", "namespace", ...PLUMBING])),
  };
}
