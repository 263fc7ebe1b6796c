// Tools and the choice among them ↔ canonical ones. Anthropic's own tools (web search, a computer, …) stay this format's own.
// Knows no message and no call. Source: https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview

import {
  type Json,
  type JsonObject,
  type Request,
  type Tool,
  type ToolChoice,
  invalidRequest,
  isJsonObject,
} from "../../ir/index.ts";
import { lowerCustomTool } from "../custom-tool.ts";
import type { Sources } from "../field-name.ts";
import { closeSchema, fitParameters } from "../json-schema.ts";
import { fitName } from "../safe-name.ts";
import { ID, type ToolChoiceBody, type ToolDefinition, asExtra, ownFields } from "./body.ts";
import { decodeRest, encodeRest } from "./cache.ts";
import { NAME_LIMIT } from "./content.ts";
import { reportForeign } from "./media.ts";
import { objectOf, omit, textOf } from "../json-read.ts";

/** Functions become canonical tools; Anthropic's own tools stay behind in `own.tools`, each with the place it had in the list. */
export function decodeTools(
  body: JsonObject,
  request: Request,
  { own, sources }: { own: JsonObject; sources: Sources | undefined },
): void {
  const tools = body["tools"] ?? [];
  if (!Array.isArray(tools)) throw invalidRequest("tools: Input should be a valid list", "tools");
  const kept: JsonObject[] = [];
  const removed: JsonObject[] = [];
  const changes = readChanges(body);
  for (const [index, tool] of tools.entries()) {
    if (!isJsonObject(tool)) throw invalidRequest(`tools.${index}: Input should be an object`, `tools[${index}]`);
    const isFunction = tool["type"] === undefined || tool["type"] === null || tool["type"] === "custom";
    if (isFunction && changes.get(textOf(tool["name"])) === "removed") removed.push({ index, tool });
    else if (isFunction) {
      const decoded = decodeTool(tool, `tools.${index}`);
      sources?.set(decoded, `tools[${index}]`);
      request.tools.push(decoded);
    } else kept.push({ index, tool });
  }
  for (const added of changes.values()) {
    if (added === "removed") continue;
    const { extra, ...tool } = decodeTool(added, "messages");
    request.tools.push({ ...tool, ...asExtra({ ...extra?.[ID], noted: { added: true } }) });
  }
  if (kept.length > 0) own["tools"] = kept;
  if (removed.length > 0) own["noted"] = { ...objectOf(own["noted"]), removed };
  const choice = objectOf(body["tool_choice"]);
  const toolChoice = decodeToolChoice(choice);
  if (toolChoice !== undefined) request.toolChoice = toolChoice;
  else if (Object.keys(choice).length > 0) own["tool_choice"] = choice;
  const oneAtATime = choice["disable_parallel_tool_use"];
  if (typeof oneAtATime === "boolean") request.parallelToolCalls = !oneAtATime;
}

/** The kinds of block by which an instruction among the messages changes the tools from there on. */
export const TOOL_CHANGES: readonly string[] = ["tool_addition", "tool_removal"];

/** What instructions among the messages made of the tools: those defined there, and those that are no longer there, by name. */
function readChanges(body: JsonObject): Map<string, JsonObject | "removed"> {
  const changes = new Map<string, JsonObject | "removed">();
  for (const message of listObjects(body["messages"])) {
    if (message["role"] !== "system") continue;
    for (const block of listObjects(message["content"])) {
      const tool = objectOf(block["tool"]);
      const definition = objectOf(tool["definition"]);
      const name = textOf(tool["name"]) || textOf(definition["name"]);
      if (block["type"] === "tool_removal") changes.set(name, "removed");
      if (block["type"] !== "tool_addition") continue;
      if (tool["type"] === "tool_definition") changes.set(name, definition);
      else if (changes.get(name) === "removed") changes.delete(name);
    }
  }
  return changes;
}

function listObjects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function decodeTool(tool: JsonObject, path: string): Tool {
  const name = textOf(tool["name"]);
  if (name === "") throw invalidRequest(`${path}.name: Field required`, `${path.replace(/\.(\d+)/, "[$1]")}.name`);
  return {
    name,
    description: typeof tool["description"] === "string" ? tool["description"] : null,
    parameters: isJsonObject(tool["input_schema"]) ? tool["input_schema"] : null,
    strict: typeof tool["strict"] === "boolean" ? tool["strict"] : null,
    // The type of a function says nothing; false cannot come from a client and notes that it was said.
    ...decodeRest(tool["type"] === "custom" ? { ...tool, type: false } : omit(tool, ["type"]), [
      "name",
      "description",
      "input_schema",
      "strict",
    ]),
  };
}

