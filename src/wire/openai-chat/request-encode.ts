// The canonical request → a chat request: its parameters. Messages are in message-encode.ts, tools in tool.ts; the way in is request.ts.
// Knows no client and no provider beyond the facts about the model that it is given.

import { type JsonObject, type Reasoning, type Request, isJsonObject } from "../../ir/index.ts";
import { reportRequest } from "../foreign.ts";
import { nearestEffort, readEffort } from "../effort.ts";
import { isStrict } from "../json-schema.ts";
import { omitRefused } from "../refused.ts";
import { fitName, shortenId } from "../safe-name.ts";
import type { Encoded, ModelFacts } from "../type.ts";
import { ID, ownFields } from "./body.ts";
import type { Target } from "./content.ts";
import { encodeMessages } from "./message-encode.ts";
import { encodeTools } from "./tool.ts";
import { objectOf, omit } from "../json-read.ts";

/** Fields in which the own entry only notes something; `encodeRequest` writes them itself. */
const NOTES = [
  "tools",
  "tool_choice",
  "function_call",
  "max_tokens",
  "max_completion_tokens",
  "modalities",
  "reasoning",
  "response_format",
];

/**
 * A canonical request as a chat body, with the client's fields that it cannot say. A stream always asks for usage: the ledger needs it, and
 * a client's encoder shows it only where its format or its client wants it.
 */
export function encodeRequest(asked: Request, facts: ModelFacts): Encoded {
  const { request, dropped: refused } = omitRefused(asked, facts.refuses);
  const own = ownFields(request.extra);
  const target = describeTarget(request, facts, new Set(refused));
  const { dropped } = target;
  const body: JsonObject = {
    ...omit(own, NOTES),
    ...pickUnchanged(own),
    model: request.model,
    messages: encodeMessages(request.messages, target),
  };
  encodeTools(request, body, target);
  encodeLimits(request, body, { facts, dropped });
  encodeSampling(request, body, dropped);
  encodeReasoning(request, body, { facts, dropped });
  encodeFormat(request, body);
  encodeOrigin(request, body);
  if (request.stream) body["stream"] = true;
  if (request.stream && facts.refuses?.includes("streamOptions") !== true) {
    body["stream_options"] = { ...objectOf(own["stream_options"]), include_usage: true };
  }
  if (!request.stream || facts.refuses?.includes("streamOptions") === true) delete body["stream_options"];
  const { [ID]: _own, ...foreign } = request.extra;
  const lost: string[] = [];
  reportRequest(foreign, [], lost);
  for (const field of lost) dropped.add(field);
  return { body, dropped: [...dropped] };
}

/** OpenAI's limits on the length of names and ids; other formats' clients know nothing of them. */
const NAME_LIMIT = 64;
const ID_LIMIT = 40;
const USER_LIMIT = 64;
const STOP_LIMIT = 4;

function describeTarget(request: Request, facts: ModelFacts, dropped: Set<string>): Target {
  const isOwn = request.extra[ID] !== undefined;
  const isShort = facts.callIds === "short";
  return {
    dropped,
    isOwn,
    takesMarks: isOwn || facts.takesCacheMarks === true,
    joinsText: facts.joinsText === true,
    takesBreakpoints: !isOwn && facts.takesBreakpoints === true,
    returnsReasoning: facts.returnsReasoning ?? null,
    fitId: (id) => {
      if (isShort) return shortenId(id);
      return isOwn || id.length <= ID_LIMIT ? id : fitName(id, ID_LIMIT);
    },
    fitName: (name) => (isOwn ? name : fitName(name, NAME_LIMIT)),
  };
}

