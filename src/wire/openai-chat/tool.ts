// Tools and the choice among them, today's spelling and the legacy one (`functions`, `function_call`), ↔ canonical tools.
// Knows no message and no call.

import { type JsonObject, type Request, type Tool, type ToolChoice, isJsonObject } from "../../ir/index.ts";
import {
  missing,
  readBoolean,
  readObject,
  readObjects,
  readString,
  requireObject,
  requireString,
  wrongType,
} from "../openai-check.ts";
import { type FunctionTool, asExtra, objectOf, objectsOf, omit, ownFields } from "./body.ts";
import { reportForeign } from "./content.ts";

const FUNCTION_FIELDS = ["name", "description", "parameters", "strict"];

/**
 * Functions become canonical tools; tools of other types stay behind in `own.tools`, each with the place it had in the list, and so does
 * a choice that only this format can say.
 */
export function decodeTools(body: JsonObject, request: Request, own: JsonObject): void {
  const kept: JsonObject[] = [];
  for (const [index, tool] of readObjects(body, "tools").entries()) {
    const path = `tools[${index}]`;
    const type = readString(tool, "type", `${path}.type`);
    if (type !== undefined && type !== "function") {
      kept.push({ index, tool });
      continue;
    }
    const target = requireObject(tool, "function", `${path}.function`);
    const rest = omit(tool, ["type", "function"]);
    const innerRest = omit(target, FUNCTION_FIELDS);
    if (Object.keys(innerRest).length > 0) rest["function"] = innerRest;
    request.tools.push({ ...decodeFunction(target, `${path}.function`), ...asExtra(rest) });
  }
  if (kept.length > 0) own["tools"] = kept;
  for (const [index, target] of readObjects(body, "functions").entries()) {
    const rest = omit(target, FUNCTION_FIELDS);
    const fields: JsonObject = Object.keys(rest).length > 0 ? { function: rest } : {};
    request.tools.push({
      ...decodeFunction(target, `functions[${index}]`),
      ...asExtra({ ...fields, functions: true }),
    });
  }
  decodeChoice(body, request, own);
}

function decodeFunction(target: JsonObject, path: string): Tool {
  const name = requireString(target, "name", `${path}.name`);
  if (name === "") throw missing(`${path}.name`);
  return {
    name,
    description: readString(target, "description", `${path}.description`) ?? null,
    parameters: readObject(target, "parameters", `${path}.parameters`) ?? null,
    strict: readBoolean(target, "strict", `${path}.strict`) ?? null,
  };
}

function decodeChoice(body: JsonObject, request: Request, own: JsonObject): void {
  const name = body["tool_choice"] === undefined || body["tool_choice"] === null ? "function_call" : "tool_choice";
  const value = body[name] ?? null;
  if (value === null) return;
  if (typeof value !== "string" && !isJsonObject(value)) throw wrongType(name, "one of a string or an object", value);
  const choice = readChoice(value);
  if (choice === undefined) own[name] = value;
  else request.toolChoice = choice;
  // False cannot come from a client: it notes the spelling, and asks other formats for nothing.
  if (choice !== undefined && name === "function_call") own["function_call"] = false;
}

function readChoice(value: string | JsonObject): ToolChoice | undefined {
  if (value === "auto" || value === "none" || value === "required") return { type: value };
  if (typeof value === "string") return undefined;
  const target = value["type"] === "function" ? objectOf(value["function"]) : value["type"] === undefined ? value : {};
  return typeof target["name"] === "string" ? { type: "tool", name: target["name"] } : undefined;
}

/** `tools`, `functions` and the choice. OpenAI refuses an empty list, and a choice among no tools. */
export function encodeTools(request: Request, body: JsonObject, dropped: Set<string>): void {
  const own = ownFields(request.extra);
  const functions: JsonObject[] = [];
  const tools: JsonObject[] = [];
  for (const tool of request.tools) {
    reportForeign(tool.extra, { dropped });
    const fields = ownFields(tool.extra);
    const encoded = encodeTool(tool, fields);
    if (fields["functions"] === true) functions.push({ ...objectOf(fields["function"]), ...encoded.function });
    else tools.push({ ...fields, ...encoded, function: { ...objectOf(fields["function"]), ...encoded.function } });
  }
  for (const { index, tool } of objectsOf(own["tools"])) {
    if (typeof index === "number" && isJsonObject(tool)) tools.splice(index, 0, tool);
  }
  if (tools.length > 0) body["tools"] = tools;
  if (functions.length > 0) body["functions"] = functions;
  const hasTools = tools.length + functions.length > 0;
  if (request.toolChoice !== undefined && hasTools) encodeChoice(request.toolChoice, body, own);
  if (request.parallelToolCalls !== undefined && hasTools) body["parallel_tool_calls"] = request.parallelToolCalls;
  if (hasTools || request.toolChoice === undefined) return;
  if (request.toolChoice.type === "required" || request.toolChoice.type === "tool") dropped.add("tool_choice");
}

function encodeTool(tool: Tool, own: JsonObject): FunctionTool {
  const target: FunctionTool["function"] = { name: tool.name };
  if (tool.description !== null) target.description = tool.description;
  if (tool.parameters !== null) target.parameters = tool.parameters;
  if (tool.strict !== null && own["functions"] !== true) target.strict = tool.strict;
  return { type: "function", function: target };
}

function encodeChoice(choice: ToolChoice, body: JsonObject, own: JsonObject): void {
  const isLegacy = own["function_call"] === false && choice.type !== "required";
  if (choice.type !== "tool") body[isLegacy ? "function_call" : "tool_choice"] = choice.type;
  else if (isLegacy) body["function_call"] = { name: choice.name };
  else body["tool_choice"] = { type: "function", function: { name: choice.name } };
}
