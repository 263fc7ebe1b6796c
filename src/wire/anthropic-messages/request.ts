// The request of the Messages API ↔ the canonical one: its parameters. The conversation is in conversation.ts, tools are in tool.ts.
// Knows no client and no provider beyond the facts about the model that it is given.

import { type JsonObject, type Request, type ResponseFormat, invalidRequest, isJsonObject } from "../../ir/index.ts";
import type { Sources } from "../field-name.ts";
import { reportRequest } from "../foreign.ts";
import { closeSchema } from "../json-schema.ts";
import { omitRefused } from "../refused.ts";
import { fitName } from "../safe-name.ts";
import type { Encoded, ModelFacts, Peek } from "../type.ts";
import { ID, ownFields } from "./body.ts";
import { limitMarks } from "./cache.ts";
import { decodeConversation, encodeConversation } from "./conversation.ts";
import { decodeReasoning, decodeThinkingRest, findInlineEffort, planThinking } from "./thinking.ts";
import { decodeTools, encodeTools } from "./tool.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

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
export function decodeRequest(body: JsonObject, _peek?: Peek, sources?: Sources): Request {
  if (isJsonObject(body["thread"])) {
    // A thread's client sends only what is new. https://platform.claude.com/docs/en/api/errors: the SDK then sends everything again.
    throw invalidRequest(
      "thread: message threads are not supported here; send the whole conversation",
      "thread",
      "thread_unsupported_request",
    );
  }
  if (isJsonObject(body["compaction"])) {
    throw invalidRequest("compaction: this model cannot summarise a conversation on its server", "compaction");
  }
  const request: Request = {
    model: textOf(body["model"]),
    messages: decodeConversation(body, sources),
    tools: [],
    stream: body["stream"] === true,
    extra: {},
  };
  const own = omit(body, KNOWN);
  decodeSampling(body, request);
  decodeTools(body, request, { own, sources });
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

function decodeOutput(body: JsonObject, request: Request, own: JsonObject): void {
  const reasoning = decodeReasoning(body);
  if (reasoning !== undefined) request.reasoning = reasoning;
  const thinkingRest = decodeThinkingRest(objectOf(body["thinking"]));
  if (Object.keys(thinkingRest).length > 0) own["thinking"] = thinkingRest;
  const config = objectOf(body["output_config"]);
  const older = decodeFormat(objectOf(body["output_format"]));
  const format = decodeFormat(objectOf(config["format"])) ?? older;
  if (format !== null) request.responseFormat = format;
  // False cannot come from a client: it notes that the format stood in the field that is older.
  if (older !== null) own["output_format"] = false;
  const inline = findInlineEffort(body);
  if (inline !== undefined) {
    request.reasoning = { ...reasoning, effort: inline };
    own["noted"] = { ...objectOf(own["noted"]), effort: config["effort"] ?? null };
  }
  const isKnown = inline !== undefined || reasoning?.effort === config["effort"];
  const known = [isKnown ? "effort" : "", format === null ? "" : "format"];
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
export function encodeRequest(asked: Request, facts: ModelFacts): Encoded {
  if ((asked.choices ?? 1) !== 1) {
    throw invalidRequest("This model gives one answer a request: 'n' must be 1.", "n");
  }
  const { request, dropped } = omitRefused(asked, facts.refuses);
  const { system, turns } = encodeConversation(request, facts, dropped);
  const maxTokens = limitOutput(request, facts, dropped);
  const plan = planThinking(request, turns, facts, { maxTokens, dropped });
  const thinks = plan.thinking !== null && plan.thinking["type"] !== "disabled";
  const own = ownFields(request.extra);
  const body: JsonObject = { model: request.model, ...omit(own, ["tools", "thinking", "output_config", "noted"]) };
  body["max_tokens"] = plan.maxTokens;
  if (system.length > 0) body["system"] = system;
  body["messages"] = turns.map(({ role, content, fields }) => ({
    role,
    ...(content.length === 0 ? {} : { content }),
    ...fields,
  }));
  encodeTools(request, body, dropped);
  if (request.extra[ID] === undefined) limitMarks(listMarkable(body), dropped);
  if (plan.thinking !== null) body["thinking"] = plan.thinking;
  const { format, ...outputConfig } = encodeOutputConfig(request, plan.effort, dropped);
  if (format !== undefined && own["output_format"] === false) body["output_format"] = format;
  else if (format !== undefined) outputConfig["format"] = format;
  if (Object.keys(outputConfig).length > 0) body["output_config"] = outputConfig;
  encodeSampling(request, body, thinks, dropped);
  encodeOrigin(request, body, dropped);
  if (request.stream) body["stream"] = true;
  const { [ID]: _own, ...foreign } = request.extra;
  reportRequest(foreign, [], dropped);
  return { body, dropped: [...new Set(dropped)] };
}

/** The blocks that can carry a cache mark, in the order in which the prompt is read. */
function listMarkable(body: JsonObject): JsonObject[] {
  const turns = objectsOf(body["messages"]).flatMap((turn) => objectsOf(turn["content"]));
  return [...objectsOf(body["tools"]), ...objectsOf(body["system"]), ...turns];
}

function limitOutput(request: Request, facts: ModelFacts, dropped: string[]): number {
  const limit = facts.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  if (request.maxOutputTokens === undefined) return Math.min(facts.defaultMaxOutputTokens, limit);
  if (request.maxOutputTokens > limit) dropped.push("max_tokens");
  return Math.min(request.maxOutputTokens, limit);
}

function encodeOutputConfig(request: Request, effort: string | null, dropped: string[]): JsonObject {
  const config: JsonObject = { ...objectOf(ownFields(request.extra)["output_config"]) };
  const noted = objectOf(ownFields(request.extra)["noted"])["effort"];
  // The effort of the last instruction stands with it; the request's own is another.
  if (noted === undefined && effort !== null) config["effort"] = effort;
  if (noted !== undefined && noted !== null) config["effort"] = noted;
  if (request.responseFormat?.type === "json-schema") {
    const { schema, description } = request.responseFormat;
    config["format"] = { type: "json_schema", schema: holdSchema(request, schema, dropped) };
    if (description !== null) dropped.push("response_format.json_schema.description");
  }
  // Anthropic has no mode for JSON without a schema, and words of ours have no place in the client's prompt.
  if (request.responseFormat?.type === "json") dropped.push("response_format");
  if (request.verbosity !== undefined) dropped.push("verbosity");
  const unsaid = request.modalities?.find((modality) => modality !== "text");
  if (unsaid !== undefined) throw invalidRequest(`This model answers in text alone, not in ${unsaid}.`, "modalities");
  return config;
}

/** Another format's schema as one that Anthropic can hold an answer to. */
function holdSchema({ extra }: Request, schema: JsonObject, dropped: string[]): JsonObject {
  if (extra[ID] !== undefined) return schema;
  const closed = closeSchema(schema);
  if (closed.opened) dropped.push("response_format.json_schema.schema.additionalProperties");
  return closed.schema;
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
  if (request.logprobs === true) dropped.push("logprobs");
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

const USER_LIMIT = 128;

function encodeOrigin(request: Request, body: JsonObject, dropped: string[]): void {
  const metadata: JsonObject = { ...objectOf(ownFields(request.extra)["metadata"]) };
  const user = request.user ?? request.safetyIdentifier;
  // Anthropic refuses what looks like a name or an address; any id that stays the same will do.
  if (user !== undefined) metadata["user_id"] = request.extra[ID] === undefined ? fitName(user, USER_LIMIT) : user;
  if (request.user !== undefined && request.safetyIdentifier !== undefined) dropped.push("safety_identifier");
  if (request.promptCacheKey !== undefined) dropped.push("prompt_cache_key");
  if (Object.keys(metadata).length > 0) body["metadata"] = metadata;
  if (request.metadata !== undefined && Object.keys(request.metadata).length > 0) dropped.push("metadata");
  if (request.serviceTier === "auto") body["service_tier"] = "auto";
  else if (request.serviceTier === "default") body["service_tier"] = "standard_only";
  else if (request.serviceTier !== undefined) dropped.push("service_tier");
}
