// Token counts as this format reports them ↔ canonical usage, whose parts never overlap. Knows no answer.

import { type Json, type JsonObject, type Usage, isJsonObject, sumInputTokens } from "../../ir/index.ts";
import { type UsageBody } from "./body.ts";
import { objectOf, omit } from "../json-read.ts";

/** The counts, and what else the report says; null where the value is no report. */
export function decodeUsage(value: Json | undefined): { usage: Usage; rest: JsonObject } | null {
  if (!isJsonObject(value)) return null;
  // A report that says neither number is none: nobody knows is not 0.
  if (typeof value["prompt_tokens"] !== "number" && typeof value["completion_tokens"] !== "number") return null;
  const prompt = count(value["prompt_tokens"]);
  const completion = count(value["completion_tokens"]);
  const input = objectOf(value["prompt_tokens_details"]);
  const output = objectOf(value["completion_tokens_details"]);
  const reasoning = typeof output["reasoning_tokens"] === "number" ? count(output["reasoning_tokens"]) : null;
  // Servers from before the details name the hits beside the total.
  const cached = Math.min(prompt, count(input["cached_tokens"] ?? value["prompt_cache_hit_tokens"]));
  const written = Math.min(prompt - cached, count(input["cache_write_tokens"]));
  // Some count reasoning outside of the completion, or do not tell of it at all; then only the total tells what was produced.
  const beyond = count(value["total_tokens"]) - prompt - completion;
  const isOutside = beyond > 0 && (reasoning === null || reasoning === beyond);
  const rest = omit(value, [
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "prompt_tokens_details",
    "completion_tokens_details",
  ]);
  // Servers that count writes report 0 too, and get it back.
  const inputRest = omit(input, written > 0 ? ["cached_tokens", "cache_write_tokens"] : ["cached_tokens"]);
  const outputRest = omit(output, ["reasoning_tokens"]);
  if (Object.keys(inputRest).length > 0) rest["prompt_tokens_details"] = inputRest;
  if (Object.keys(outputRest).length > 0) rest["completion_tokens_details"] = outputRest;
  return {
    usage: {
      freshInputTokens: prompt - cached - written,
      cacheReadTokens: cached,
      cacheWriteTokens: written,
      outputTokens: isOutside ? completion + beyond : completion,
      reasoningTokens: reasoning,
    },
    rest,
  };
}

/** The report, with what else this format's own server said in it. Reasoning nobody counted stays out rather than 0. */
export function encodeUsage(usage: Usage, rest: JsonObject): JsonObject {
  const prompt = sumInputTokens(usage);
  const body: UsageBody = {
    prompt_tokens: prompt,
    completion_tokens: usage.outputTokens,
    total_tokens: prompt + usage.outputTokens,
    prompt_tokens_details: { ...objectOf(rest["prompt_tokens_details"]), cached_tokens: usage.cacheReadTokens },
  };
  if (usage.cacheWriteTokens > 0) body.prompt_tokens_details.cache_write_tokens = usage.cacheWriteTokens;
  const details = objectOf(rest["completion_tokens_details"]);
  if (usage.reasoningTokens !== null) {
    body.completion_tokens_details = { ...details, reasoning_tokens: usage.reasoningTokens };
  }
  return { ...rest, ...body };
}

function count(value: Json | undefined): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;
}
