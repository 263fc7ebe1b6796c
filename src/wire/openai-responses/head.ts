// What a response says beside its output: who answers, and the request's own settings, which OpenAI repeats in every answer. Knows no output.

import type { JsonObject, Request, Response } from "../../ir/index.ts";
import type { ClientContext } from "../type.ts";
import { ID, ownFields } from "./body.ts";
import { makeItemId } from "./item-id.ts";
import { encodeEcho } from "./request-encode.ts";
import { objectOf, omit } from "../json-read.ts";

/** What OpenAI answers where the client did not ask otherwise. */
const DEFAULTS: JsonObject = {
  access_programs: null,
  background: false,
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  parallel_tool_calls: true,
  previous_response_id: null,
  prompt_cache_key: null,
  prompt_cache_retention: null,
  reasoning: { effort: null, summary: null },
  safety_identifier: null,
  service_tier: null,
  store: true,
  temperature: 1,
  text: { format: { type: "text" }, verbosity: "medium" },
  tool_choice: "auto",
  tools: [],
  top_logprobs: 0,
  top_p: 1,
  truncation: "disabled",
  user: null,
  metadata: {},
};

/** Settings that an answer repeats of those that only this format knows. */
const REPEATED = [
  "background",
  "max_tool_calls",
  "previous_response_id",
  "prompt_cache_retention",
  "store",
  "truncation",
];

/** All fields of a response but its output, usage and end. An answer of this format's own server repeats its settings itself. */
export function makeHead(
  { id, model, createdAt, extra }: Pick<Response, "id" | "model" | "createdAt" | "extra">,
  client: ClientContext,
): JsonObject {
  const settings = extra[ID] === undefined ? repeatSettings(client.request) : omit(ownFields(extra), ["usage"]);
  return {
    id: id === "" ? makeItemId("response", client.callId, 0) : id,
    object: "response",
    created_at: createdAt ?? client.nowSeconds,
    status: "completed",
    error: null,
    incomplete_details: null,
    model: model === "" ? client.request.model : model,
    ...settings,
  };
}

function repeatSettings(request: Request): JsonObject {
  const asked = ownFields(request.extra);
  const repeated = REPEATED.map((name) => [name, asked[name] ?? null] as const).filter(([, value]) => value !== null);
  const echo = encodeEcho(request);
  const { effort = null, summary = null } = request.reasoning ?? {};
  return {
    ...DEFAULTS,
    ...Object.fromEntries(repeated),
    ...echo,
    text: { ...objectOf(DEFAULTS["text"]), ...objectOf(echo["text"]) },
    reasoning: { ...objectOf(asked["reasoning"]), effort, summary },
  };
}
