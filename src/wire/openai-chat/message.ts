// The messages of a chat request ↔ canonical messages. Content is in content.ts, parameters are in request.ts; knows neither.

import type {
  JsonObject,
  MediaPart,
  Message,
  Part,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from "../../ir/index.ts";
import {
  missing,
  readObject,
  readObjects,
  readString,
  requireObject,
  requireString,
  wrongValue,
} from "../openai-check.ts";
import { type CustomCall, type FunctionCall, asExtra, omit, ownFields } from "./body.ts";
import { type ContentPart, decodeContent, encodeContent, reportForeign } from "./content.ts";
import { REASONING_FIELDS, decodeReasoning, encodeReasoning } from "./reasoning.ts";

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
        return {
          role: item["role"],
          parts: decodeContent(item["content"], `${path}.content`),
          ...asExtra(omit(item, ["role", "content"])),
        };
      default:
        throw wrongValue(`${path}.role`, item["role"] ?? null, ["system", "developer", "user", "assistant", "tool"]);
    }
  });
}

function decodeAssistant(item: JsonObject, path: string, legacyIds: Map<string, string>): Message {
  const parts: Part[] = [
    ...decodeReasoning(item, true),
    ...decodeContent(item["content"], `${path}.content`),
    ...decodeRefusal(item, path),
    ...readObjects(item, "tool_calls", `${path}.tool_calls`).map((call, index) =>
      decodeToolCall(call, `${path}.tool_calls[${index}]`),
    ),
    ...decodeFunctionCall(item, path, legacyIds),
  ];
  const known = ["role", "content", "tool_calls"];
  // What says nothing is in no part, yet some servers insist on getting even an empty `reasoning_content` back.
  for (const name of ["refusal", "function_call", ...REASONING_FIELDS]) {
    if (item[name] !== null && item[name] !== "") known.push(name);
  }
  return { role: "assistant", parts, ...asExtra(omit(item, known)) };
}

/** What the model refused to say is part of the conversation for every other format: text that remembers its field. */
function decodeRefusal(item: JsonObject, path: string): TextPart[] {
  const refusal = readString(item, "refusal", `${path}.refusal`);
  return refusal === undefined || refusal === ""
    ? []
    : [{ type: "text", text: refusal, ...asExtra({ field: "refusal" }) }];
}

function decodeToolCall(call: JsonObject, path: string): ToolCallPart {
  const id = requireString(call, "id", `${path}.id`);
  if (call["type"] === "custom") {
    const custom = requireObject(call, "custom", `${path}.custom`);
    return {
      type: "tool-call",
      id,
      name: requireString(custom, "name", `${path}.custom.name`),
      arguments: requireString(custom, "input", `${path}.custom.input`),
      ...asExtra(omit(call, ["id", "custom"])),
    };
  }
  if (call["type"] !== "function" && call["type"] !== undefined) {
    throw wrongValue(`${path}.type`, call["type"], ["function", "custom"]);
  }
  const target = requireObject(call, "function", `${path}.function`);
  return {
    type: "tool-call",
    id,
    name: requireString(target, "name", `${path}.function.name`),
    arguments: requireString(target, "arguments", `${path}.function.arguments`),
    ...asExtra(omit(call, ["id", "type", "function"])),
  };
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
  const result: ToolResultPart = {
    type: "tool-result",
    callId: requireString(item, "tool_call_id", `${path}.tool_call_id`),
    content: decodeResult(item, path),
    isError: false,
  };
  return { role: "tool", parts: [result], ...asExtra(omit(item, ["role", "content", "tool_call_id"])) };
}

function decodeFunctionMessage(item: JsonObject, path: string, legacyIds: Map<string, string>): Message {
  const name = requireString(item, "name", `${path}.name`);
  const result: ToolResultPart = {
    type: "tool-result",
    callId: legacyIds.get(name) ?? `function_call_${name}`.slice(0, 40),
    content: decodeResult(item, path),
    isError: false,
  };
  return { role: "tool", parts: [result], ...asExtra({ ...omit(item, ["content"]), role: "function" }) };
}

function decodeResult(item: JsonObject, path: string): (TextPart | MediaPart)[] {
  const parts = decodeContent(item["content"], `${path}.content`);
  return parts.map((part, index) => {
    if (part.type === "reasoning") throw missing(`${path}.content[${index}].text`);
    return part;
  });
}

