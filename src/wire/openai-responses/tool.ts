// Tools and the choice among them ↔ canonical tools. What the provider itself runs stays this format's own; grouped tools are in
// namespace.ts. Knows no message and no call.

import {
  type Json,
  type JsonObject,
  type Request,
  type Tool,
  type ToolChoice,
  invalidRequest,
  isJsonObject,
} from "../../ir/index.ts";
import type { Sources } from "../field-name.ts";
import { fitParameters, isStrict } from "../json-schema.ts";
import {
  missing,
  readBoolean,
  readObject,
  readObjects,
  readString,
  requireString,
  wrongType,
} from "../openai-check.ts";
import { type CustomTool, type FunctionTool, asExtra, ownFields } from "./body.ts";
import { type Target, reportForeign } from "./content.ts";
import { findTool, groupTools, joinName } from "./namespace.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

/** The type of the tool by which a client lets the model find others, and the name under which other formats know it. */
const SEARCH = "tool_search";

/** True for the name of such a tool, where the client declared one. */
export function isSearch(name: string, tools: readonly Tool[]): boolean {
  return name === SEARCH && tools.some((tool) => tool.name === SEARCH && isSearchTool(tool));
}

function isSearchTool({ extra }: Tool): boolean {
  return ownFields(extra)[SEARCH] === false;
}

const FUNCTION_FIELDS = ["type", "name", "description", "parameters", "strict"];

/**
 * Functions and tools of free text become canonical tools, those of a namespace too; what the provider runs itself stays behind in
 * `own.tools`, each with the place it had in the list.
 */
export function decodeTools(
  body: JsonObject,
  request: Request,
  { own, sources }: { own: JsonObject; sources: Sources | undefined },
): void {
  const kept: JsonObject[] = [];
  const taken = new Set<string>();
  for (const [index, tool] of readObjects(body, "tools").entries()) {
    const decoded = decodeTool(tool, { path: `tools[${index}]`, taken, sources });
    if (decoded === null) kept.push({ index, tool });
    else for (const each of decoded) request.tools.push(each);
  }
  if (kept.length > 0) own["tools"] = kept;
  decodeChoice(body["tool_choice"] ?? null, request);
}

/** One tool, or those of a namespace, named apart from those in `taken`, which they join; null for a tool that the provider runs itself. */
export function decodeTool(
  tool: JsonObject,
  { path, taken, sources }: { path: string; taken: Set<string>; sources: Sources | undefined },
): Tool[] | null {
  const decoded = readTool(tool, path, taken);
  for (const [index, each] of decoded?.entries() ?? []) {
    taken.add(each.name);
    sources?.set(each, each.namespace === undefined ? path : `${path}.tools[${index}]`);
  }
  return decoded;
}

function readTool(tool: JsonObject, path: string, taken: Set<string>): Tool[] | null {
  switch (tool["type"]) {
    case "function":
    case undefined:
      return [decodeFunction(tool, path)];
    case "custom":
      return [decodeCustom(tool, path)];
    case "namespace":
      return decodeNamespace(tool, path, taken);
    case "tool_search":
      return tool["execution"] === "client" ? [decodeSearch(tool, path)] : null;
    default:
      return null;
  }
}

/** A search among further tools, which the client runs: a function but for the form of its calls. */
function decodeSearch(tool: JsonObject, path: string): Tool {
  return {
    name: SEARCH,
    description: readString(tool, "description", `${path}.description`) ?? null,
    parameters: readObject(tool, "parameters", `${path}.parameters`) ?? null,
    strict: null,
    // False cannot come from a client: it notes the type, and asks other formats for nothing.
    ...asExtra({ ...omit(tool, ["type", "execution", "description", "parameters"]), [SEARCH]: false }),
  };
}

function decodeNamespace(group: JsonObject, path: string, taken: Set<string>): Tool[] {
  const name = requireString(group, "name", `${path}.name`);
  const about = readString(group, "description", `${path}.description`) ?? null;
  return readObjects(group, "tools", `${path}.tools`).map((inner, index) => {
    const place = `${path}.tools[${index}]`;
    const tool = inner["type"] === "custom" ? decodeCustom(inner, place) : decodeFunction(inner, place);
    const joined = joinName(name, tool.name, taken);
    taken.add(joined);
    return {
      ...tool,
      name: joined,
      description: [about ?? "", tool.description ?? ""].filter((text) => text !== "").join("\n\n") || null,
      namespace: { name, description: about, toolName: tool.name, toolDescription: tool.description },
    };
  });
}

