// A canonical request as a body for Converse and ConverseStream. The conversation is in conversation.ts, tools in tool.ts, what the model is
// told in its own words in fields.ts. Knows no client and no provider beyond the facts about the model.

import { type Json, type JsonObject, type Request, invalidRequest } from "../../ir/index.ts";
import { reportRequest } from "../foreign.ts";
import { omitRefused } from "../refused.ts";
import type { Encoded, ModelFacts } from "../type.ts";
import { limitPoints } from "./cache.ts";
import { encodeConversation } from "./conversation.ts";
import { planFields } from "./fields.ts";
import { askForSchema } from "./schema.ts";
import { planTools } from "./tool.ts";
import { objectOf } from "../json-read.ts";

/** Converse's own fields, which a client of any format may add to its request as they are. */
const OWN_FIELDS = [
  "additionalModelResponseFieldPaths",
  "guardrailConfig",
  "performanceConfig",
  "promptVariables",
  "requestMetadata",
];

/** With the client's fields that cannot be said. Throws an invalid_request where leaving one out would change the meaning. */
export function encodeRequest(asked: Request, facts: ModelFacts): Encoded {
  if ((asked.choices ?? 1) !== 1) throw invalidRequest("This model gives one answer a request: 'n' must be 1.", "n");
  const { request: wanted, dropped } = omitRefused(asked, facts.refuses);
  const own = collectOwn(wanted);
  const { request, outputConfig } = askForSchema(wanted, facts, dropped);
  const { system, turns } = encodeConversation(request, facts, dropped);
  const { config, choice } = planTools(request, facts, dropped);
  const { fields, inference } = planFields(request, facts, dropped);
  const body: JsonObject = { messages: turns };
  if (system.length > 0) body["system"] = system;
  if (Object.keys(inference).length > 0) body["inferenceConfig"] = inference;
  if (config !== null) body["toolConfig"] = config;
  if (outputConfig !== null) body["outputConfig"] = outputConfig;
  if (choice !== null) fields["tool_choice"] = choice;
  const additional = { ...fields, ...own.additional };
  if (Object.keys(additional).length > 0) body["additionalModelRequestFields"] = additional;
  // The only way to learn which of the stop sequences ended the answer.
  if (facts.family === "claude") body["additionalModelResponseFieldPaths"] = ["/delta/stop_sequence", "/stop_sequence"];
  encodeOrigin(request, body, dropped);
  Object.assign(body, own.fields);
  limitPoints([config?.tools ?? [], system, ...turns.map(({ content }) => content)], dropped);
  reportRequest(request.extra, ["additionalModelRequestFields", ...OWN_FIELDS], dropped);
  return { body, dropped: [...new Set(dropped)] };
}

function collectOwn({ extra }: Request): { fields: JsonObject; additional: JsonObject } {
  const given: JsonObject = Object.assign({}, ...Object.values(extra));
  const fields = Object.fromEntries(
    OWN_FIELDS.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])),
  );
  return { fields, additional: objectOf(given["additionalModelRequestFields"]) };
}

/** What may stand in `requestMetadata`, which is a filter for the invocation logs. */
const METADATA = /^[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}$/u;
const MAX_METADATA = 16;
const TIERS = new Set(["flex", "priority", "reserved"]);
/** Tiers that ask for what happens anyway. */
const USUAL_TIERS = new Set(["auto", "default"]);

function encodeOrigin(request: Request, body: JsonObject, dropped: string[]): void {
  const pairs: [string, Json][] = [];
  for (const [name, value] of Object.entries(request.metadata ?? {})) {
    const isFit = typeof value === "string" && METADATA.test(name) && METADATA.test(value);
    if (isFit && pairs.length < MAX_METADATA) pairs.push([name, value]);
    else dropped.push(`metadata.${name}`);
  }
  for (const [name, value] of [
    ["user", request.user],
    ["safety_identifier", request.safetyIdentifier],
  ] as const) {
    if (value === undefined) continue;
    if (METADATA.test(value) && pairs.length < MAX_METADATA) pairs.push([name, value]);
    else dropped.push(name);
  }
  if (pairs.length > 0) body["requestMetadata"] = Object.fromEntries(pairs);
  const { serviceTier, promptCacheKey, verbosity, modalities } = request;
  if (serviceTier !== undefined && TIERS.has(serviceTier)) body["serviceTier"] = { type: serviceTier };
  else if (serviceTier !== undefined && !USUAL_TIERS.has(serviceTier)) dropped.push("service_tier");
  if (promptCacheKey !== undefined) dropped.push("prompt_cache_key");
  if (verbosity !== undefined) dropped.push("verbosity");
  const unsaid = modalities?.find((modality) => modality !== "text");
  if (unsaid !== undefined) throw invalidRequest(`This model answers in text alone, not in ${unsaid}.`, "modalities");
}
