// A chat request ↔ the canonical one: its parameters. Messages are in message.ts, tools in tool.ts.
// Knows no client and no provider beyond the facts about the model that it is given.

import {
  type JsonObject,
  type Reasoning,
  type ReasoningEffort,
  type Request,
  type ResponseFormat,
} from "../../ir/index.ts";
import {
  readBoolean,
  readInteger,
  readNumber,
  readObject,
  readStream,
  readString,
  requireModel,
  requireObject,
  requireString,
  wrongType,
  wrongValue,
} from "../openai-check.ts";
import type { Encoded, ModelFacts } from "../type.ts";
import { ID, objectOf, omit, ownFields } from "./body.ts";
import { asksForSomething } from "./content.ts";
import { decodeMessages, encodeMessages } from "./message.ts";
import { decodeTools, encodeTools } from "./tool.ts";

/** Fields that the canonical request holds; a null in one of them means "not given" and stays among the own fields. */
const KNOWN = [
  "model",
  "messages",
  "tools",
  "functions",
  "tool_choice",
  "function_call",
  "parallel_tool_calls",
  "max_tokens",
  "max_completion_tokens",
  "temperature",
  "top_p",
  "top_k",
  "frequency_penalty",
  "presence_penalty",
  "seed",
  "stop",
  "n",
  "reasoning_effort",
  "response_format",
  "user",
  "service_tier",
  "metadata",
  "stream",
];

/**
 * A body that `peekRequest` has accepted, as a canonical request. Throws an invalid_request that names the field where a type is wrong.
 * The request always carries this wire's entry in `extra`, be it empty: that is how `encodeRequest` knows its own.
 */
export function decodeRequest(body: JsonObject): Request {
  const own = omit(
    body,
    KNOWN.filter((name) => body[name] !== null),
  );
  const request: Request = {
    model: requireModel(body),
    messages: decodeMessages(body),
    tools: [],
    stream: readStream(body),
    extra: { [ID]: own },
  };
  decodeTools(body, request, own);
  decodeSampling(body, request);
  decodeLimits(body, request, own);
  decodeOutput(body, request, own);
  decodeOrigin(body, request);
  return request;
}

function decodeSampling(body: JsonObject, request: Request): void {
  const values = {
    temperature: readNumber(body, "temperature"),
    topP: readNumber(body, "top_p"),
    topK: readInteger(body, "top_k"),
    frequencyPenalty: readNumber(body, "frequency_penalty"),
    presencePenalty: readNumber(body, "presence_penalty"),
    seed: readInteger(body, "seed"),
    choices: readInteger(body, "n", 1),
  };
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) request[name as keyof typeof values] = value;
  }
}

/** Both spellings of the output limit: the newer one counts, and which one the client used is noted (false cannot come from a client). */
function decodeLimits(body: JsonObject, request: Request, own: JsonObject): void {
  const older = readInteger(body, "max_tokens", 1);
  const newer = readInteger(body, "max_completion_tokens", 1);
  const limit = newer ?? older;
  if (limit !== undefined) request.maxOutputTokens = limit;
  if (older !== undefined) own["max_tokens"] = newer === undefined || newer === older ? false : older;
  if (older !== undefined && newer !== undefined) own["max_completion_tokens"] = false;
  const stop = body["stop"] ?? undefined;
  if (stop === undefined) return;
  const list = Array.isArray(stop) ? stop : [stop];
  if (!list.every((item) => typeof item === "string")) {
    throw wrongType("stop", "one of a string or an array of strings", stop);
  }
  request.stop = list;
}

const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const satisfies ReasoningEffort[];

function decodeOutput(body: JsonObject, request: Request, own: JsonObject): void {
  const word = readString(body, "reasoning_effort");
  const effort = EFFORTS.find((known) => known === word);
  if (word !== undefined && effort === undefined) throw wrongValue("reasoning_effort", word, EFFORTS);
  if (effort !== undefined) request.reasoning = { effort };
  const format = readObject(body, "response_format");
  if (format === undefined) return;
  const decoded = decodeFormat(format);
  if (decoded !== undefined) request.responseFormat = decoded;
  const rest = omit(format, decoded === undefined ? [] : ["type", "json_schema"]);
  const innerRest = omit(objectOf(format["json_schema"]), ["name", "description", "schema", "strict"]);
  if (decoded?.type === "json-schema" && Object.keys(innerRest).length > 0) rest["json_schema"] = innerRest;
  if (Object.keys(rest).length > 0) own["response_format"] = rest;
}

/** Undefined for a format that only this wire's servers know (a grammar, say). */
function decodeFormat(format: JsonObject): ResponseFormat | undefined {
  const type = requireString(format, "type", "response_format.type");
  if (type === "text") return { type: "text" };
  if (type === "json_object") return { type: "json" };
  if (type !== "json_schema") return undefined;
  const path = "response_format.json_schema";
  const inner = requireObject(format, "json_schema", path);
  return {
    type: "json-schema",
    name: requireString(inner, "name", `${path}.name`),
    description: readString(inner, "description", `${path}.description`) ?? null,
    schema: readObject(inner, "schema", `${path}.schema`) ?? {},
    strict: readBoolean(inner, "strict", `${path}.strict`) ?? null,
  };
}

function decodeOrigin(body: JsonObject, request: Request): void {
  const parallel = readBoolean(body, "parallel_tool_calls");
  if (parallel !== undefined) request.parallelToolCalls = parallel;
  const user = readString(body, "user");
  if (user !== undefined) request.user = user;
  const tier = readString(body, "service_tier");
  if (tier !== undefined) request.serviceTier = tier;
  const metadata = readObject(body, "metadata");
  if (metadata !== undefined) request.metadata = metadata;
}