function decodeFunction(tool: JsonObject, path: string): Tool {
  return {
    name: readName(tool, path),
    description: readString(tool, "description", `${path}.description`) ?? null,
    parameters: readObject(tool, "parameters", `${path}.parameters`) ?? null,
    strict: readBoolean(tool, "strict", `${path}.strict`) ?? null,
    ...asExtra(omit(tool, FUNCTION_FIELDS)),
  };
}

function readName(tool: JsonObject, path: string): string {
  const name = requireString(tool, "name", `${path}.name`);
  if (name === "") throw missing(`${path}.name`);
  return name;
}

function decodeCustom(tool: JsonObject, path: string): Tool {
  const format = objectOf(tool["format"]);
  const isGrammar = format["type"] === "grammar";
  const rest = omit(tool, ["type", "name", "description", "format"]);
  // Any text is what such a tool takes anyway; false cannot come from a client and notes that it was said.
  if (format["type"] === "text") rest["format"] = false;
  return {
    name: readName(tool, path),
    description: readString(tool, "description", `${path}.description`) ?? null,
    parameters: null,
    strict: null,
    custom: {
      grammar: isGrammar ? { syntax: textOf(format["syntax"]), definition: textOf(format["definition"]) } : null,
    },
    ...asExtra(rest),
  };
}

function decodeChoice(value: Json, request: Request): void {
  if (value === null) return;
  if (typeof value === "string") {
    // What clients send for models with Google's names: `auto`, with calls checked against their schemas.
    if (value === "auto" || value === "validated") request.toolChoice = { type: "auto" };
    else if (value === "none" || value === "required") request.toolChoice = { type: value };
    else throw invalidRequest(`Invalid value: '${value.slice(0, 100)}'.`, "tool_choice", "invalid_value");
    return;
  }
  if (!isJsonObject(value)) throw wrongType("tool_choice", "one of a string or an object", value);
  request.toolChoice = value["type"] === "allowed_tools" ? readAllowed(value, request) : readForced(value, request);
}

function readForced(value: JsonObject, { tools }: Request): ToolChoice {
  const name = nameOf(value);
  if (name !== "") return { type: "tool", name: findTool(tools, name, textOf(value["namespace"]))?.name ?? name };
  throw invalidRequest(
    `'tool_choice' demands the tool '${textOf(value["type"])}', which only OpenAI itself runs. ` +
      "Choose a model of OpenAI's, or leave the choice to the model.",
    "tool_choice",
  );
}

/** Of the allowed tools those that this side runs. Throws where there is none and one must be called. */
function readAllowed(value: JsonObject, { tools }: Request): ToolChoice {
  const list = objectsOf(value["tools"] ?? objectOf(value["allowed_tools"])["tools"]);
  const names = list
    .map((tool) => ({ name: nameOf(tool), namespace: textOf(tool["namespace"]) }))
    .filter(({ name }) => name !== "")
    .map(({ name, namespace }) => findTool(tools, name, namespace)?.name ?? name);
  const required = (value["mode"] ?? objectOf(value["allowed_tools"])["mode"]) === "required";
  if (names.length > 0) return { type: "allowed", names, required };
  if (!required) return { type: "none" };
  throw invalidRequest(
    "'tool_choice' demands one of several tools that only OpenAI itself runs. Choose a model of OpenAI's, or allow others.",
    "tool_choice",
  );
}

/** The name of a function or custom tool in a choice, in today's spelling or in that of Chat Completions. */
function nameOf(value: JsonObject): string {
  const { type } = value;
  if (type !== "function" && type !== "custom" && type !== undefined) return "";
  return textOf(value["name"]) || textOf(objectOf(value[textOf(type)])["name"]);
}

