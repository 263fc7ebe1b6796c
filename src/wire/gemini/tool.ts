// Tools and the choice among them ↔ canonical ones. Google's own tools (search, code, …) stay this format's own.
// Knows no message and no call. Source: https://ai.google.dev/api/caching#Tool

import {
  type JsonObject,
  type Request,
  type Tool,
  type ToolChoice,
  invalidRequest,
  isJsonObject,
} from "../../ir/index.ts";
import { lowerCustomTool } from "../custom-tool.ts";
import type { Sources } from "../field-name.ts";
import { fitParameters } from "../json-schema.ts";
import { fitIdentifier } from "../safe-name.ts";
import type { ModelFacts } from "../type.ts";
import { type FunctionDeclaration, ID, NAME_LIMIT, asExtra, ownFields, reportForeign, unifyNames } from "./body.ts";
import { decodeSchema, encodeSchema } from "./schema.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

const TOOL_NAMES = ["functionDeclarations"] as const;
const DECLARATION_NAMES = ["parametersJsonSchema", "responseJsonSchema"] as const;
const CONFIG_NAMES = ["functionCallingConfig"] as const;
const CALLING_NAMES = ["allowedFunctionNames", "streamFunctionCallArguments"] as const;

/** Declarations become canonical tools; what else a tool is stays behind in `own.tools`, with the place that it had in the list. */
export function decodeTools(
  body: JsonObject,
  request: Request,
  { own, sources }: { own: JsonObject; sources: Sources | undefined },
): void {
  const value = body["tools"] ?? [];
  // The SDKs take one tool for a list of it.
  const list = isJsonObject(value) ? [value] : value;
  if (!Array.isArray(list)) throw invalidRequest("Invalid value at 'tools': a list is expected", "tools");
  const kept: JsonObject[] = [];
  for (const [index, item] of list.entries()) {
    if (!isJsonObject(item)) throw invalidRequest(`Invalid value at 'tools[${index}]'`, `tools[${index}]`);
    const tool = unifyNames(item, TOOL_NAMES);
    const declarations = tool["functionDeclarations"] ?? [];
    const rest = omit(tool, ["functionDeclarations"]);
    if (Object.keys(rest).length > 0) kept.push({ index, tool: rest });
    const listed = objectsOf(isJsonObject(declarations) ? [declarations] : declarations);
    for (const [position, declaration] of listed.entries()) {
      const decoded = decodeDeclaration(unifyNames(declaration, DECLARATION_NAMES), `tools[${index}]`);
      sources?.set(decoded, `tools[${index}].functionDeclarations[${position}]`);
      request.tools.push(decoded);
    }
  }
  if (kept.length > 0) own["tools"] = kept;
  decodeConfig(objectOf(body["toolConfig"]), request, own);
}

function decodeDeclaration(declaration: JsonObject, path: string): Tool {
  const name = textOf(declaration["name"]);
  if (name === "") {
    const field = `${path}.function_declarations.name`;
    throw invalidRequest(`* GenerateContentRequest.${field}: name must not be empty`, field);
  }
  const { parametersJsonSchema, parameters } = declaration;
  const known = isJsonObject(parametersJsonSchema) ? ["parametersJsonSchema"] : ["parameters"];
  return {
    name,
    description: typeof declaration["description"] === "string" ? declaration["description"] : null,
    parameters: isJsonObject(parametersJsonSchema)
      ? parametersJsonSchema
      : isJsonObject(parameters)
        ? decodeSchema(parameters)
        : null,
    strict: null,
    ...asExtra(omit(declaration, ["name", "description", ...known])),
  };
}

function decodeConfig(source: JsonObject, request: Request, own: JsonObject): void {
  const config = unifyNames(source, CONFIG_NAMES);
  const calling = unifyNames(objectOf(config["functionCallingConfig"]), CALLING_NAMES);
  const mode = textOf(calling["mode"]).toUpperCase();
  const names = Array.isArray(calling["allowedFunctionNames"]) ? calling["allowedFunctionNames"] : [];
  const allowed = names.filter((name) => typeof name === "string");
  const choice = readChoice(mode, allowed);
  if (choice !== undefined) request.toolChoice = choice;
  // `auto` with calls checked against their schemas: what else it says, other formats have no word for.
  const isKnown = choice !== undefined && mode !== "VALIDATED";
  const isNamed = choice?.type === "tool" || choice?.type === "allowed";
  const rest = omit(calling, [...(isKnown ? ["mode"] : []), ...(isNamed ? ["allowedFunctionNames"] : [])]);
  for (const [name, value] of Object.entries(rest)) own[`toolConfig.functionCallingConfig.${name}`] = value;
  for (const [name, value] of Object.entries(omit(config, CONFIG_NAMES))) own[`toolConfig.${name}`] = value;
}

