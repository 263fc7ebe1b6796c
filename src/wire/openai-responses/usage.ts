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
import { objectOf, omit } from "../json-read.ts";
import { listCounts, withUnits } from "../units.ts";

/** The counts, and what else the report says; null where the value is no report. */
export function decodeUsage(value: Json | undefined): { usage: Usage; rest: JsonObject } | null {
  if (!isJsonObject(value)) return null;
  // A report that says neither number is none: nobody knows is not 0.
  if (typeof value["input_tokens"] !== "number" && typeof value["output_tokens"] !== "number") return null;
  const input = objectOf(value["input_tokens_details"]);
  const output = objectOf(value["output_tokens_details"]);
  const total = count(value["input_tokens"]);
  const cached = Math.min(total, count(input["cached_tokens"]));
  const written = Math.min(total - cached, count(input["cache_write_tokens"]));
  const outputTokens = count(value["output_tokens"]);
  const reasoning = output["reasoning_tokens"];
  const rest = omit(value, [
    "input_tokens",
    "input_tokens_details",
    "output_tokens",
    "output_tokens_details",
    "total_tokens",
  ]);
  const inputRest = omit(input, ["cached_tokens", "cache_write_tokens"]);
  const outputRest = omit(output, ["reasoning_tokens"]);
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
        ...listCounts(value["server_side_tool_usage_details"]),
        input_audio_tokens: input["audio_tokens"],
        input_image_tokens: input["image_tokens"],
        output_audio_tokens: output["audio_tokens"],
        output_image_tokens: output["image_tokens"],
        search_sources: value["num_sources_used"],
      }),
    },
    rest,
  };
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
