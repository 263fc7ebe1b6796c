// Tools and the choice among them as Cohere's. Knows no message.
// Source: https://docs.cohere.com/docs/tool-use-parameter-types and https://docs.cohere.com/docs/structured-outputs#structured-outputs-tools

import { type JsonObject, type Request, type Tool, invalidRequest, isJsonObject } from "../../ir/index.ts";
import { isForced } from "../answer-tool.ts";
import { lowerCustomTool } from "../custom-tool.ts";
import { reportFields } from "../foreign.ts";
import { fitParameters } from "../json-schema.ts";
import { fitName } from "../safe-name.ts";
import type { ToolBody } from "./body.ts";
import { NAME_LIMIT } from "./conversation.ts";

/**
 * `tools`, `tool_choice` and `strict_tools`. Cohere cannot name one tool that must be called, so that one alone is sent. Throws an
 * invalid_request where the client demands a tool that there is not.
 */
export function encodeTools(request: Request, body: JsonObject, dropped: string[]): void {
  const { toolChoice: choice } = request;
  const tools = request.tools.filter((tool) => {
    if (choice?.type === "tool") return tool.name === choice.name;
    return choice?.type !== "allowed" || choice.names.includes(tool.name);
  });
  if (choice?.type === "tool" && tools.length === 0) {
    throw invalidRequest(`tool_choice: there is no tool called "${choice.name}" that could be called`, "tool_choice");
  }
  for (const [index, tool] of request.tools.entries()) {
    reportFields(tool.extra, `tools[${index}]`, dropped);
    if (tool.cache !== undefined) dropped.push("cache_control");
  }
  const demandsCall = isForced(choice);
  if (tools.length === 0) {
    if (demandsCall) dropped.push("tool_choice");
    return;
  }
  const encoded = tools.map((tool) => encodeTool(tool, `tools[${request.tools.indexOf(tool)}]`, dropped));
  body["tools"] = encoded;
  if (demandsCall) body["tool_choice"] = "REQUIRED";
  else if (choice?.type === "none") body["tool_choice"] = "NONE";
  const strict = tools.filter((tool) => tool.strict === true);
  // One switch for all tools, and each must demand something.
  if (strict.length === tools.length && encoded.every(demandsSomething)) body["strict_tools"] = true;
  else if (strict.length > 0) dropped.push("tools.strict");
  if (request.parallelToolCalls === false) dropped.push("parallel_tool_calls");
}

function encodeTool(tool: Tool, path: string, dropped: string[]): ToolBody {
  const { name, description, parameters } = lowerCustomTool(tool);
  const { schema, merged } = fitParameters(parameters);
  dropped.push(...merged.map((union) => `${path}.parameters.${union}`));
  return {
    type: "function",
    function: {
      name: fitName(name, NAME_LIMIT),
      ...(description === null || description === "" ? {} : { description }),
      parameters: schema,
    },
  };
}

function demandsSomething({ function: { parameters } }: ToolBody): boolean {
  const { required, properties } = parameters;
  return Array.isArray(required) && required.length > 0 && isJsonObject(properties);
}
