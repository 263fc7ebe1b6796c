// The request of the Messages API ↔ the canonical one: parameters, tools and output format. The conversation itself is in conversation.ts.
// Knows no client and no provider beyond the facts about the model that it is given.

import {
  type JsonObject,
  type Request,
  type ResponseFormat,
  type Tool,
  type ToolChoice,
  invalidRequest,
  isJsonObject,
} from "../../ir/index.ts";
import type { Encoded, ModelFacts } from "../type.ts";
import {
  ID,
  type ToolChoiceBody,
  type ToolDefinition,
  asExtra,
  asksForSomething,
  objectOf,
  omit,
  ownFields,
  textOf,
} from "./body.ts";
import { ownOrCacheMark } from "./content.ts";
import { decodeConversation, encodeConversation } from "./conversation.ts";
import { decodeReasoning, decodeThinkingRest, planThinking } from "./thinking.ts";

const KNOWN = [
  "model",
  "messages",
  "system",
  "max_tokens",
  "temperature",
  "top_p",
  "top_k",
  "stop_sequences",
  "stream",
  "tools",
  "tool_choice",
  "thinking",
  "output_config",
  "metadata",
  "service_tier",
];

/**
 * A body that `peek` has accepted, as a canonical request. Throws an invalid_request that names the field where a type is wrong.
 * The request always carries this wire's entry in `extra`, be it empty: that is how `encodeRequest` knows its own.
 */
export function decodeRequest(body: JsonObject): Request {
  if (isJsonObject(body["thread"])) {
    // A thread's client sends only what is new. https://platform.claude.com/docs/en/api/errors: the SDK then sends everything again.
    throw invalidRequest(
      "thread: message threads are not supported here; send the whole conversation",
      "thread",
      "thread_unsupported_request",
    );
  }
  const request: Request = {
    model: textOf(body["model"]),
    messages: decodeConversation(body),
    tools: [],
    stream: body["stream"] === true,
    extra: {},
  };
  const own = omit(body, KNOWN);
  decodeSampling(body, request);
  decodeTools(body, request, own);
  decodeOutput(body, request, own);
  decodeOrigin(body, request, own);
  request.extra = { [ID]: own };
  return request;
}

function decodeSampling(body: JsonObject, request: Request): void {
  const numbers = {
    maxOutputTokens: readNumber(body, "max_tokens"),
    temperature: readNumber(body, "temperature"),
    topP: readNumber(body, "top_p"),
    topK: readNumber(body, "top_k"),
  };
  for (const name of ["maxOutputTokens", "temperature", "topP", "topK"] as const) {
    const value = numbers[name];
    if (value !== undefined) request[name] = value;
  }
  const stop = body["stop_sequences"];
  if (stop === undefined || stop === null) return;
  if (!Array.isArray(stop) || !stop.every((item) => typeof item === "string")) {
    throw invalidRequest("stop_sequences: Input should be a list of strings", "stop_sequences");
  }
  request.stop = stop;
}

function readNumber(body: JsonObject, name: string): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number") throw invalidRequest(`${name}: Input should be a valid number`, name);
  return value;
}

/** Functions become canonical tools; Anthropic's own tools stay behind in `own.tools`, each with the place it had in the list. */
function decodeTools(body: JsonObject, request: Request, own: JsonObject): void {
  const tools = body["tools"] ?? [];
  if (!Array.isArray(tools)) throw invalidRequest("tools: Input should be a valid list", "tools");
  const kept: JsonObject[] = [];
  for (const [index, tool] of tools.entries()) {
    if (!isJsonObject(tool)) throw invalidRequest(`tools.${index}: Input should be an object`, `tools[${index}]`);
    const isFunction = tool["type"] === undefined || tool["type"] === null || tool["type"] === "custom";
    if (isFunction) request.tools.push(decodeTool(tool, index));
    else kept.push({ index, tool });
  }
  if (kept.length > 0) own["tools"] = kept;
  const choice = objectOf(body["tool_choice"]);
  const toolChoice = decodeToolChoice(choice);
  if (toolChoice !== undefined) request.toolChoice = toolChoice;
  else if (Object.keys(choice).length > 0) own["tool_choice"] = choice;
  const oneAtATime = choice["disable_parallel_tool_use"];
  if (typeof oneAtATime === "boolean") request.parallelToolCalls = !oneAtATime;
}

