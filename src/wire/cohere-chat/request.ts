// A canonical request as a body for Cohere's Chat API: its parameters. The conversation is in conversation.ts, tools are in tool.ts.
// Knows no client and no provider beyond the facts about the model.

import { type JsonObject, type Request, invalidRequest } from "../../ir/index.ts";
import { addAnswerTool } from "../answer-tool.ts";
import { BUDGETS, readEffort } from "../effort.ts";
import { reportRequest } from "../foreign.ts";
import { omitRefused } from "../refused.ts";
import type { Encoded, ModelFacts } from "../type.ts";
import { encodeConversation } from "./conversation.ts";
import { encodeTools } from "./tool.ts";

/** Cohere's own fields, which a client of any format may add to its request as they are. */
const OWN_FIELDS = ["citation_options", "documents", "priority", "safety_mode"];

/** With the client's fields that cannot be said. Throws an invalid_request where leaving one out would change the meaning. */
export function encodeRequest(asked: Request, facts: ModelFacts): Encoded {
  if ((asked.choices ?? 1) !== 1) throw invalidRequest("This model gives one answer a request: 'n' must be 1.", "n");
  const { request: wanted, dropped } = omitRefused(asked, facts.refuses);
  const { messages, documents } = encodeConversation(wanted, facts, dropped);
  const given: JsonObject = Object.assign({}, ...Object.values(wanted.extra));
  const isAlone = wanted.tools.length === 0 && documents.length === 0 && given["documents"] === undefined;
  const request = isAlone ? wanted : askBeside(wanted, dropped);
  const own = Object.fromEntries(
    OWN_FIELDS.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])),
  );
  const body: JsonObject = { model: request.model, messages };
  encodeTools(request, body, dropped);
  if (documents.length > 0) body["documents"] = documents;
  Object.assign(body, own);
  encodeFormat(request, body, dropped);
  encodeThinking(request, facts, body, dropped);
  encodeSampling(request, facts, body, dropped);
  reportUnsaid(request, dropped);
  reportRequest(request.extra, OWN_FIELDS, dropped);
  if (request.stream) body["stream"] = true;
  return { body, dropped: [...new Set(dropped)] };
}

/** Beside tools and documents Cohere holds no answer to a form: a schema becomes a tool there, and JSON of any form cannot be demanded. */
function askBeside(request: Request, dropped: string[]): Request {
  const { responseFormat: format, ...rest } = request;
  if (format?.type === "json-schema") return addAnswerTool(request, format);
  if (format?.type === "json") dropped.push("response_format");
  return rest;
}

function encodeFormat({ responseFormat: format }: Request, body: JsonObject, dropped: string[]): void {
  if (format === undefined || format.type === "text") return;
  body["response_format"] = {
    type: "json_object",
    ...(format.type === "json-schema" ? { json_schema: format.schema } : {}),
  };
  if (format.type === "json-schema" && format.description !== null) {
    dropped.push("response_format.json_schema.description");
  }
}

/** Models that think do so unless told not to; the higher levels are without a limit. */
function encodeThinking({ reasoning }: Request, facts: ModelFacts, body: JsonObject, dropped: string[]): void {
  if (reasoning === undefined) return;
  const level = readEffort(reasoning);
  if (level === undefined && reasoning.adaptive !== true) return;
  if (facts.reasoning === "none") {
    if (level !== "none") dropped.push("reasoning_effort");
    return;
  }
  if (level === "none") {
    body["thinking"] = { type: "disabled" };
    return;
  }
  const isOpen = level === undefined || level === "high" || level === "xhigh" || level === "max";
  const budget = reasoning.budgetTokens ?? (isOpen ? null : BUDGETS[level]);
  body["thinking"] = { type: "enabled", ...(budget === null ? {} : { token_budget: budget }) };
}

const MAX_STOPS = 5;

function encodeSampling(request: Request, facts: ModelFacts, body: JsonObject, dropped: string[]): void {
  const { maxOutputTokens, temperature, topP, topK, seed, stop = [] } = request;
  if (maxOutputTokens !== undefined) {
    const limit = facts.maxOutputTokens ?? Number.POSITIVE_INFINITY;
    if (maxOutputTokens > limit) dropped.push("max_tokens");
    body["max_tokens"] = Math.min(maxOutputTokens, limit);
  }
  if (temperature !== undefined) body["temperature"] = temperature;
  // The whole of the distribution is just beyond what Cohere takes.
  if (topP !== undefined) body["p"] = Math.min(0.99, Math.max(0.01, topP));
  if (topK !== undefined) body["k"] = Math.min(500, Math.max(0, topK));
  if (seed !== undefined) body["seed"] = seed;
  const stops = stop.filter((sequence) => sequence !== "").slice(0, MAX_STOPS);
  if (stops.length < stop.length) dropped.push("stop");
  if (stops.length > 0) body["stop_sequences"] = stops;
  encodePenalty("frequency_penalty", request.frequencyPenalty, body, dropped);
  encodePenalty("presence_penalty", request.presencePenalty, body, dropped);
  if (request.logprobs === true) body["logprobs"] = true;
  if (request.logprobs === true && (request.topLogprobs ?? 0) > 0) dropped.push("top_logprobs");
}

/** Cohere punishes repetition and never rewards it. */
function encodePenalty(name: string, value: number | undefined, body: JsonObject, dropped: string[]): void {
  if (value === undefined || value === 0) return;
  if (value < 0 || value > 1) dropped.push(name);
  if (value > 0) body[name] = Math.min(1, value);
}

/** Tiers that ask for what happens anyway. */
const USUAL_TIERS = new Set(["auto", "default"]);

function reportUnsaid(request: Request, dropped: string[]): void {
  if (request.user !== undefined) dropped.push("user");
  if (request.safetyIdentifier !== undefined) dropped.push("safety_identifier");
  if (request.promptCacheKey !== undefined) dropped.push("prompt_cache_key");
  if (request.verbosity !== undefined) dropped.push("verbosity");
  if (request.metadata !== undefined && Object.keys(request.metadata).length > 0) dropped.push("metadata");
  if (request.serviceTier !== undefined && !USUAL_TIERS.has(request.serviceTier)) dropped.push("service_tier");
  const unsaid = request.modalities?.find((modality) => modality !== "text");
  if (unsaid !== undefined) throw invalidRequest(`This model answers in text alone, not in ${unsaid}.`, "modalities");
}
