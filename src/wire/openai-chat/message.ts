// The messages of a chat request → canonical messages; the way back is message-encode.ts. Knows no parameters and no content.

import type { JsonObject, MediaPart, Message, Part, TextPart, ToolCallPart, ToolResultPart } from "../../ir/index.ts";
import {
  missing,
  readObject,
  readObjects,
  readString,
  requireObject,
  requireString,
  wrongValue,
} from "../openai-check.ts";
import { ID, asExtra } from "./body.ts";
import { decodeMark, decodeRest, isBreakpoint } from "./cache.ts";
import { decodeContent } from "./content.ts";
import { REASONING_FIELDS, decodeReasoning, placeSeals, readCallSignature } from "./reasoning.ts";
import { omit } from "../json-read.ts";

/** Messages of a body that `peekRequest` accepted. Throws an invalid_request that names the field where something inside is wrong. */
export function decodeMessages(body: JsonObject): Message[] {
  /** Ids that we gave to calls of the legacy kind, which have none, by the function's name. */
  const legacyIds = new Map<string, string>();
  return readObjects(body, "messages").map((item, index) => {
    const path = `messages[${index}]`;
    switch (item["role"]) {
      case "assistant":
        return decodeAssistant(item, path, legacyIds);
      case "tool":
        return decodeToolMessage(item, path);
      case "function":
        return decodeFunctionMessage(item, path, legacyIds);
      case "system":
      case "developer":
      case "user":
        return markLast({
          role: item["role"],
          parts: decodeContent(item["content"], `${path}.content`),
          ...asExtra(omit(item, ["role", "content"])),
        });
      default:
        throw wrongValue(`${path}.role`, item["role"] ?? null, ["system", "developer", "user", "assistant", "tool"]);
    }
  });
}

/** A message's own cache mark stands for the end of the message: its last part carries it. */
function markLast(message: Message): Message {
  const { extra, ...rest } = message;
  const own: JsonObject = extra?.[ID] ?? {};
  const cache = decodeMark(own["cache_control"]);
  const last = message.parts.findLastIndex((part) => part.type !== "reasoning");
  if (cache === null || last === -1) return message;
  const parts = message.parts.map((part, index) =>
    index === last && part.type !== "reasoning" ? { cache, ...part } : part,
  );
  return { ...rest, parts, ...asExtra(omit(own, ["cache_control"])) };
}

function decodeAssistant(item: JsonObject, path: string, legacyIds: Map<string, string>): Message {
  const calls = readObjects(item, "tool_calls", `${path}.tool_calls`).map((call, index) =>
    decodeToolCall(call, `${path}.tool_calls[${index}]`),
  );
  const placed = placeSeals(decodeReasoning(item, true), calls, true);
  const parts: Part[] = [
    ...placed.rest,
    ...decodeContent(item["content"], `${path}.content`),
    ...decodeRefusal(item, path),
    ...placed.calls,
    ...decodeFunctionCall(item, path, legacyIds),
  ];
  const known = ["role", "content", "tool_calls"];
  // What says nothing is in no part, yet some servers insist on getting even an empty `reasoning_content` back.
  for (const name of ["refusal", "function_call", ...REASONING_FIELDS]) {
    if (item[name] !== null && item[name] !== "") known.push(name);
  }
  return markLast({ role: "assistant", parts, ...asExtra(omit(item, known)) });
}

/** What the model refused to say is part of the conversation for every other format: text that remembers its field. */
function decodeRefusal(item: JsonObject, path: string): TextPart[] {
  const refusal = readString(item, "refusal", `${path}.refusal`);
  return refusal === undefined || refusal === ""
    ? []
    : [{ type: "text", text: refusal, ...asExtra({ field: "refusal" }) }];
}

function decodeToolCall(call: JsonObject, path: string): { part: ToolCallPart; signature: string | null } {
  const id = requireString(call, "id", `${path}.id`);
  if (call["type"] === "custom") {
    const custom = requireObject(call, "custom", `${path}.custom`);
    const part: ToolCallPart = {
      type: "tool-call",
      id,
      name: requireString(custom, "name", `${path}.custom.name`),
      arguments: requireString(custom, "input", `${path}.custom.input`),
      custom: true,
      ...decodeRest(call, ["id", "type", "custom"]),
    };
    return { part, signature: null };
  }
  if (call["type"] !== "function" && call["type"] !== undefined) {
    throw wrongValue(`${path}.type`, call["type"], ["function", "custom"]);
  }
  const target = requireObject(call, "function", `${path}.function`);
  const { signature, own } = readCallSignature(omit(call, ["id", "type", "function"]));
  const part: ToolCallPart = {
    type: "tool-call",
    id,
    name: requireString(target, "name", `${path}.function.name`),
    arguments: requireString(target, "arguments", `${path}.function.arguments`),
    ...decodeRest(own, []),
  };
  return { part, signature };
}

function decodeFunctionCall(item: JsonObject, path: string, legacyIds: Map<string, string>): ToolCallPart[] {
  const call = readObject(item, "function_call", `${path}.function_call`);
  if (call === undefined) return [];
  const name = requireString(call, "name", `${path}.function_call.name`);
  const id = `function_call_${legacyIds.size}_${name}`.slice(0, 40);
  legacyIds.set(name, id);
  return [
    {
      type: "tool-call",
      id,
      name,
      arguments: requireString(call, "arguments", `${path}.function_call.arguments`),
      ...asExtra({ function_call: true }),
    },
  ];
}

function decodeToolMessage(item: JsonObject, path: string): Message {
  const content = decodeResult(item, path);
  // A breakpoint can stand on a part alone, so there it stays.
  const last = content.findLast((part, at) => at === content.length - 1 && !isBreakpoint(part));
  const { extra, ...mark } = decodeRest(item, ["role", "content", "tool_call_id", "name"]);
  // Where the mark stands, on the message or on its last part, means the same.
  const cache = mark.cache ?? last?.cache;
  const result: ToolResultPart = {
    type: "tool-result",
    callId: requireString(item, "tool_call_id", `${path}.tool_call_id`),
    content: last?.cache === undefined ? content : [...content.slice(0, -1), withoutCache(last)],
    isError: false,
    ...(cache === undefined ? {} : { cache }),
  };
  // The call that it answers says the name, too.
  const named = item["name"] === undefined ? {} : { noted: { name: item["name"] } };
  return { role: "tool", parts: [result], ...asExtra({ ...extra?.[ID], ...named }) };
}

function withoutCache(part: TextPart | MediaPart): TextPart | MediaPart {
  const rest = { ...part };
  delete rest.cache;
  return rest;
}

function decodeFunctionMessage(item: JsonObject, path: string, legacyIds: Map<string, string>): Message {
  const name = requireString(item, "name", `${path}.name`);
  const result: ToolResultPart = {
    type: "tool-result",
    callId: legacyIds.get(name) ?? `function_call_${name}`.slice(0, 40),
    content: decodeResult(item, path),
    isError: false,
  };
  return {
    role: "tool",
    parts: [result],
    ...asExtra({ ...omit(item, ["content", "name"]), role: "function", noted: { name } }),
  };
}

function decodeResult(item: JsonObject, path: string): (TextPart | MediaPart)[] {
  const parts = decodeContent(item["content"], `${path}.content`);
  return parts.map((part, index) => {
    if (part.type === "reasoning") throw missing(`${path}.content[${index}].text`);
    return part;
  });
}
