// The canonical request → a Responses request: its parameters. Items are in item-encode.ts, tools in tool.ts; the way in is request.ts.
// Knows no client and no provider beyond the facts about the model that it is given.

import { type JsonObject, type Request, invalidRequest } from "../../ir/index.ts";
import { nearestEffort, readEffort } from "../effort.ts";
import { reportRequest } from "../foreign.ts";
import { isStrict } from "../json-schema.ts";
import { omitRefused } from "../refused.ts";
import { fitName } from "../safe-name.ts";
import type { Encoded, ModelFacts } from "../type.ts";
import { ID, ownFields } from "./body.ts";
import { type Target, withoutOwn } from "./content.ts";
import { encodeInput } from "./item-encode.ts";
import { INCLUDES } from "./request.ts";
import { encodeTools } from "./tool.ts";
import { objectOf, omit } from "../json-read.ts";

/** Fields of which the own entry holds only a part; `encodeRequest` writes them itself. */
const PARTIAL = ["include", "reasoning", "text", "tools"];

/** OpenAI's limits on the length of names and ids, and its least output; other formats' clients know nothing of them. */
const NAME_LIMIT = 64;
const USER_LIMIT = 64;
const MIN_OUTPUT_TOKENS = 16;

/**
 * A canonical request as a Responses body, with the client's fields that it cannot say. Nothing is kept at the server for a client of another
 * format, which has the conversation itself; what the server seals comes back with it. Throws an invalid_request for several answers.
 */
export function encodeRequest(asked: Request, facts: ModelFacts): Encoded {
  if ((asked.choices ?? 1) !== 1) {
    throw invalidRequest("This model gives one answer a request: 'n' must be 1.", "n");
  }
  const { request, dropped: refused } = omitRefused(asked, facts.refuses);
  const isOwn = request.extra[ID] !== undefined;
  const target = describeTarget(isOwn, facts.takesBreakpoints === true, new Set(refused));
  const { dropped } = target;
  const own = ownFields(request.extra);
  const body: JsonObject = {
    ...omit(
      own,
      PARTIAL.filter((name) => own[name] !== null),
    ),
    model: request.model,
    ...encodeInput(request.messages, request.tools, target),
  };
  encodeTools(request, body, target);
  encodeLimits(request, body, { facts, isOwn, dropped });
  encodeReasoning(request, body, { facts, isOwn, dropped });
  Object.assign(body, encodeText(request), encodeOrigin(request));
  const include = listIncludes(request, facts);
  if (include.length > 0) body["include"] = include;
  if (!isOwn) body["store"] = false;
  if (request.stream) body["stream"] = true;
  reportUnsaid(request, dropped);
  return { body, dropped: [...dropped] };
}

function describeTarget(isOwn: boolean, takesMarks: boolean, dropped: Set<string>): Target {
  const fit = (name: string): string => (isOwn ? name : fitName(name, NAME_LIMIT));
  return { dropped, isOwn, takesMarks: isOwn || takesMarks, fitId: fit, fitName: fit };
}

/** A request's fields that an answer repeats, as `encodeRequest` writes them. */
export function encodeEcho(request: Request): JsonObject {
  const target = describeTarget(true, true, new Set());
  const echo: JsonObject = {};
  const { messages, tools } = request;
  const [first] = messages;
  if (first !== undefined && ownFields(first.extra)["instructions"] === false) {
    Object.assign(echo, omit(encodeInput([first], tools, target), ["input"]));
  }
  encodeTools(request, echo, target);
  const { maxOutputTokens, temperature, topP, topLogprobs } = request;
  if (maxOutputTokens !== undefined) echo["max_output_tokens"] = maxOutputTokens;
  if (temperature !== undefined) echo["temperature"] = temperature;
  if (topP !== undefined) echo["top_p"] = topP;
  if (topLogprobs !== undefined) echo["top_logprobs"] = topLogprobs;
  return Object.assign(echo, encodeText(request), encodeOrigin(request));
}

function listIncludes({ logprobs, extra }: Request, facts: ModelFacts): JsonObject[string][] {
  const kept = ownFields(extra)["include"];
  return [
    ...(Array.isArray(kept) ? kept : []),
    ...(logprobs === true ? [INCLUDES.logprobs] : []),
    // Models that do not reason refuse it.
    ...(facts.reasoning === "none" ? [] : [INCLUDES.sealed]),
  ];
}

interface Context {
  facts: ModelFacts;
  isOwn: boolean;
  dropped: Set<string>;
}