function encodeOrigin(request: Request, body: JsonObject): void {
  if (request.verbosity !== undefined) body["verbosity"] = request.verbosity;
  if (request.modalities !== undefined) body["modalities"] = request.modalities;
  else if (ownFields(request.extra)["modalities"] === false) body["modalities"] = ["text"];
  // An id of another format's client may be long, or JSON: servers refuse that, and any id that stays the same will do.
  const fitUser = (id: string): string => (request.extra[ID] === undefined ? fitName(id, USER_LIMIT) : id);
  if (request.user !== undefined) body["user"] = fitUser(request.user);
  if (request.safetyIdentifier !== undefined) body["safety_identifier"] = fitUser(request.safetyIdentifier);
  if (request.promptCacheKey !== undefined) body["prompt_cache_key"] = request.promptCacheKey;
  if (request.serviceTier !== undefined) body["service_tier"] = request.serviceTier;
  if (request.metadata !== undefined) body["metadata"] = request.metadata;
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
  const isOwn = request.extra[ID] !== undefined;
  const stop = isOwn ? request.stop : request.stop?.slice(0, STOP_LIMIT);
  if ((stop?.length ?? 0) < (request.stop?.length ?? 0)) dropped.add("stop");
  if (stop !== undefined && stop.length > 0) body["stop"] = stop;
  const asked = request.maxOutputTokens;
  if (asked === undefined) return;
  // No answer at all, which in another format fills a cache, cannot be asked for here.
  if (asked === 0) dropped.add("max_tokens");
  const wanted = Math.max(1, asked);
  // Another format's client names the limit of another vendor's model; this one's own server may judge what its client asked.
  const isTooMuch = !isOwn && facts.maxOutputTokens !== null && wanted > facts.maxOutputTokens;
  if (isTooMuch) dropped.add("max_tokens");
  const limit = isTooMuch && facts.maxOutputTokens !== null ? facts.maxOutputTokens : wanted;
  if (facts.limitField !== undefined) {
    delete body["max_tokens"];
    delete body["max_completion_tokens"];
    body[facts.limitField] = limit;
    return;
  }
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
  if (request.logprobs !== undefined) body["logprobs"] = request.logprobs;
  const isOwn = request.extra[ID] !== undefined;
  // Responses takes the number without the wish, which it then does not change; here it is refused.
  if (request.topLogprobs !== undefined && (isOwn || request.logprobs === true)) {
    body["top_logprobs"] = request.topLogprobs;
  }
  if (request.topK === undefined) return;
  // OpenAI refuses `top_k`; a compatible server that knows it gets it from this format's clients.
  if (!isOwn) dropped.add("top_k");
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
  const noted = ownFields(request.extra)["reasoning"];
  if (isJsonObject(noted)) {
    body["reasoning"] = { ...noted, ...encodeWish(reasoning) };
    return;
  }
  if (!isOwn && facts.reasoning !== "none" && losesSummary(reasoning, facts)) dropped.add("reasoning_summary");
  const wanted = readEffort(reasoning);
  if (wanted === undefined) return;
  if (isOwn && facts.efforts === undefined) {
    body["reasoning_effort"] = wanted;
    return;
  }
  // "Do not think" is all that a model can do that does not reason, and those that know nothing of it refuse the word.
  if (wanted === "none" && (facts.reasoning === "none" || facts.efforts === undefined)) return;
  const effort = facts.reasoning === "none" && !isOwn ? null : nearestEffort(wanted, facts.efforts);
  if (effort === null) dropped.add("reasoning_effort");
  else body["reasoning_effort"] = effort;
}

/** OpenAI shows no reasoning here; its imitators show all of theirs, at whatever length. */
function losesSummary({ summary }: Reasoning, { returnsReasoning }: ModelFacts): boolean {
  if (summary === undefined || summary === "none") return false;
  return summary !== "auto" || returnsReasoning === undefined;
}

/** OpenRouter's object. */
function encodeWish({ effort, budgetTokens, summary }: Reasoning): JsonObject {
  return {
    ...(effort === undefined ? {} : { effort }),
    ...(budgetTokens === undefined ? {} : { max_tokens: budgetTokens }),
    ...(summary === "none" ? { exclude: true } : {}),
  };
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
      // Formats that do not say it hold every answer to its schema.
      const isHeld = strict ?? (extra[ID] === undefined && isStrict(schema) ? true : null);
      if (isHeld !== null) inner["strict"] = isHeld;
      body["response_format"] = { ...rest, type: "json_schema", json_schema: inner };
      return;
    }
    default:
      responseFormat satisfies never;
  }
}
