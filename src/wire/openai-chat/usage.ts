// Token counts as this format reports them ↔ canonical usage, whose parts never overlap. Knows no answer.

import { type Json, type JsonObject, type Units, type Usage, isJsonObject, sumInputTokens } from "../../ir/index.ts";
import { type UsageBody } from "./body.ts";
import { garblesCounts, objectOf, omit, saysCounts } from "../json-read.ts";
import { listCounts, withUnits } from "../units.ts";

/** Whether a usage report has something else where a count belongs. */
export function garblesTokens(report: JsonObject): boolean {
  return garblesCounts(report["prompt_tokens"], report["completion_tokens"]);
}

/** The counts, and what else the report says; null where the value is no report. */
export function decodeUsage(value: Json | undefined): { usage: Usage; rest: JsonObject } | null {
  if (!isJsonObject(value)) return null;
  if (!saysCounts(value["prompt_tokens"], value["completion_tokens"])) return null;
  const prompt = count(value["prompt_tokens"]);
  const completion = count(value["completion_tokens"]);
  const input = objectOf(value["prompt_tokens_details"]);
  const output = objectOf(value["completion_tokens_details"]);
  // SGLang names it beside the details.
  const thought = output["reasoning_tokens"] ?? value["reasoning_tokens"];
  const reasoning = typeof thought === "number" ? count(thought) : null;
  const cached = Math.min(prompt, count(findCached(value, input)));
  const written = Math.min(prompt - cached, count(findWritten(value, input)));
  // Some count reasoning outside of the completion, or do not tell of it at all; then only the total tells what was produced.
  const beyond = count(value["total_tokens"]) - prompt - completion;
  // Where sound was heard, which is billed by the second, the rest of the total is that.
  const isSound = count(value["prompt_audio_seconds"]) > 0;
  const isOutside = !isSound && beyond > 0 && (reasoning === null || reasoning === beyond);
  const outside = isOutside ? beyond : countBeside(value);
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
      outputTokens: completion + outside,
      reasoningTokens: reasoning,
      ...readKinds(value, input, output),
    },
    rest,
  };
}

/** Who counts searches and what was cited tells of reasoning beside the completion, and leaves it out of the total: https://docs.perplexity.ai/api-reference/sonar-post */
function countBeside(report: JsonObject): number {
  const isSearch = report["citation_tokens"] !== undefined || report["num_search_queries"] !== undefined;
  return isSearch ? count(report["reasoning_tokens"]) : 0;
}

/** Part of the prompt everywhere; servers from before the details (DeepSeek), and Moonshot and Together, name them beside the total. */
function findCached(report: JsonObject, details: JsonObject): Json | undefined {
  return details["cached_tokens"] ?? report["prompt_cache_hit_tokens"] ?? report["cached_tokens"];
}

/** Part of the prompt as well. OpenAI and OpenRouter have one name for them; Qwen, Vercel and LiteLLM each their own. */
function findWritten(report: JsonObject, details: JsonObject): Json | undefined {
  return (
    details["cache_write_tokens"] ??
    details["cache_creation_input_tokens"] ??
    details["cache_creation_tokens"] ??
    report["cache_creation_input_tokens"]
  );
}

/** https://platform.openai.com/docs/api-reference/chat/object; others' words stand beside OpenAI's. */
function readKinds(report: JsonObject, input: JsonObject, output: JsonObject): { units?: Units } {
  return withUnits({
    ...listCounts(report["server_tool_use"]),
    audio_seconds: report["prompt_audio_seconds"],
    citation_tokens: report["citation_tokens"],
    input_audio_tokens: input["audio_tokens"],
    input_image_tokens: input["image_tokens"],
    input_video_tokens: input["video_tokens"],
    output_audio_tokens: output["audio_tokens"],
    output_image_tokens: output["image_tokens"],
    search_queries: report["num_search_queries"],
    search_sources: report["num_sources_used"],
  });
}

/** The report, with what else this format's own server said in it. Reasoning nobody counted stays out rather than 0. */
export function encodeUsage(usage: Usage, rest: JsonObject): JsonObject {
  const prompt = sumInputTokens(usage);
  const body: UsageBody = {
    prompt_tokens: prompt,
    completion_tokens: usage.outputTokens,
    total_tokens: prompt + usage.outputTokens,
    prompt_tokens_details: {
      ...tellAudio(usage.units?.["input_audio_tokens"]),
      ...objectOf(rest["prompt_tokens_details"]),
      cached_tokens: usage.cacheReadTokens,
    },
  };
  if (usage.cacheWriteTokens > 0) body.prompt_tokens_details.cache_write_tokens = usage.cacheWriteTokens;
  const details = {
    ...tellAudio(usage.units?.["output_audio_tokens"]),
    ...objectOf(rest["completion_tokens_details"]),
  };
  if (usage.reasoningTokens !== null) {
    body.completion_tokens_details = { ...details, reasoning_tokens: usage.reasoningTokens };
  } else if (Object.keys(details).length > 0) body.completion_tokens_details = details;
  return { ...rest, ...body };
}

function tellAudio(tokens: number | undefined): { audio_tokens?: number } {
  return tokens === undefined ? {} : { audio_tokens: tokens };
}

function count(value: Json | undefined): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;
}
