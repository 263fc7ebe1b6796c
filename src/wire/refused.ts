// What a model or its server refuses, taken out of a canonical request before it is encoded. Knows no format and no model.

import { type Dropped, type Request, invalidRequest } from "../ir/index.ts";
import type { RefusableField } from "./type.ts";

type OptionalField = {
  [Name in keyof Request]-?: undefined extends Request[Name] ? Name : never;
}[keyof Request];

/** The fields of the request behind each word, and the name under which their loss is reported; null for what no client asks for itself. */
const FIELDS: Record<RefusableField, { names: readonly OptionalField[]; reported: Dropped | null }> = {
  frequencyPenalty: { names: ["frequencyPenalty"], reported: "frequency_penalty" },
  logprobs: { names: ["logprobs", "topLogprobs"], reported: "logprobs" },
  metadata: { names: ["metadata"], reported: "metadata" },
  parallelToolCalls: { names: ["parallelToolCalls"], reported: "parallel_tool_calls" },
  presencePenalty: { names: ["presencePenalty"], reported: "presence_penalty" },
  promptCacheKey: { names: ["promptCacheKey"], reported: "prompt_cache_key" },
  reasoning: { names: ["reasoning"], reported: "reasoning_effort" },
  responseSchema: { names: [], reported: null },
  safetyIdentifier: { names: ["safetyIdentifier"], reported: "safety_identifier" },
  seed: { names: ["seed"], reported: "seed" },
  serviceTier: { names: ["serviceTier"], reported: "service_tier" },
  stop: { names: ["stop"], reported: "stop" },
  streamOptions: { names: [], reported: null },
  strictTools: { names: [], reported: "tools.strict" },
  temperature: { names: ["temperature"], reported: "temperature" },
  topK: { names: ["topK"], reported: "top_k" },
  topP: { names: ["topP"], reported: "top_p" },
  user: { names: ["user"], reported: "user" },
  verbosity: { names: ["verbosity"], reported: "verbosity" },
};

/**
 * The request without what is refused; what the client really asked for of it is named in `dropped`. Throws an invalid_request where the
 * answer would be of another form than the client counts on.
 */
export function omitRefused(
  request: Request,
  refuses: readonly RefusableField[] | undefined,
): { request: Request; dropped: Dropped[] } {
  const rest: Request = { ...request };
  const dropped: Dropped[] = [];
  for (const field of refuses ?? []) {
    if (field === "responseSchema" && request.responseFormat?.type === "json-schema") {
      throw invalidRequest(
        "This model cannot be held to a JSON schema. Ask for plain JSON, or choose another model.",
        "response_format",
      );
    }
    const { names, reported } = FIELDS[field];
    if (reported !== null && asksFor(request, field)) dropped.push(reported);
    for (const name of names) delete rest[name];
    if (field === "strictTools") rest.tools = request.tools.map((tool) => ({ ...tool, strict: null }));
  }
  return { request: rest, dropped };
}

/** False for values that ask for what happens anyway. */
function asksFor(request: Request, field: RefusableField): boolean {
  if (field === "strictTools") return request.tools.some((tool) => tool.strict === true);
  if (field === "streamOptions" || field === "responseSchema") return false;
  if (field === "reasoning") return request.reasoning !== undefined && request.reasoning.effort !== "none";
  if (field === "parallelToolCalls") return request.parallelToolCalls === false;
  const value = request[field];
  if (value === undefined || value === false) return false;
  if (field === "frequencyPenalty" || field === "presencePenalty") return value !== 0;
  return typeof value !== "object" || Object.keys(value).length > 0;
}