function decodeToolChoice(choice: JsonObject): ToolChoice | undefined {
  switch (choice["type"]) {
    case "auto":
      return { type: "auto" };
    case "none":
      return { type: "none" };
    case "any":
      return { type: "required" };
    case "tool":
      return { type: "tool", name: textOf(choice["name"]) };
    default:
      return undefined;
  }
}

/** `tools` and `tool_choice`. Where only some tools may be called, only those are sent. */
export function encodeTools(request: Request, body: JsonObject, dropped: string[]): void {
  const { toolChoice } = request;
  const isOwn = request.extra[ID] !== undefined;
  if (!isOwn && toolChoice?.type === "tool" && request.tools.every(({ name }) => name !== toolChoice.name)) {
    throw invalidRequest(
      `tool_choice: this model has no tool called "${toolChoice.name}" that it could be made to call.`,
      "tool_choice",
    );
  }
  const tools: JsonObject[] = request.tools.flatMap((tool, index) => {
    if (toolChoice?.type === "allowed" && !toolChoice.names.includes(tool.name)) return [];
    // An instruction among the messages brings it.
    if (objectOf(ownFields(tool.extra)["noted"])["added"] === true) return [];
    const path = `tools[${index}]`;
    reportForeign(tool.extra, { path, dropped, isOwn });
    return [isOwn ? encodeTool(tool) : encodeTool(fitTool(tool, path, dropped))];
  });
  const own = ownFields(request.extra);
  const kept = [...listObjects(own["tools"]), ...listObjects(objectOf(own["noted"])["removed"])];
  for (const { index, tool } of kept.sort((left, right) => Number(left["index"]) - Number(right["index"]))) {
    if (typeof index === "number" && isJsonObject(tool)) tools.splice(index, 0, tool);
  }
  const choice = encodeToolChoice(request, isOwn);
  if (tools.length > 0) body["tools"] = tools;
  // Anthropic refuses a choice among no tools.
  if (tools.length > 0 && choice !== null) body["tool_choice"] = choice;
  if (tools.length === 0 && (choice?.type === "any" || choice?.type === "tool")) dropped.push("tool_choice");
}

/** Another format's tool as Anthropic takes it: its name, its schema, and strictness only where a grammar can hold the schema. */
function fitTool(tool: Tool, path: string, dropped: string[]): Tool {
  const lowered = lowerCustomTool(tool);
  const { schema, merged } = fitParameters(lowered.parameters);
  dropped.push(...merged.map((union) => `${path}.parameters.${union}`));
  const fitted = { ...lowered, name: fitName(tool.name, NAME_LIMIT), parameters: schema };
  if (tool.strict !== true) return fitted;
  const closed = closeSchema(schema);
  if (!closed.opened) return { ...fitted, parameters: closed.schema };
  dropped.push(`${path}.strict`);
  return { ...fitted, strict: null };
}

function encodeTool(tool: Tool): JsonObject {
  const { name, description, parameters, strict } = tool;
  const definition: ToolDefinition = {
    name,
    ...(description === null ? {} : { description }),
    input_schema: parameters === null ? { type: "object", properties: {} } : { type: "object", ...parameters },
  };
  if (strict === true) definition.strict = true;
  const encoded: JsonObject = { ...definition, ...encodeRest(tool) };
  return encoded["type"] === false ? { ...encoded, type: "custom" } : encoded;
}

function encodeToolChoice({ toolChoice, parallelToolCalls }: Request, isOwn: boolean): ToolChoiceBody | null {
  const oneAtATime = parallelToolCalls === undefined ? {} : { disable_parallel_tool_use: !parallelToolCalls };
  switch (toolChoice?.type) {
    case undefined:
      return parallelToolCalls === false ? { type: "auto", ...oneAtATime } : null;
    case "auto":
      return { type: "auto", ...oneAtATime };
    case "none":
      return { type: "none" };
    case "required":
      return { type: "any", ...oneAtATime };
    case "allowed":
      return { type: toolChoice.required ? "any" : "auto", ...oneAtATime };
    case "tool":
      return { type: "tool", name: isOwn ? toolChoice.name : fitName(toolChoice.name, NAME_LIMIT), ...oneAtATime };
    default:
      return toolChoice satisfies never;
  }
}
