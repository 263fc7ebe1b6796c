// The request of generateContent ↔ the canonical one: its parameters. Contents are in conversation.ts, tools are in tool.ts.
// Knows no client and no provider beyond the facts about the model that it is given.

import {
  type GatewayError,
  type Json,
  type JsonObject,
  type Request,
  type ResponseFormat,
  invalidRequest,
  isJsonObject,
} from "../../ir/index.ts";
import type { Sources } from "../field-name.ts";
import { reportRequest } from "../foreign.ts";
import { omitRefused } from "../refused.ts";
import type { Encoded, ModelFacts, Peek } from "../type.ts";
import { ID, foreignOf, ownFields, unifyNames } from "./body.ts";
import { encodeConversation } from "./conversation-encode.ts";
import { decodeConversation } from "./conversation.ts";
import { readNumber, wrongType } from "./number.ts";
import { decodeSchema, encodeSchema } from "./schema.ts";
import { decodeThinking, encodeThinking } from "./thinking.ts";
import { decodeTools, encodeTools } from "./tool.ts";
import { objectOf, omit, textOf } from "../json-read.ts";

const BODY_NAMES = [
  "cachedContent",
  "generationConfig",
  "safetySettings",
  "serviceTier",
  "systemInstruction",
  "toolConfig",
] as const;

const KNOWN = ["contents", "generationConfig", "model", "serviceTier", "systemInstruction", "toolConfig", "tools"];

const CONFIG_NAMES = [
  "candidateCount",
  "frequencyPenalty",
  "maxOutputTokens",
  "mediaResolution",
  "presencePenalty",
  "responseJsonSchema",
  "responseLogprobs",
  "responseMimeType",
  "responseModalities",
  "responseSchema",
  "speechConfig",
  "stopSequences",
  "thinkingConfig",
  "topK",
  "topP",
] as const;

/** A request's numbers: their names in `generationConfig` and in the canonical request. */
const NUMBERS = [
  ["temperature", "temperature"],
  ["topP", "topP"],
  ["topK", "topK"],
  ["candidateCount", "choices"],
  ["maxOutputTokens", "maxOutputTokens"],
  ["seed", "seed"],
  ["presencePenalty", "presencePenalty"],
  ["frequencyPenalty", "frequencyPenalty"],
  ["logprobs", "topLogprobs"],
] as const;
const WHOLE: readonly string[] = ["candidateCount", "logprobs", "maxOutputTokens", "seed", "topK"];

/**
 * A body that `peek` has accepted, as a canonical request. Throws an invalid_request that names the field where a type is wrong, and where it
 * points to what Google keeps: leaving that out would change the question.
 * The request always carries this wire's entry in `extra`, be it empty: that is how `encodeRequest` knows its own. A field inside of
 * another has its whole path for a name there, so that others can say what they left out.
 */
export function decodeRequest(source: JsonObject, peek?: Peek, sources?: Sources): Request {
  const body = unifyNames(source, BODY_NAMES);
  if ((body["cachedContent"] ?? null) !== null) throw foreignCache();
  const request: Request = {
    model: peek?.model ?? "",
    messages: decodeConversation(body, sources),
    tools: [],
    stream: peek?.stream ?? false,
    extra: {},
  };
  const own = omit(body, KNOWN);
  decodeConfig(unifyNames(objectOf(body["generationConfig"]), CONFIG_NAMES), request, own);
  decodeTools(body, request, { own, sources });
  const tier = textOf(body["serviceTier"]).toLowerCase();
  if (tier !== "") request.serviceTier = TIERS.get(tier) ?? tier;
  request.extra = { [ID]: own };
  return request;
}

function foreignCache(): GatewayError {
  const name = "cachedContent";
  return invalidRequest(`'${name}' is kept at another provider than this model's. Send what it stands for.`, name);
}

/** Google's word for the usual tier is not everyone's. */
const TIERS: ReadonlyMap<string, string> = new Map([
  ["standard", "default"],
  ["unspecified", "auto"],
]);

