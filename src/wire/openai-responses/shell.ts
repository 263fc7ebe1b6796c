// Calls of tools that OpenAI defines and the client runs (a shell, a patch, a computer, a search among tools) and their results: other formats
// know them as calls and results like any. Knows no other item.

import type { Json, JsonObject, MediaPart, TextPart, ToolCallPart, ToolResultPart } from "../../ir/index.ts";
import { isJsonObject } from "../../ir/index.ts";
import { decodeContent } from "./content.ts";
import { objectOf, textOf } from "../json-read.ts";

/** The field of each call that says what to do. */
const CALLS: ReadonlyMap<string, string> = new Map([
  ["apply_patch_call", "operation"],
  ["computer_call", "action"],
  ["local_shell_call", "action"],
  ["shell_call", "action"],
  ["tool_search_call", "arguments"],
]);

/** The field of each result that says what came of it. */
const RESULTS: ReadonlyMap<string, string> = new Map([
  ["apply_patch_call_output", "output"],
  ["computer_call_output", "output"],
  ["local_shell_call_output", "output"],
  ["shell_call_output", "output"],
  ["tool_search_output", "tools"],
]);

/** Null for an item of another type, and for a call that the provider ran itself. */
export function decodeActionCall(item: JsonObject): ToolCallPart | null {
  const type = textOf(item["type"]);
  const field = CALLS.get(type);
  const id = textOf(item["call_id"]) || textOf(item["id"]);
  if (field === undefined || id === "" || item["execution"] === "server") return null;
  const action = item[field] ?? item["actions"] ?? {};
  const text = typeof action === "string" ? action : JSON.stringify(action);
  return { type: "tool-call", id, name: type.replace(/_call$/u, ""), arguments: text };
}

/** Null for an item of another type, and for a result that the provider gave itself. */
export function decodeActionResult(item: JsonObject, path: string): ToolResultPart | null {
  const field = RESULTS.get(textOf(item["type"]));
  const callId = textOf(item["call_id"]) || textOf(item["id"]);
  if (field === undefined || callId === "" || item["execution"] === "server") return null;
  const content = decodeOutput(item[field] ?? textOf(item["status"]), `${path}.${field}`);
  return { type: "tool-result", callId, content, isError: item["status"] === "failed" };
}

function decodeOutput(output: Json, path: string): (TextPart | MediaPart)[] {
  if (typeof output === "string") return output === "" ? [] : [{ type: "text", text: output }];
  const shot = objectOf(output);
  if (shot["type"] === "computer_screenshot") {
    return decodeContent([{ ...shot, type: "input_image" }], path);
  }
  return [
    { type: "text", text: isJsonObject(output) || Array.isArray(output) ? JSON.stringify(output) : String(output) },
  ];
}
