// Tools and the choice among them, today's spelling and the legacy one (`functions`, `function_call`), ↔ canonical tools.
// Knows no message and no call.

import {
  type JsonObject,
  type Request,
  type Tool,
  type ToolChoice,
  invalidRequest,
  isJsonObject,
} from "../../ir/index.ts";
import { lowerCustomTool } from "../custom-tool.ts";
import { fitParameters, isStrict } from "../json-schema.ts";
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
import { type CustomTool, type FunctionTool, ownFields, asExtra } from "./body.ts";
import { decodeRest, encodeMark } from "./cache.ts";
import { type Target, reportForeign } from "./content.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

const FUNCTION_FIELDS = ["name", "description", "parameters", "strict"];

/**
 * Functions and tools of free text become canonical tools; tools of other types stay behind in `own.tools`, each with the place it had in
 * the list, and so does a choice that only this format can say.
 */
export function decodeTools(body: JsonObject, request: Request, own: JsonObject): void {
  const kept: JsonObject[] = [];
  for (const [index, tool] of readObjects(body, "tools").entries()) {
    const path = `tools[${index}]`;
    const type = readString(tool, "type", `${path}.type`);
    if (type === "custom") request.tools.push(decodeCustom(tool, path));
    else if (type !== undefined && type !== "function") kept.push({ index, tool });
    else request.tools.push(decodeFunctionTool(tool, path));
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
  // The legacy kind has room for one call a turn.
  if (request.tools.length > 0 && request.tools.every(isLegacy)) request.parallelToolCalls = false;
  decodeChoice(body, request, own);
}

/** True for a tool that the client declared among `functions`: its calls stand in `function_call`. */
export function isLegacy(tool: Tool): boolean {
  return ownFields(tool.extra)["functions"] === true;
}

function decodeFunctionTool(tool: JsonObject, path: string): Tool {
  const target = requireObject(tool, "function", `${path}.function`);
  const mark = tool["cache_control"] ?? target["cache_control"];
  const rest: JsonObject = {
    ...omit(tool, ["type", "function"]),
    ...(mark === undefined ? {} : { cache_control: mark }),
  };
  const innerRest = omit(target, [...FUNCTION_FIELDS, "cache_control"]);
  if (Object.keys(innerRest).length > 0) rest["function"] = innerRest;
  return { ...decodeFunction(target, `${path}.function`), ...decodeRest(rest, []) };
}

function decodeFunction(target: JsonObject, path: string): Tool {
  return {
    name: readName(target, path),
    description: readString(target, "description", `${path}.description`) ?? null,
    parameters: readObject(target, "parameters", `${path}.parameters`) ?? null,
    strict: readBoolean(target, "strict", `${path}.strict`) ?? null,
  };
}

function readName(target: JsonObject, path: string): string {
  const name = requireString(target, "name", `${path}.name`);
  if (name === "") throw missing(`${path}.name`);
  return name;
}

function decodeCustom(tool: JsonObject, path: string): Tool {
  const target = requireObject(tool, "custom", `${path}.custom`);
  const format = objectOf(target["format"]);
  const grammar = objectOf(format["grammar"]);
  const isGrammar = format["type"] === "grammar";
  const isKnown = isGrammar || format["type"] === "text" || format["type"] === undefined;
  const rest = omit(tool, ["type", "custom"]);
  // Any text is what such a tool takes anyway; false cannot come from a client and notes that it was said.
  if (format["type"] === "text") rest["format"] = false;
  const innerRest = omit(target, ["name", "description", ...(isKnown ? ["format"] : [])]);
  if (Object.keys(innerRest).length > 0) rest["custom"] = innerRest;
  return {
    name: readName(target, `${path}.custom`),
    description: readString(target, "description", `${path}.custom.description`) ?? null,
    parameters: null,
    strict: null,
    custom: {
      grammar: isGrammar ? { syntax: textOf(grammar["syntax"]), definition: textOf(grammar["definition"]) } : null,
    },
    ...decodeRest(rest, []),
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
  if (choice !== undefined && (name === "function_call" || (typeof value === "string" && OTHER_WORDS.has(value))))
    own[name] = false;
}

/** Mistral's word, and what clients send for models with Google's names: `auto`, with calls checked against their schemas. */
const OTHER_WORDS: ReadonlyMap<string, ToolChoice> = new Map([
  ["any", { type: "required" }],
  ["validated", { type: "auto" }],
]);

function readChoice(value: string | JsonObject): ToolChoice | undefined {
  if (value === "auto" || value === "none" || value === "required") return { type: value };
  if (typeof value === "string") return OTHER_WORDS.get(value);
  if (value["type"] === "allowed_tools") return readAllowed(objectOf(value["allowed_tools"]));
  const target = targetOf(value);
  return typeof target["name"] === "string" ? { type: "tool", name: target["name"] } : undefined;
}

function readAllowed({ mode, tools }: JsonObject): ToolChoice | undefined {
  const names = objectsOf(tools).map((tool) => targetOf(tool)["name"]);
  const known = names.filter((name) => typeof name === "string");
  if (known.length < names.length || known.length === 0) return undefined;
  return { type: "allowed", names: known, required: mode === "required" };
}

/** What names the tool, in a choice of it. */
function targetOf(value: JsonObject): JsonObject {
  if (value["type"] === "function") return objectOf(value["function"]);
  if (value["type"] === "custom") return objectOf(value["custom"]);
  return value["type"] === undefined ? value : {};
}

/** `tools`, `functions` and the choice. OpenAI refuses an empty list, and a choice among no tools. */
export function encodeTools(request: Request, body: JsonObject, target: Target): void {
  const own = ownFields(request.extra);
  const functions: JsonObject[] = [];
  const tools: JsonObject[] = [];
  for (const tool of listTools(request, target)) {
    reportForeign(tool.extra, target);
    if (isLegacy(tool)) functions.push(encodeLegacy(tool));
    else tools.push({ ...encodeTool(tool), ...encodeMark(tool.cache, target) });
  }
  for (const { index, tool } of objectsOf(own["tools"])) {
    if (typeof index === "number" && isJsonObject(tool)) tools.splice(index, 0, tool);
  }
  if (tools.length > 0) body["tools"] = tools;
  if (functions.length > 0) body["functions"] = functions;
  const hasTools = tools.length + functions.length > 0;
  if (request.toolChoice !== undefined && hasTools) encodeChoice(request, request.toolChoice, body, target);
  if (request.parallelToolCalls !== undefined && tools.length > 0)
    body["parallel_tool_calls"] = request.parallelToolCalls;
  if (hasTools || request.toolChoice === undefined) return;
  if (request.toolChoice.type === "required" || request.toolChoice.type === "tool") target.dropped.add("tool_choice");
}

/** The tools as the server knows them: most know functions only, and no choice of several. Throws where the one that must be called is none. */
function listTools({ tools, toolChoice }: Request, target: Target): Tool[] {
  if (target.isOwn) return tools;
  if (toolChoice?.type === "tool" && tools.every(({ name }) => name !== toolChoice.name)) {
    throw invalidRequest(
      `tool_choice: this model has no tool called "${toolChoice.name}" that it could be made to call.`,
      "tool_choice",
    );
  }
  return tools.flatMap((tool, index) => {
    if (toolChoice?.type === "allowed" && !toolChoice.names.includes(tool.name)) return [];
    const lowered = { ...lowerCustomTool(tool), name: target.fitName(tool.name) };
    if (lowered.parameters === null) return [lowered];
    const { schema, merged } = fitParameters(lowered.parameters);
    for (const union of merged) target.dropped.add(`tools[${index}].parameters.${union}`);
    const isTooLoose = tool.strict === true && !isStrict(schema);
    if (isTooLoose) target.dropped.add(`tools[${index}].strict`);
    return [{ ...lowered, parameters: schema, strict: isTooLoose ? null : tool.strict }];
  });
}

function encodeTool(tool: Tool): JsonObject {
  const own = ownFields(tool.extra);
  if (tool.custom === undefined) {
    const encoded: FunctionTool = { type: "function", function: encodeFunction(tool) };
    return { ...own, ...encoded, function: { ...objectOf(own["function"]), ...encoded.function } };
  }
  const { grammar } = tool.custom;
  const custom: CustomTool["custom"] = { name: tool.name };
  if (tool.description !== null) custom.description = tool.description;
  if (grammar !== null) custom.format = { type: "grammar", grammar };
  else if (own["format"] === false) custom.format = { type: "text" };
  return { ...omit(own, ["format"]), type: "custom", custom: { ...objectOf(own["custom"]), ...custom } };
}

function encodeFunction(tool: Tool): FunctionTool["function"] {
  const target: FunctionTool["function"] = { name: tool.name };
  if (tool.description !== null) target.description = tool.description;
  if (tool.parameters !== null) target.parameters = tool.parameters;
  if (tool.strict !== null) target.strict = tool.strict;
  return target;
}

function encodeLegacy(tool: Tool): JsonObject {
  return { ...objectOf(ownFields(tool.extra)["function"]), ...omit(encodeFunction(tool), ["strict"]) };
}

function wordOf({ type }: ToolChoice): string {
  return [...OTHER_WORDS].find(([, choice]) => choice.type === type)?.[0] ?? type;
}

function isNoted({ extra }: Request, name: "function_call" | "tool_choice"): boolean {
  return ownFields(extra)[name] === false;
}

function encodeChoice(request: Request, choice: ToolChoice, body: JsonObject, { isOwn, fitName }: Target): void {
  const isLegacy = isNoted(request, "function_call") && choice.type !== "required";
  const name = isLegacy ? "function_call" : "tool_choice";
  const nameTool = (tool: string): JsonObject => {
    const isCustom = isOwn && request.tools.some((known) => known.name === tool && known.custom !== undefined);
    const type = isCustom ? "custom" : "function";
    return { type, [type]: { name: fitName(tool) } };
  };
  switch (choice.type) {
    case "auto":
    case "none":
    case "required":
      body[name] = isNoted(request, "tool_choice") ? wordOf(choice) : choice.type;
      return;
    case "tool":
      body[name] = isLegacy ? { name: choice.name } : nameTool(choice.name);
      return;
    case "allowed": {
      const mode = choice.required ? "required" : "auto";
      const allowed = { mode, tools: choice.names.map(nameTool) };
      body["tool_choice"] = isOwn ? { type: "allowed_tools", allowed_tools: allowed } : mode;
      return;
    }
    default:
      choice satisfies never;
  }
}