function decodeConfig(config: JsonObject, request: Request, own: JsonObject): void {
  const known: string[] = ["stopSequences", "thinkingConfig"];
  for (const [name, field] of NUMBERS) {
    const value = readNumber(config[name], `generation_config.${snake(name)}`, WHOLE.includes(name));
    if (value === undefined) continue;
    request[field] = value;
    known.push(name);
  }
  const stop = config["stopSequences"] ?? undefined;
  if (stop !== undefined) {
    if (!Array.isArray(stop) || !stop.every((item) => typeof item === "string")) {
      throw wrongType("generation_config.stop_sequences", "a list of strings");
    }
    request.stop = stop;
  }
  if (typeof config["responseLogprobs"] === "boolean") {
    request.logprobs = config["responseLogprobs"];
    known.push("responseLogprobs");
  }
  const modalities = decodeModalities(config["responseModalities"]);
  if (modalities !== null) {
    // Text alone is what happens anyway.
    if (modalities.some((name) => name !== "text")) request.modalities = modalities;
    known.push("responseModalities");
  }
  const format = decodeFormat(config);
  if (format !== null) {
    request.responseFormat = format;
    known.push("responseMimeType", "responseSchema", "responseJsonSchema", "_responseJsonSchema");
  }
  const { reasoning, rest } = decodeThinking(objectOf(config["thinkingConfig"]));
  if (reasoning !== undefined) request.reasoning = reasoning;
  for (const [name, value] of Object.entries(rest)) own[`generationConfig.thinkingConfig.${name}`] = value;
  for (const [name, value] of Object.entries(omit(config, known))) own[`generationConfig.${name}`] = value;
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);
}

const MODALITIES = ["text", "audio", "image"] as const;

/** Null where there are none, and where one is not among ours. */
function decodeModalities(value: Json | undefined): NonNullable<Request["modalities"]> | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  const known = value.map((item) => MODALITIES.find((name) => name === textOf(item).toLowerCase()));
  const named = known.filter((name) => name !== undefined);
  return named.length < value.length ? null : named;
}

/** Null where none is asked for, and for formats that only Google has. */
function decodeFormat(config: JsonObject): ResponseFormat | null {
  const type = textOf(config["responseMimeType"]);
  if (type === "text/plain") return { type: "text" };
  if (type !== "application/json" && type !== "") return null;
  const standard = config["responseJsonSchema"] ?? config["_responseJsonSchema"];
  const own = config["responseSchema"];
  const schema = isJsonObject(standard) ? standard : isJsonObject(own) ? decodeSchema(own) : null;
  if (schema === null) return type === "" ? null : { type: "json" };
  return { type: "json-schema", name: null, description: null, schema, strict: null };
}

/** Google takes no more. */
const MAX_STOP_SEQUENCES = 5;

/**
 * A canonical request as a body of generateContent, with the client's fields that it cannot say. Model and stream are the address's to
 * say. Throws an invalid_request where leaving something out would change the meaning.
 */
export function encodeRequest(asked: Request, facts: ModelFacts): Encoded {
  const { request, dropped } = omitRefused(asked, facts.refuses);
  const own = ownFields(request.extra);
  const { instruction, contents } = encodeConversation(request, facts, dropped);
  const body: JsonObject = {};
  if (instruction.length > 0) body["systemInstruction"] = { parts: instruction };
  body["contents"] = contents;
  encodeTools(request, body, facts, dropped);
  const config = encodeConfig(request, facts, dropped);
  if (Object.keys(config).length > 0) body["generationConfig"] = config;
  encodeTier(request, body, dropped);
  for (const [path, value] of Object.entries(omit(own, ["tools"]))) setPath(body, path, value);
  reportRest(request, dropped);
  return { body, dropped: [...new Set(dropped)] };
}

/** Only what stands inside of these two was taken out by its path; any other name with a dot is a client's own. */
const NESTED = /^(?:generationConfig|toolConfig)\./u;