function readChoice(mode: string, names: string[]): ToolChoice | undefined {
  const [only, ...more] = names;
  switch (mode) {
    case "AUTO":
      return { type: "auto" };
    case "NONE":
      return { type: "none" };
    case "VALIDATED":
      return only === undefined ? { type: "auto" } : { type: "allowed", names, required: false };
    case "ANY":
      if (only === undefined) return { type: "required" };
      return more.length === 0 ? { type: "tool", name: only } : { type: "allowed", names, required: true };
    default:
      return undefined;
  }
}

/** `tools` and `toolConfig.functionCallingConfig`. */
export function encodeTools(request: Request, body: JsonObject, facts: ModelFacts, dropped: string[]): void {
  const { toolChoice } = request;
  const own = ownFields(request.extra);
  const isOwn = request.extra[ID] !== undefined;
  const usable = listUsable(request, isOwn);
  const declarations = usable.map((tool) => {
    const path = `tools[${request.tools.indexOf(tool)}]`;
    reportForeign(tool.extra, { path, dropped });
    if (tool.cache !== undefined) dropped.push("cache_control");
    if (!isOwn) dropped.push(...fitParameters(tool.parameters).merged.map((name) => `${path}.parameters.${name}`));
    return encodeDeclaration(tool, isOwn);
  });
  const tools: JsonObject[] = declarations.length === 0 ? [] : [{ functionDeclarations: declarations }];
  for (const { index, tool } of objectsOf(own["tools"])) {
    if (typeof index === "number" && isJsonObject(tool)) tools.splice(index, 0, tool);
  }
  if (tools.length > 0) body["tools"] = tools;
  if (request.parallelToolCalls === false && usable.length > 0) dropped.push("parallel_tool_calls");
  const config = encodeChoice(request, facts, isOwn);
  // Google refuses a choice among no functions.
  if (usable.length > 0 && config !== null) body["toolConfig"] = { functionCallingConfig: config };
  if (toolChoice?.type === "tool" && !isOwn && usable.every(({ name }) => name !== toolChoice.name)) {
    throw invalidRequest(
      `tool_choice: this model has no tool called "${toolChoice.name}" that it could be made to call.`,
      "tool_choice",
    );
  }
  if (usable.length === 0 && (toolChoice?.type === "required" || toolChoice?.type === "tool")) {
    dropped.push("tool_choice");
  }
}

/** Where only some may be called without any having to be, only those are sent: Google names them in no other way. */
function listUsable({ tools, toolChoice }: Request, isOwn: boolean): Tool[] {
  if (isOwn || toolChoice?.type !== "allowed" || toolChoice.required) return tools;
  return tools.filter(({ name }) => toolChoice.names.includes(name));
}

function encodeDeclaration(tool: Tool, isOwn: boolean): JsonObject {
  const { name, description, parameters } = lowerCustomTool(tool);
  const declaration: FunctionDeclaration = { name: isOwn ? name : fitIdentifier(name, NAME_LIMIT) };
  if (description !== null) declaration.description = description;
  if (parameters !== null) {
    declaration.parametersJsonSchema = isOwn ? parameters : encodeSchema(fitParameters(parameters).schema);
  }
  return { ...declaration, ...ownFields(tool.extra) };
}

function encodeChoice({ toolChoice, tools }: Request, facts: ModelFacts, isOwn: boolean): JsonObject | null {
  const fit = (name: string): string => (isOwn ? name : fitIdentifier(name, NAME_LIMIT));
  switch (toolChoice?.type) {
    case undefined:
      return isChecked(tools, facts) ? { mode: "VALIDATED" } : null;
    case "auto":
      return { mode: isChecked(tools, facts) ? "VALIDATED" : "AUTO" };
    case "none":
      return { mode: "NONE" };
    case "required":
      return { mode: "ANY" };
    case "tool":
      return { mode: "ANY", allowedFunctionNames: [fit(toolChoice.name)] };
    case "allowed":
      if (toolChoice.required) return { mode: "ANY", allowedFunctionNames: toolChoice.names.map(fit) };
      return isOwn ? { mode: "VALIDATED", allowedFunctionNames: toolChoice.names } : { mode: "AUTO" };
    default:
      return toolChoice satisfies never;
  }
}

/** A strict tool asks for arguments that keep to the schema, which this mode gives; models from before it reason in no way. */
function isChecked(tools: readonly Tool[], { reasoning }: ModelFacts): boolean {
  return reasoning !== "none" && tools.some((tool) => tool.strict === true);
}
