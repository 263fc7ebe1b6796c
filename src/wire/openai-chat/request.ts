// A chat request → the canonical one: its parameters. Messages are in message.ts, tools in tool.ts; the way back is request-encode.ts.
// Knows no client and no provider.

import {
  type Json,
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
import { ID } from "./body.ts";
import { decodeMessages } from "./message.ts";
import { decodeTools } from "./tool.ts";
import { objectOf, omit } from "../json-read.ts";

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
  "logprobs",
  "top_logprobs",
  "verbosity",
  "modalities",
  "reasoning_effort",
  "reasoning",
  "response_format",
  "user",
  "safety_identifier",
  "prompt_cache_key",
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
    topLogprobs: readInteger(body, "top_logprobs", 0),
  };
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) request[name as keyof typeof values] = value;
  }
  const logprobs = readBoolean(body, "logprobs");
  if (logprobs !== undefined) request.logprobs = logprobs;
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

const VERBOSITIES = ["low", "medium", "high"] as const;
const MODALITIES = ["text", "audio", "image"] as const;

function decodeOutput(body: JsonObject, request: Request, own: JsonObject): void {
  decodeReasoning(body, request, own);
  const verbosity = readWord(body["verbosity"], VERBOSITIES, "verbosity");
  if (verbosity !== undefined) request.verbosity = verbosity;
  const modalities = readModalities(body["modalities"]);
  // Text alone is what every answer is made of; false cannot come from a client and notes that it was said.
  if (modalities.some((modality) => modality !== "text")) request.modalities = modalities;
  else if (modalities.length > 0) own["modalities"] = false;
  const format = readObject(body, "response_format");
  if (format === undefined) return;
  const decoded = decodeFormat(format);
  if (decoded !== undefined) request.responseFormat = decoded;
  const rest = omit(format, decoded === undefined ? [] : ["type", "json_schema"]);
  const innerRest = omit(objectOf(format["json_schema"]), ["name", "description", "schema", "strict"]);
  if (decoded?.type === "json-schema" && Object.keys(innerRest).length > 0) rest["json_schema"] = innerRest;
  if (Object.keys(rest).length > 0) own["response_format"] = rest;
}

function readWord<Word extends string>(
  value: Json | undefined,
  words: readonly Word[],
  path: string,
): Word | undefined {
  if (value === undefined || value === null) return undefined;
  const word = words.find((known) => known === value);
  if (word === undefined) throw wrongValue(path, value, words);
  return word;
}

function readModalities(value: Json | undefined): (typeof MODALITIES)[number][] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw wrongType("modalities", "an array of strings", value);
  return value.flatMap((item, index) => readWord(item, MODALITIES, `modalities[${index}]`) ?? []);
}

/** OpenAI's `reasoning_effort`, or OpenRouter's object that says more; an entry in `own` notes the object. */
function decodeReasoning(body: JsonObject, request: Request, own: JsonObject): void {
  const effort = readWord(body["reasoning_effort"], EFFORTS, "reasoning_effort");
  const wish = readObject(body, "reasoning");
  if (wish === undefined) {
    if (effort !== undefined) request.reasoning = { effort };
    return;
  }
  own["reasoning"] = omit(wish, ["effort", "max_tokens", "exclude", "enabled"]);
  const { exclude, enabled } = wish;
  const budgetTokens = readInteger(wish, "max_tokens", 0);
  const wished = effort ?? readWord(wish["effort"], EFFORTS, "reasoning.effort");
  const reasoning: Reasoning = {
    ...(wished === undefined ? {} : { effort: wished }),
    ...(budgetTokens === undefined ? {} : { budgetTokens }),
    ...(exclude === true ? { summary: "none" } : {}),
  };
  if (enabled === false) reasoning.effort = "none";
  if (enabled === true && wished === undefined && budgetTokens === undefined) reasoning.effort = "medium";
  if (Object.keys(reasoning).length > 0) request.reasoning = reasoning;
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
  const safetyIdentifier = readString(body, "safety_identifier");
  if (safetyIdentifier !== undefined) request.safetyIdentifier = safetyIdentifier;
  const promptCacheKey = readString(body, "prompt_cache_key");
  if (promptCacheKey !== undefined) request.promptCacheKey = promptCacheKey;
  const tier = readString(body, "service_tier");
  if (tier !== undefined) request.serviceTier = tier;
  const metadata = readObject(body, "metadata");
  if (metadata !== undefined) request.metadata = metadata;
}