function encodeLimits(request: Request, body: JsonObject, { facts, isOwn, dropped }: Context): void {
  const { temperature, topP, topLogprobs, maxOutputTokens: wanted } = request;
  if (temperature !== undefined) body["temperature"] = temperature;
  if (topP !== undefined) body["top_p"] = topP;
  if (topLogprobs !== undefined) body["top_logprobs"] = topLogprobs;
  if (wanted === undefined) return;
  // Another format's client names the limit of another vendor's model; this one's own server may judge what its client asked.
  const most = facts.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  const limit = isOwn ? wanted : Math.max(MIN_OUTPUT_TOKENS, Math.min(wanted, most));
  if (limit !== wanted) dropped.add("max_tokens");
  body["max_output_tokens"] = limit;
}

function encodeReasoning(request: Request, body: JsonObject, context: Context): void {
  const { summary } = request.reasoning ?? {};
  const reasons = context.isOwn || context.facts.reasoning !== "none";
  const wish: JsonObject = {
    ...objectOf(ownFields(request.extra)["reasoning"]),
    ...encodeEffort(request, context),
    ...(summary === undefined || summary === "none" || !reasons ? {} : { summary }),
  };
  if (Object.keys(wish).length > 0) body["reasoning"] = wish;
}

function encodeEffort({ reasoning = {} }: Request, { facts, isOwn, dropped }: Context): JsonObject {
  const wanted = readEffort(reasoning);
  if (wanted === undefined) return {};
  if (isOwn && facts.efforts === undefined) return { effort: wanted };
  // "Do not think" is all that a model can do that does not reason, and those that know nothing of it refuse the word.
  if (wanted === "none" && (facts.reasoning === "none" || facts.efforts === undefined)) return {};
  const effort = facts.reasoning === "none" && !isOwn ? null : nearestEffort(wanted, facts.efforts);
  if (effort === null) dropped.add("reasoning_effort");
  return effort === null ? {} : { effort };
}

/** `{ text }`, where there is something to say. */
function encodeText(request: Request): JsonObject {
  const kept = objectOf(ownFields(request.extra)["text"]);
  const text: JsonObject = { ...kept };
  const { responseFormat: format, verbosity } = request;
  const isOwn = request.extra[ID] !== undefined;
  if (format !== undefined) text["format"] = { ...objectOf(kept["format"]), ...encodeFormat(format, isOwn) };
  if (verbosity !== undefined) text["verbosity"] = verbosity;
  return Object.keys(text).length === 0 ? {} : { text };
}

function encodeFormat(format: NonNullable<Request["responseFormat"]>, isOwn: boolean): JsonObject {
  switch (format.type) {
    case "text":
      return { type: "text" };
    case "json":
      return { type: "json_object" };
    case "json-schema": {
      const { name, description, schema, strict } = format;
      // Formats that do not say it hold every answer to its schema.
      const isHeld = strict ?? (!isOwn && isStrict(schema) ? true : null);
      return {
        type: "json_schema",
        name: name ?? "response",
        schema,
        ...(description === null ? {} : { description }),
        ...(isHeld === null ? {} : { strict: isHeld }),
      };
    }
    default:
      return format satisfies never;
  }
}

function encodeOrigin(request: Request): JsonObject {
  const { user, safetyIdentifier, promptCacheKey, serviceTier, metadata, extra } = request;
  // An id of another format's client may be long, or JSON: servers refuse that, and any id that stays the same will do.
  const fit = (id: string): string => (extra[ID] === undefined ? fitName(id, USER_LIMIT) : id);
  return {
    ...(user === undefined ? {} : { user: fit(user) }),
    ...(safetyIdentifier === undefined ? {} : { safety_identifier: fit(safetyIdentifier) }),
    ...(promptCacheKey === undefined ? {} : { prompt_cache_key: promptCacheKey }),
    ...(serviceTier === undefined ? {} : { service_tier: serviceTier }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

/** Names what the format has no word for, and what other formats' clients asked for beyond the canonical request. */
function reportUnsaid(request: Request, dropped: Set<string>): void {
  const unsaid = request.modalities?.find((modality) => modality !== "text");
  if (unsaid !== undefined) throw invalidRequest(`This model answers in text alone, not in ${unsaid}.`, "modalities");
  if (request.stop !== undefined && request.stop.length > 0) dropped.add("stop");
  if (request.topK !== undefined) dropped.add("top_k");
  if (request.seed !== undefined) dropped.add("seed");
  if ((request.frequencyPenalty ?? 0) !== 0) dropped.add("frequency_penalty");
  if ((request.presencePenalty ?? 0) !== 0) dropped.add("presence_penalty");
  const lost: string[] = [];
  reportRequest(withoutOwn(request.extra), [], lost);
  for (const field of lost) dropped.add(field);
}
