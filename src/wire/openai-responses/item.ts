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
import { type Turns, openTurns } from "./turns.ts";
import { omit, textOf } from "../json-read.ts";

const ROLES = ["assistant", "system", "developer", "user"] as const;

/**
 * `instructions` and `input` of a body that `peekRequest` accepted. What a model said in one turn (reasoning, text, calls) is one message.
 * Throws an invalid_request that names the item which cannot be read.
 */
export function decodeInput(body: JsonObject, tools: readonly Tool[], sources?: Sources): Message[] {
  let source = "instructions";
  const turns = openTurns((message) => sources?.set(message, source));
  const instructions = readString(body, "instructions");
  // False cannot come from a client: it notes the place where this was said, and asks other formats for nothing.
  if (instructions !== undefined && instructions !== "") {
    const parts: Part[] = [{ type: "text", text: instructions }];
    turns.say({ role: "system", parts, ...asExtra({ instructions: false }) });
  }
  if (typeof body["input"] === "string") {
    source = "input";
    turns.say({ role: "user", parts: decodeContent(body["input"], "input") });
    return turns.list();
  }
  for (const [index, item] of readObjects(body, "input").entries()) {
    source = `input[${index}]`;
    const noted = sources === undefined ? turns : notePlaces(turns, { item, source, sources });
    decodeItem(item, source, { turns: noted, tools });
  }
  return turns.list();
}

/** The same turns, where each part of this item is noted with its place. */
function notePlaces(
  turns: Turns,
  { item, source, sources }: { item: JsonObject; source: string; sources: Sources },
): Turns {
  const note = (parts: readonly Part[], field: string): void => {
    const isList = Array.isArray(item[field]);
    const place = field in item ? `${source}.${field}` : source;
    for (const [index, part] of parts.entries()) sources.set(part, isList ? `${place}[${index}]` : place);
  };
  return {
    ...turns,
    say(message) {
      note(message.parts, "content");
      turns.say(message);
    },
    answer(parts) {
      if ((item["type"] ?? "message") === "message") note(parts, "content");
      else for (const part of parts) sources.set(part, source);
      turns.answer(parts);
    },
    bring(result) {
      sources.set(result, source);
      note(result.content, "output");
      turns.bring(result);
    },
  };
}

interface Conversation {
  turns: Turns;
  tools: readonly Tool[];
}

function decodeItem(item: JsonObject, path: string, conversation: Conversation): void {
  const { turns } = conversation;
  switch (item["type"]) {
    case undefined:
    case null:
    case "message":
      decodeMessage(item, path, turns);
      return;
    case "reasoning": {
      const part = decodeReasoning(item, false);
      if (part !== null) turns.answer([part]);
      return;
    }
    case "function_call":
    case "custom_tool_call":
      turns.answer([decodeCall(item, path, conversation.tools)]);
      return;
    case "function_call_output":
    case "custom_tool_call_output":
      turns.bring(decodeResult(item, path));
      return;
    case "image_generation_call":
      turns.answer([decodeGenerated(item)]);
      return;
    case "compaction":
    case "compaction_trigger":
    case "item_reference":
      throw unreadable(item, path);
    default:
      decodeOther(item, path, turns);
  }
}

/** Tools that OpenAI defines and the client runs are calls and results like any; what the provider ran itself is kept as it is. */
function decodeOther(item: JsonObject, path: string, turns: Turns): void {
  const call = decodeActionCall(item);
  const result = decodeActionResult(item, path);
  if (call !== null) turns.answer([call]);
  else if (result !== null) turns.bring(result);
  else if (item["type"] === "mcp_approval_response") turns.say({ role: "user", parts: [keepItem(item)] });
  // The tools themselves are among the request's.
  else if (item["type"] !== "additional_tools") turns.answer([keepItem(item)]);
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

function decodeMessage(item: JsonObject, path: string, turns: Turns): void {
  const role = ROLES.find((known) => known === item["role"]);
  if (role === undefined) throw wrongValue(`${path}.role`, item["role"] ?? null, ROLES);
  const parts: Part[] = decodeContent(item["content"], `${path}.content`);
  if (role !== "assistant") {
    turns.say({ role, parts, ...asExtra(omit(item, ["role", "content", "type", ...PLUMBING])) });
    return;
  }
  const rest = omit(item, ["role", "content", "type", ...PLUMBING]);
  const [first, ...more] = parts;
  if (first === undefined) return;
  turns.answer([{ ...first, ...asExtra({ ...ownFields(first.extra), ...rest }) }, ...more]);
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
