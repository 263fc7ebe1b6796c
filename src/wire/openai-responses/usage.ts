// Token counts as this format reports them ↔ canonical usage, whose parts never overlap. Knows no answer.

import {
  type Json,
  type JsonObject,
  NO_USAGE,
  type Response,
  type Usage,
  isJsonObject,
  sumInputTokens,
} from "../../ir/index.ts";
import { ID, type UsageBody } from "./body.ts";
import { objectOf, objectsOf, omit, saysCounts } from "../json-read.ts";
import { listCounts, withUnits } from "../units.ts";

/**
 * The counts, and what else the report says; null where the value is no report. Perplexity has Anthropic's names for what the cache did;
 * `output` is the answer, in which OpenAI's own tools leave a trace and no count.
 */
export function decodeUsage(
  value: Json | undefined,
  output: Json | undefined = [],
): { usage: Usage; rest: JsonObject } | null {
  if (!isJsonObject(value)) return null;
  if (!saysCounts(value["input_tokens"], value["output_tokens"])) return null;
  const input = objectOf(value["input_tokens_details"]);
  const produced = objectOf(value["output_tokens_details"]);
  const total = count(value["input_tokens"]);
  const cached = Math.min(total, count(input["cached_tokens"] ?? input["cache_read_input_tokens"]));
  const written = Math.min(total - cached, count(input["cache_write_tokens"] ?? input["cache_creation_input_tokens"]));
  const outputTokens = count(value["output_tokens"]);
  const reasoning = produced["reasoning_tokens"];
  const rest = omit(value, [
    "input_tokens",
    "input_tokens_details",
    "output_tokens",
    "output_tokens_details",
    "total_tokens",
  ]);
  const inputRest = omit(input, ["cached_tokens", "cache_write_tokens"]);
  const outputRest = omit(produced, ["reasoning_tokens"]);
  if (Object.keys(inputRest).length > 0) rest["input_tokens_details"] = inputRest;
  if (Object.keys(outputRest).length > 0) rest["output_tokens_details"] = outputRest;
  return {
    usage: {
      freshInputTokens: total - cached - written,
      cacheReadTokens: cached,
      cacheWriteTokens: written,
      outputTokens,
      reasoningTokens: typeof reasoning === "number" ? count(reasoning) : null,
      ...withUnits({
        ...countCalls(output),
        ...countInvocations(value["tool_calls_details"]),
        ...listCounts(value["server_side_tool_usage_details"]),
        input_audio_tokens: input["audio_tokens"],
        input_image_tokens: input["image_tokens"],
        output_audio_tokens: produced["audio_tokens"],
        output_image_tokens: produced["image_tokens"],
        search_sources: value["num_sources_used"],
      }),
    },
    rest,
  };
}

/** Of an answer by itself, without what an event of a stream wraps it in. */
export function countResponse({ object, usage, output }: JsonObject): Usage | null {
  return object === "response" ? (decodeUsage(usage, output)?.usage ?? null) : null;
}

/** Tools of the server's own, which are sold by the call: https://platform.openai.com/docs/pricing#built-in-tools */
const SERVERS = ["code_interpreter_call", "file_search_call", "image_generation_call", "web_search_call"];

function countCalls(output: Json | undefined): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type, action } of objectsOf(output)) {
    if (typeof type !== "string" || !SERVERS.includes(type)) continue;
    // To open a page that was found, and to look through it, is no search.
    if ((objectOf(action)["type"] ?? "search") !== "search") continue;
    counts[`${type}s`] = (counts[`${type}s`] ?? 0) + 1;
  }
  return counts;
}

/** https://docs.perplexity.ai/api-reference/responses-post */
function countInvocations(details: Json | undefined): JsonObject {
  const entries = Object.entries(objectOf(details));
  return Object.fromEntries(
    entries.map(([tool, told]) => [`${tool}_calls`, isJsonObject(told) ? (told["invocation"] ?? 0) : told]),
  );
}

/**
 * How a finished response was served: what the provider said, and nothing where it did not. While a response is under way the field repeats
 * what was asked for, which is another thing. One of this format's own server says it itself.
 */
export function encodeTier({ usage, extra }: Pick<Response, "usage" | "extra">): JsonObject {
  return extra[ID] === undefined ? { service_tier: usage?.serviceTier ?? null } : {};
}

/** The report, with what else this format's own server said in it. Zeros where nobody counted, since clients read the fields without asking. */
export function encodeUsage(usage: Usage | null, rest: JsonObject): JsonObject {
  const known = usage ?? NO_USAGE;
  const input = sumInputTokens(known);
  const body: UsageBody = {
    input_tokens: input,
    input_tokens_details: {
      ...objectOf(rest["input_tokens_details"]),
      cached_tokens: known.cacheReadTokens,
      cache_write_tokens: known.cacheWriteTokens,
    },
    output_tokens: known.outputTokens,
    output_tokens_details: {
      ...objectOf(rest["output_tokens_details"]),
      reasoning_tokens: known.reasoningTokens ?? 0,
    },
    total_tokens: input + known.outputTokens,
  };
  return { ...rest, ...body };
}

function count(value: Json | undefined): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;
}