/** Fields in which the own entry only notes something; `encodeRequest` writes them itself. */
const NOTES = ["tools", "function_call", "max_tokens", "max_completion_tokens", "response_format"];

/**
 * A canonical request as a chat body, with the client's fields that it cannot say. A stream always asks for usage: the ledger needs it, and
 * a client's encoder shows it only where its format or its client wants it.
 */
export function encodeRequest(request: Request, facts: ModelFacts): Encoded {
  const dropped = new Set<string>();
  const own = ownFields(request.extra);
  const body: JsonObject = {
    ...omit(own, NOTES),
    ...pickUnchanged(own),
    model: request.model,
    messages: encodeMessages(request.messages, dropped),
  };
  encodeTools(request, body, dropped);
  encodeLimits(request, body, { facts, dropped });
  encodeSampling(request, body, dropped);
  encodeReasoning(request, body, { facts, dropped });
  encodeFormat(request, body);
  if (request.user !== undefined) body["user"] = request.user;
  if (request.serviceTier !== undefined) body["service_tier"] = request.serviceTier;
  if (request.metadata !== undefined) body["metadata"] = request.metadata;
  if (request.stream) {
    body["stream"] = true;
    body["stream_options"] = { ...objectOf(own["stream_options"]), include_usage: true };
  }
  reportForeignFields(request, dropped);
  return { body, dropped: [...dropped] };
}

/** Of the noted fields those that hold the client's own value: a choice only this format knows, an older limit beside the newer. */
function pickUnchanged(own: JsonObject): JsonObject {
  const picked: JsonObject = {};
  for (const name of ["tool_choice", "function_call", "max_tokens", "max_completion_tokens"]) {
    const value = own[name];
    if (value !== undefined && value !== false) picked[name] = value;
  }
  return picked;
}

function encodeLimits(
  request: Request,
  body: JsonObject,
  { facts, dropped }: { facts: ModelFacts; dropped: Set<string> },
): void {
  const own = ownFields(request.extra);
  if (request.stop !== undefined && request.stop.length > 0) body["stop"] = request.stop;
  const wanted = request.maxOutputTokens;
  if (wanted === undefined) return;
  // Another format's client names the limit of another vendor's model; this one's own server may judge what its client asked.
  const isTooMuch = request.extra[ID] === undefined && facts.maxOutputTokens !== null && wanted > facts.maxOutputTokens;
  if (isTooMuch) dropped.add("max_tokens");
  const limit = isTooMuch && facts.maxOutputTokens !== null ? facts.maxOutputTokens : wanted;
  if (own["max_tokens"] === false) body["max_tokens"] = limit;
  if (own["max_tokens"] !== false || own["max_completion_tokens"] === false) body["max_completion_tokens"] = limit;
}

function encodeSampling(request: Request, body: JsonObject, dropped: Set<string>): void {
  if (request.temperature !== undefined) body["temperature"] = request.temperature;
  if (request.topP !== undefined) body["top_p"] = request.topP;
  if (request.frequencyPenalty !== undefined) body["frequency_penalty"] = request.frequencyPenalty;
  if (request.presencePenalty !== undefined) body["presence_penalty"] = request.presencePenalty;
  if (request.seed !== undefined) body["seed"] = request.seed;
  if (request.choices !== undefined) body["n"] = request.choices;
  if (request.topK === undefined) return;
  // OpenAI refuses `top_k`; a compatible server that knows it gets it from this format's clients.
  if (request.extra[ID] === undefined) dropped.add("top_k");
  else body["top_k"] = request.topK;
}

function encodeReasoning(
  request: Request,
  body: JsonObject,
  { facts, dropped }: { facts: ModelFacts; dropped: Set<string> },
): void {
  const { reasoning } = request;
  if (reasoning === undefined) return;
  const isOwn = request.extra[ID] !== undefined;
  const effort = reasoning.effort ?? nameEffort(reasoning);
  if (effort === undefined) return;
  // "Do not think" is what a model that was not asked does, and older ones refuse the field.
  if (!isOwn && effort === "none") return;
  if (!isOwn && facts.reasoning === "none") dropped.add("reasoning_effort");
  else body["reasoning_effort"] = effort;
}

/** The nearest level that every reasoning model knows. */
function nameEffort({ budgetTokens }: Reasoning): ReasoningEffort | undefined {
  if (budgetTokens === undefined) return undefined;
  if (budgetTokens <= 2_048) return "low";
  return budgetTokens <= 8_192 ? "medium" : "high";
}

function encodeFormat({ responseFormat, extra }: Request, body: JsonObject): void {
  const kept = ownFields(extra)["response_format"];
  if (responseFormat === undefined) {
    if (kept !== undefined) body["response_format"] = kept;
    return;
  }
  const rest = objectOf(kept);
  switch (responseFormat.type) {
    case "text":
      body["response_format"] = { ...rest, type: "text" };
      return;
    case "json":
      body["response_format"] = { ...rest, type: "json_object" };
      return;
    case "json-schema": {
      const { name, description, schema, strict } = responseFormat;
      const inner: JsonObject = { ...objectOf(rest["json_schema"]), name: name ?? "response", schema };
      if (description !== null) inner["description"] = description;
      if (strict !== null) inner["strict"] = strict;
      body["response_format"] = { ...rest, type: "json_schema", json_schema: inner };
      return;
    }
    default:
      responseFormat satisfies never;
  }
}

/** Names what other formats' clients asked for beyond the canonical request. */
function reportForeignFields(request: Request, dropped: Set<string>): void {
  for (const [wire, fields] of Object.entries(request.extra)) {
    if (wire === ID) continue;
    for (const [name, value] of Object.entries(fields)) if (asksForSomething(value)) dropped.add(name);
  }
}