function setPath(body: JsonObject, path: string, value: Json): void {
  const steps = NESTED.test(path) ? path.split(".") : [path];
  const last = steps.pop() ?? path;
  let target = body;
  for (const step of steps) {
    const inner = objectOf(target[step]);
    target[step] = inner;
    target = inner;
  }
  target[last] = value;
}

function encodeConfig(request: Request, facts: ModelFacts, dropped: string[]): JsonObject {
  const config: JsonObject = {};
  const isOwn = request.extra[ID] !== undefined;
  for (const [name, field] of NUMBERS) {
    const value = request[field];
    // No penalty is what happens anyway, and some models refuse the very field.
    const isIdle = value === 0 && (field === "frequencyPenalty" || field === "presencePenalty");
    // How many alternatives there are to be of probabilities that nobody asked for: Google refuses it.
    const isMoot = field === "topLogprobs" && request.logprobs !== true;
    if (value !== undefined && (isOwn || !(isIdle || isMoot))) config[name] = value;
  }
  const { seed } = request;
  // Other formats have seeds of more bits; the same one stays the same.
  if (seed !== undefined && !isOwn) config["seed"] = Math.trunc(seed) % 2 ** 31;
  const limit = facts.maxOutputTokens;
  if (limit !== null && (request.maxOutputTokens ?? 0) > limit && !isOwn) {
    config["maxOutputTokens"] = limit;
    dropped.push("max_tokens");
  }
  const stop = isOwn ? request.stop : request.stop?.filter((sequence) => sequence !== "");
  if (stop !== undefined && (stop.length > 0 || isOwn)) {
    if (stop.length > MAX_STOP_SEQUENCES && !isOwn) dropped.push("stop");
    config["stopSequences"] = isOwn ? stop : stop.slice(0, MAX_STOP_SEQUENCES);
  }
  if (request.logprobs !== undefined) config["responseLogprobs"] = request.logprobs;
  if (request.modalities !== undefined) {
    config["responseModalities"] = request.modalities.map((name) => name.toUpperCase());
  }
  encodeFormat(request, config, { isOwn, dropped });
  const thinking = encodeThinking(request, facts, dropped);
  if (Object.keys(thinking).length > 0) config["thinkingConfig"] = thinking;
  return config;
}

function encodeFormat(
  { responseFormat }: Request,
  config: JsonObject,
  { isOwn, dropped }: { isOwn: boolean; dropped: string[] },
): void {
  switch (responseFormat?.type) {
    case undefined:
      return;
    case "text":
      config["responseMimeType"] = "text/plain";
      return;
    case "json":
      config["responseMimeType"] = "application/json";
      return;
    case "json-schema":
      config["responseMimeType"] = "application/json";
      config["responseJsonSchema"] = isOwn ? responseFormat.schema : encodeSchema(responseFormat.schema);
      if (responseFormat.description !== null) dropped.push("response_format.json_schema.description");
      return;
    default:
      responseFormat satisfies never;
  }
}

/** The usual tier is what happens anyway: it is said only where a client of this format did. */
function encodeTier({ serviceTier: tier, extra }: Request, body: JsonObject, dropped: string[]): void {
  if (tier === undefined || tier === "auto") return;
  if (tier === "default") {
    if (extra[ID] !== undefined) body["serviceTier"] = "standard";
    return;
  }
  if (tier === "flex" || tier === "priority") body["serviceTier"] = tier;
  else dropped.push("service_tier");
}

/** Names what the client asked for and Google has no word for; tools of another format by their place in the list. */
function reportRest(request: Request, dropped: string[]): void {
  if (request.user !== undefined) dropped.push("user");
  if (request.safetyIdentifier !== undefined) dropped.push("safety_identifier");
  if (request.promptCacheKey !== undefined) dropped.push("prompt_cache_key");
  if (request.verbosity !== undefined) dropped.push("verbosity");
  if (Object.keys(request.metadata ?? {}).length > 0) dropped.push("metadata");
  reportRequest(foreignOf(request.extra), [], dropped);
}