/** `tools` and the choice among them. Throws where the one that must be called is none of them. */
export function encodeTools(request: Request, body: JsonObject, target: Target): void {
  requireChosen(request, target);
  const tools = listTools(request.tools, target);
  for (const { index, tool } of objectsOf(ownFields(request.extra)["tools"])) {
    if (typeof index === "number" && isJsonObject(tool)) tools.splice(index, 0, tool);
  }
  const { toolChoice, parallelToolCalls } = request;
  if (tools.length > 0) body["tools"] = tools;
  if (tools.length > 0 && toolChoice !== undefined) body["tool_choice"] = encodeChoice(request, toolChoice, target);
  if (tools.length > 0 && parallelToolCalls !== undefined) body["parallel_tool_calls"] = parallelToolCalls;
  if (tools.length > 0 || toolChoice === undefined) return;
  if (toolChoice.type === "required" || toolChoice.type === "tool") target.dropped.add("tool_choice");
}

function requireChosen({ tools, toolChoice }: Request, { isOwn }: Target): void {
  if (isOwn || toolChoice?.type !== "tool" || tools.some(({ name }) => name === toolChoice.name)) return;
  throw invalidRequest(
    `tool_choice: this model has no tool called "${toolChoice.name}" that it could be made to call.`,
    "tool_choice",
  );
}

function listTools(tools: readonly Tool[], target: Target): JsonObject[] {
  return groupTools(tools).map(({ namespace, members }) => {
    const encoded = members.map((tool) => encodeTool(tool, `tools[${tools.indexOf(tool)}]`, target));
    if (namespace === null) return encoded[0] ?? {};
    const { name, description } = namespace;
    return { type: "namespace", name, ...(description === null ? {} : { description }), tools: encoded };
  });
}

function encodeTool(tool: Tool, path: string, target: Target): JsonObject {
  reportForeign(tool.extra, { ...target, path });
  if (tool.cache !== undefined) target.dropped.add("cache_control");
  const own = ownFields(tool.extra);
  const name = tool.namespace?.toolName ?? target.fitName(tool.name);
  const description = tool.namespace === undefined ? tool.description : tool.namespace.toolDescription;
  const head = { name, ...(description === null ? {} : { description }) };
  if (isSearchTool(tool)) {
    const { description: about, parameters } = tool;
    return { ...omit(own, [SEARCH]), type: SEARCH, execution: "client", description: about, parameters };
  }
  if (tool.custom !== undefined) {
    const custom: CustomTool = { type: "custom", ...head };
    const { grammar } = tool.custom;
    if (grammar !== null) custom.format = { type: "grammar", ...grammar };
    return { ...omit(own, ["format"]), ...custom, ...(own["format"] === false ? { format: { type: "text" } } : {}) };
  }
  if (!target.isOwn) return { type: "function", ...head, ...fitFunction(tool, path, target) };
  const body: FunctionTool = { type: "function", ...head, parameters: tool.parameters };
  if (tool.strict !== null) body.strict = tool.strict;
  return { ...own, ...body };
}

/** Here functions are strict unless they say otherwise, and in other formats they are not. */
function fitFunction({ parameters, strict }: Tool, path: string, { dropped }: Target): JsonObject {
  const { schema, merged } = fitParameters(parameters);
  for (const union of merged) dropped.add(`${path}.parameters.${union}`);
  const isTooLoose = strict === true && !isStrict(schema);
  if (isTooLoose) dropped.add(`${path}.strict`);
  return { parameters: schema, strict: strict === true && !isTooLoose };
}

function encodeChoice({ tools }: Request, choice: ToolChoice, { fitName }: Target): Json {
  const nameTool = (wanted: string): JsonObject => {
    const tool = tools.find(({ name }) => name === wanted);
    const type = tool?.custom === undefined ? "function" : "custom";
    if (tool?.namespace === undefined) return { type, name: fitName(wanted) };
    return { type, name: tool.namespace.toolName, namespace: tool.namespace.name };
  };
  switch (choice.type) {
    case "auto":
    case "none":
    case "required":
      return choice.type;
    case "tool":
      return nameTool(choice.name);
    case "allowed":
      return {
        type: "allowed_tools",
        mode: choice.required ? "required" : "auto",
        tools: choice.names.map(nameTool),
      };
    default:
      return choice satisfies never;
  }
}