/** Canonical messages in this format's order. Reasoning goes back only where this format wrote it. */
export function encodeMessages(messages: readonly Message[], dropped: Set<string>): JsonObject[] {
  const encoded: JsonObject[] = [];
  /** Images that tools returned: Chat takes them from users only, and only behind all results of the turn. */
  let shown: ContentPart[] = [];
  const flush = (): void => {
    if (shown.length > 0) encoded.push({ role: "user", content: encodeContent(shown, { path: "messages", dropped }) });
    shown = [];
  };
  for (const [index, message] of messages.entries()) {
    const path = `messages[${index}]`;
    if (message.role === "assistant") {
      flush();
      encoded.push(encodeAssistant(message, path, dropped));
      continue;
    }
    const results = message.parts.filter((part) => part.type === "tool-result");
    const rest = message.parts.filter((part) => part.type === "text" || part.type === "media");
    const own = ownFields(message.extra);
    for (const [position, result] of results.entries()) {
      const fields = position === 0 ? own : {};
      encoded.push(encodeResult(result, fields, { path, dropped }));
      shown.push(...listShown(result));
    }
    if (rest.length === 0 && results.length > 0) continue;
    flush();
    const role = message.role === "tool" ? "user" : message.role;
    const content = encodeContent(rest, { path: `${path}.content`, dropped });
    encoded.push({ ...(results.length > 0 ? {} : own), role, content });
  }
  flush();
  return encoded;
}

function encodeAssistant(message: Message, path: string, dropped: Set<string>): JsonObject {
  const place = { path: `${path}.content`, dropped };
  const content: ContentPart[] = [];
  const reasoning: ReasoningPart[] = [];
  const fields: JsonObject = {};
  const calls: ToolCallPart[] = [];
  for (const [index, part] of message.parts.entries()) {
    const own = ownFields(part.extra);
    if (part.type === "tool-call") calls.push(part);
    else if (part.type === "text" && own["field"] === "refusal") fields["refusal"] = part.text;
    else if (part.type === "text") content.push(part);
    else if (part.type === "reasoning" && own["field"] === "thinking") content.push(part);
    else if (part.type === "reasoning" && own["field"] !== undefined) reasoning.push(part);
    // Reasoning that is not this format's own, media and results: an assistant cannot say them here.
    else dropped.add(`${place.path}[${index}]`);
  }
  Object.assign(fields, encodeReasoning(reasoning), encodeCalls(calls, place.dropped));
  const own = ownFields(message.extra);
  const saysOtherwise = calls.length > 0 || fields["refusal"] !== undefined || own["audio"] !== undefined;
  const encoded = content.length === 0 && saysOtherwise ? null : encodeContent(content, place);
  return { ...own, role: "assistant", content: encoded, ...fields };
}

function encodeCalls(parts: ToolCallPart[], dropped: Set<string>): JsonObject {
  const calls: JsonObject[] = [];
  const fields: JsonObject = {};
  for (const part of parts) {
    reportForeign(part.extra, { dropped });
    const own = ownFields(part.extra);
    if (own["function_call"] === true) fields["function_call"] = { name: part.name, arguments: part.arguments };
    else calls.push(encodeCall(part, own));
  }
  if (calls.length > 0) fields["tool_calls"] = calls;
  return fields;
}

/** A call with all that this format's own side said of it. */
export function encodeCall({ id, name, arguments: text }: ToolCallPart, own: JsonObject): JsonObject {
  if (own["type"] === "custom") {
    const call: CustomCall = { id, type: "custom", custom: { name, input: text } };
    return { ...own, ...call };
  }
  const call: FunctionCall = { id, type: "function", function: { name, arguments: text } };
  return { ...own, ...call };
}

function encodeResult(
  result: ToolResultPart,
  own: JsonObject,
  place: { path: string; dropped: Set<string> },
): JsonObject {
  if (result.isError) place.dropped.add("is_error");
  reportForeign(result.extra, place);
  const moved = listShown(result);
  const kept = result.content.filter((part) => !moved.includes(part));
  const content = encodeContent(kept, { ...place, path: `${place.path}.content` });
  if (own["role"] === "function") return { ...own, content };
  const text = content === "" && moved.length > 0 ? "The result is shown in the next message." : content;
  return { ...own, role: "tool", tool_call_id: result.callId, content: text };
}

/** The media of a result that this format's own client did not put there itself. */
function listShown(result: ToolResultPart): (TextPart | MediaPart)[] {
  return result.content.filter((part) => part.type === "media" && Object.keys(ownFields(part.extra)).length === 0);
}
