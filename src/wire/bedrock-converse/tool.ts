// Tools and the choice among them as Converse's `toolConfig`. Knows no message beyond the calls that it finds there.
// Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html

import { type JsonObject, type Request, type Tool, type ToolChoice, invalidRequest } from "../../ir/index.ts";
import { isForced } from "../answer-tool.ts";
import { lowerCustomTool } from "../custom-tool.ts";
import { reportFields } from "../foreign.ts";
import { closeSchema, fitParameters } from "../json-schema.ts";
import { fitName } from "../safe-name.ts";
import type { ModelFacts, ModelFamily } from "../type.ts";
import type { ToolChoiceBody, ToolSpec } from "./body.ts";
import { encodeMark } from "./cache.ts";
import { NAME_LIMIT } from "./content.ts";

interface ToolPlan {
  /** `toolConfig`; null where no tool is declared. */
  config: { tools: JsonObject[]; toolChoice?: ToolChoiceBody } | null;
  /** A choice in the model's own words, where Converse has none for it. */
  choice: JsonObject | null;
}

/** Which choices a family can be forced to. */
const FORCES: Readonly<Partial<Record<ModelFamily, readonly ("any" | "tool")[]>>> = {
  claude: ["any", "tool"],
  mistral: ["any"],
  nova: ["any", "tool"],
};

/**
 * What may be called. Throws an invalid_request where the client demands a call, or forbids all, and the model cannot be told so.
 * Where only some tools may be called, only those are sent.
 */
export function planTools(request: Request, facts: ModelFacts, dropped: string[]): ToolPlan {
  const { toolChoice, parallelToolCalls } = request;
  if (toolChoice?.type === "tool" && request.tools.every(({ name }) => name !== toolChoice.name)) {
    throw invalidRequest(
      `tool_choice: there is no tool called "${toolChoice.name}" that could be called`,
      "tool_choice",
    );
  }
  const wanted = narrow(request.tools, toolChoice, facts);
  const declared = toolChoice?.type === "none" && !hasCalls(request) ? [] : wanted;
  for (const [index, tool] of request.tools.entries()) reportFields(tool.extra, `tools[${index}]`, dropped);
  const tools = declared.flatMap((tool) => [
    encodeTool(tool, `tools[${request.tools.indexOf(tool)}]`, dropped),
    ...encodeMark(tool.cache, facts, { place: "tools", dropped }),
  ]);
  // A conversation with calls in it is refused where no tool is declared.
  if (tools.length === 0) tools.push(...recallTools(request));
  if (tools.length === 0) {
    if (isForced(toolChoice)) dropped.push("tool_choice");
    return { config: null, choice: null };
  }
  const forbids = toolChoice?.type === "none" || wanted.length === 0;
  const choice = forbids ? null : encodeChoice(toolChoice, facts);
  if (facts.family === "claude" && (forbids || parallelToolCalls === false)) {
    return { config: { tools }, choice: ownChoice(choice, forbids) };
  }
  if (toolChoice?.type === "none" && wanted.length > 0) {
    throw invalidRequest(
      "tool_choice: this model cannot be kept from calling tools in a conversation that has calls already",
      "tool_choice",
    );
  }
  if (parallelToolCalls === false && wanted.length > 0) dropped.push("parallel_tool_calls");
  return { config: { tools, ...(choice === null ? {} : { toolChoice: choice }) }, choice: null };
}

/** Whether a model can be made to call some tool at all; of one that nobody knows it is assumed. */
export function canForce({ family }: ModelFacts): boolean {
  return family === undefined || FORCES[family] !== undefined;
}

/** Where a model can be made to call something but not one tool, it gets that tool alone. */
function narrow(tools: readonly Tool[], choice: ToolChoice | undefined, { family }: ModelFacts): Tool[] {
  if (choice?.type === "allowed") return tools.filter(({ name }) => choice.names.includes(name));
  const isWhole = choice?.type !== "tool" || family === undefined || FORCES[family]?.includes("tool") === true;
  return isWhole ? [...tools] : tools.filter(({ name }) => name === choice.name);
}

function hasCalls({ messages }: Request): boolean {
  return messages.some(({ parts }) => parts.some(({ type }) => type === "tool-call" || type === "tool-result"));
}

/** The tools that the conversation has called, by name alone. */
function recallTools({ messages }: Request): JsonObject[] {
  const names = messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === "tool-call" ? part.name : [])));
  const nothing = { description: null, parameters: null, strict: null };
  return [...new Set(names)].map((name) => encodeTool({ name, ...nothing }, "tools", []));
}

/** Strict only where a grammar can hold the schema. */
function encodeTool(tool: Tool, path: string, dropped: string[]): JsonObject {
  const { name, description, parameters, strict } = lowerCustomTool(tool);
  const { schema, merged } = fitParameters(parameters);
  dropped.push(...merged.map((union) => `${path}.parameters.${union}`));
  const closed = strict === true ? closeSchema(schema) : null;
  const isStrict = closed !== null && !closed.opened;
  if (strict === true && !isStrict) dropped.push(`${path}.strict`);
  const spec: ToolSpec = {
    toolSpec: {
      name: fitName(name, NAME_LIMIT),
      ...(description === null || description.trim() === "" ? {} : { description }),
      inputSchema: { json: isStrict ? closed.schema : schema },
      ...(isStrict ? { strict: true } : {}),
    },
  };
  return spec;
}

/** `auto` is what happens anyway, and not every model can be told so. */
function encodeChoice(choice: ToolChoice | undefined, { family }: ModelFacts): ToolChoiceBody | null {
  if (!isForced(choice)) return null;
  const forces = family === undefined ? ["any" as const] : (FORCES[family] ?? []);
  if (choice?.type === "tool" && forces.includes("tool")) return { tool: { name: fitName(choice.name, NAME_LIMIT) } };
  if (forces.includes("any")) return { any: {} };
  throw invalidRequest("tool_choice: this model cannot be made to call a tool; leave the choice to it", "tool_choice");
}

function ownChoice(choice: ToolChoiceBody | null, forbids: boolean): JsonObject {
  if (forbids) return { type: "none" };
  const oneAtATime = { disable_parallel_tool_use: true };
  if (choice === null) return { type: "auto", ...oneAtATime };
  return "any" in choice ? { type: "any", ...oneAtATime } : { type: "tool", name: choice.tool.name, ...oneAtATime };
}