function decodeTool(tool: JsonObject, index: number): Tool {
  const name = textOf(tool["name"]);
  if (name === "") throw invalidRequest(`tools.${index}.name: Field required`, `tools[${index}].name`);
  return {
    name,
    description: typeof tool["description"] === "string" ? tool["description"] : null,
    parameters: isJsonObject(tool["input_schema"]) ? tool["input_schema"] : null,
    strict: typeof tool["strict"] === "boolean" ? tool["strict"] : null,
    ...asExtra(omit(tool, ["name", "description", "input_schema", "strict"])),
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

function decodeOutput(body: JsonObject, request: Request, own: JsonObject): void {
  const reasoning = decodeReasoning(body);
  if (reasoning !== undefined) request.reasoning = reasoning;
  const thinkingRest = decodeThinkingRest(objectOf(body["thinking"]));
  if (Object.keys(thinkingRest).length > 0) own["thinking"] = thinkingRest;
  const config = objectOf(body["output_config"]);
  const format = decodeFormat(objectOf(config["format"]));
  if (format !== null) request.responseFormat = format;
  const known = [reasoning?.effort === config["effort"] ? "effort" : "", format === null ? "" : "format"];
  const configRest = omit(config, known);
  if (Object.keys(configRest).length > 0) own["output_config"] = configRest;
}

function decodeFormat(format: JsonObject): ResponseFormat | null {
  if (format["type"] !== "json_schema" || !isJsonObject(format["schema"])) return null;
  return { type: "json-schema", name: null, description: null, schema: format["schema"], strict: null };
}

function decodeOrigin(body: JsonObject, request: Request, own: JsonObject): void {
  const metadata = objectOf(body["metadata"]);
  if (typeof metadata["user_id"] === "string") request.user = metadata["user_id"];
  const metadataRest = omit(metadata, request.user === undefined ? [] : ["user_id"]);
  if (Object.keys(metadataRest).length > 0) own["metadata"] = metadataRest;
  const tier = body["service_tier"];
  if (tier === "auto") request.serviceTier = "auto";
  else if (tier === "standard_only") request.serviceTier = "default";
  else if (tier !== undefined) own["service_tier"] = tier;
}

/**
 * A canonical request as a body for the Messages API, with the client's fields that it cannot say. Throws an invalid_request where leaving
 * a field out would change the meaning: several alternative answers, audio, documents that Anthropic cannot read.
 */
export function encodeRequest(request: Request, facts: ModelFacts): Encoded {
  if ((request.choices ?? 1) !== 1) {
    throw invalidRequest("This model gives one answer a request: 'n' must be 1.", "n");
  }
  const dropped: string[] = [];
  const { system, turns } = encodeConversation(request, dropped);
  const maxTokens = limitOutput(request, facts, dropped);
  const plan = planThinking(request, turns, facts, { maxTokens, dropped });
  const thinks = plan.thinking !== null && plan.thinking["type"] !== "disabled";
  const own = ownFields(request.extra);
  const body: JsonObject = { model: request.model, ...omit(own, ["tools", "thinking", "output_config"]) };
  body["max_tokens"] = plan.maxTokens;
  if (system.length > 0) body["system"] = system;
  body["messages"] = turns.map(({ role, content, fields }) => ({ role, content, ...fields }));
  encodeTools(request, body, dropped);
  if (plan.thinking !== null) body["thinking"] = plan.thinking;
  const outputConfig = encodeOutputConfig(request, plan.effort, dropped);
  if (Object.keys(outputConfig).length > 0) body["output_config"] = outputConfig;
  encodeSampling(request, body, thinks, dropped);
  encodeOrigin(request, body, dropped);
  if (request.stream) body["stream"] = true;
  reportForeign(request, dropped);
  return { body, dropped: [...new Set(dropped)] };
}

function limitOutput(request: Request, facts: ModelFacts, dropped: string[]): number {
  const limit = facts.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  if (request.maxOutputTokens === undefined) return Math.min(facts.defaultMaxOutputTokens, limit);
  if (request.maxOutputTokens > limit) dropped.push("max_tokens");
  return Math.min(request.maxOutputTokens, limit);
}

function encodeTools(request: Request, body: JsonObject, dropped: string[]): void {
  const tools: JsonObject[] = request.tools.map(encodeTool);
  const kept = ownFields(request.extra)["tools"];
  for (const item of Array.isArray(kept) ? kept : []) {
    const { index, tool } = objectOf(item);
    if (typeof index === "number" && isJsonObject(tool)) tools.splice(index, 0, tool);
  }
  const choice = encodeToolChoice(request);
  if (tools.length > 0) body["tools"] = tools;
  // Anthropic refuses a choice among no tools.
  if (tools.length > 0 && choice !== null) body["tool_choice"] = choice;
  if (tools.length === 0 && (choice?.type === "any" || choice?.type === "tool")) dropped.push("tool_choice");
}

function encodeTool(tool: Tool): JsonObject {
  const definition: ToolDefinition = {
    name: tool.name,
    ...(tool.description === null ? {} : { description: tool.description }),
    input_schema:
      tool.parameters === null ? { type: "object", properties: {} } : { type: "object", ...tool.parameters },
  };
  if (tool.strict === true) definition.strict = true;
  return { ...definition, ...ownOrCacheMark(tool.extra) };
}

function encodeToolChoice({ toolChoice, parallelToolCalls }: Request): ToolChoiceBody | null {
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
      return { type: "tool", name: toolChoice.name, ...oneAtATime };
    default:
      return toolChoice satisfies never;
  }
}

function encodeOutputConfig(request: Request, effort: string | null, dropped: string[]): JsonObject {
  const config: JsonObject = { ...objectOf(ownFields(request.extra)["output_config"]) };
  if (effort !== null) config["effort"] = effort;
  if (request.responseFormat?.type === "json-schema") {
    config["format"] = { type: "json_schema", schema: request.responseFormat.schema };
  }
  // Anthropic has no mode for JSON without a schema, and words of ours have no place in the client's prompt.
  if (request.responseFormat?.type === "json") dropped.push("response_format");
  return config;
}

/** With thinking on, Anthropic accepts no other temperature than 1, no `top_k`, and `top_p` only from 0.95. */
function encodeSampling(request: Request, body: JsonObject, thinks: boolean, dropped: string[]): void {
  const stop = request.stop?.filter((sequence) => sequence.trim() !== "") ?? [];
  if (stop.length < (request.stop?.length ?? 0)) dropped.push("stop");
  if (stop.length > 0) body["stop_sequences"] = stop;
  const { temperature, topP, topK } = chooseSampling(request, dropped);
  if (temperature !== undefined) {
    if (temperature > 1 || (thinks && temperature !== 1)) dropped.push("temperature");
    if (!thinks || temperature === 1) body["temperature"] = Math.min(temperature, 1);
  }
  if (topP !== undefined) {
    if (thinks && topP < 0.95) dropped.push("top_p");
    else body["top_p"] = topP;
  }
  if (topK !== undefined) {
    if (thinks) dropped.push("top_k");
    else body["top_k"] = topK;
  }
  if ((request.frequencyPenalty ?? 0) !== 0) dropped.push("frequency_penalty");
  if ((request.presencePenalty ?? 0) !== 0) dropped.push("presence_penalty");
  if (request.seed !== undefined) dropped.push("seed");
}

/** Newer models refuse `temperature` beside `top_p`, which clients of other formats like to send both: the one that says something stays. */
function chooseSampling(request: Request, dropped: string[]): Pick<Request, "temperature" | "topP" | "topK"> {
  const { temperature, topP, topK } = request;
  const sampling = {
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(topK === undefined ? {} : { topK }),
  };
  if (temperature === undefined || topP === undefined || request.extra[ID] !== undefined) return sampling;
  if (temperature === 1 && topP !== 1) return withoutField(sampling, "temperature");
  if (topP !== 1) dropped.push("top_p");
  return withoutField(sampling, "topP");
}

function withoutField<T extends object, K extends keyof T>(value: T, field: K): Omit<T, K> {
  const { [field]: _left, ...rest } = value;
  return rest;
}

function encodeOrigin(request: Request, body: JsonObject, dropped: string[]): void {
  const metadata: JsonObject = { ...objectOf(ownFields(request.extra)["metadata"]) };
  if (request.user !== undefined) metadata["user_id"] = request.user;
  if (Object.keys(metadata).length > 0) body["metadata"] = metadata;
  if (request.metadata !== undefined && Object.keys(request.metadata).length > 0) dropped.push("metadata");
  if (request.serviceTier === "auto") body["service_tier"] = "auto";
  else if (request.serviceTier === "default") body["service_tier"] = "standard_only";
  else if (request.serviceTier !== undefined) dropped.push("service_tier");
}

/** Names what other formats' clients asked for beyond the canonical request. `stream_options` is plumbing, and `false` asks for nothing. */
function reportForeign(request: Request, dropped: string[]): void {
  for (const [wire, fields] of Object.entries(request.extra)) {
    if (wire === ID) continue;
    for (const [name, value] of Object.entries(fields)) {
      if (name !== "stream_options" && asksForSomething(value)) dropped.push(name);
    }
  }
}
