// Token counts as generateContent reports them ↔ canonical usage, whose parts never overlap. Knows no answer.
// Source: https://ai.google.dev/api/generate-content#UsageMetadata

import { type Json, type JsonObject, type Units, type Usage, isJsonObject, sumInputTokens } from "../../ir/index.ts";
import { type UsageBody, countOf, unifyNames } from "./body.ts";
import { garblesCounts, objectOf, objectsOf, omit, saysCounts, textOf } from "../json-read.ts";
import { withTier } from "../tier.ts";
import { withUnits } from "../units.ts";

const COUNTS = [
  "promptTokenCount",
  "candidatesTokenCount",
  "totalTokenCount",
  "cachedContentTokenCount",
  "thoughtsTokenCount",
] as const;

const DETAILS = ["promptTokensDetails", "cacheTokensDetails", "candidatesTokensDetails"] as const;

const USAGE_NAMES = [...COUNTS, ...DETAILS, "serviceTier", "toolUsePromptTokenCount", "trafficType"];

/** What was searched for to ground an answer, which is sold by the query: https://ai.google.dev/gemini-api/docs/pricing */
export function listQueries(candidates: readonly JsonObject[]): string[] {
  return candidates.flatMap((candidate) => {
    const { webSearchQueries } = unifyNames(objectOf(candidate["groundingMetadata"]), ["webSearchQueries"]);
    return Array.isArray(webSearchQueries) ? webSearchQueries.filter((query) => typeof query === "string") : [];
  });
}

/** Whether a usage report has something else where a count belongs. */
export function garblesTokens(value: JsonObject): boolean {
  const report = unifyNames(value, USAGE_NAMES);
  return garblesCounts(report["promptTokenCount"], report["candidatesTokenCount"]);
}

/** The counts, and what else the report says; `usage` is null where it says neither number, or one that is none. */
export function decodeUsage(value: Json | undefined, queries = 0): { usage: Usage | null; rest: JsonObject } {
  if (!isJsonObject(value)) return { usage: null, rest: {} };
  const report = unifyNames(value, USAGE_NAMES);
  const rest = omit(report, COUNTS);
  if (!saysCounts(report["promptTokenCount"], report["candidatesTokenCount"])) return { usage: null, rest };
  // What its own tools brought in is read as well, and not counted among the prompt.
  const prompt = countOf(report["promptTokenCount"]) + countOf(report["toolUsePromptTokenCount"]);
  const cached = Math.min(prompt, countOf(report["cachedContentTokenCount"]));
  const candidates = countOf(report["candidatesTokenCount"]);
  const hasThoughts = report["thoughtsTokenCount"] !== undefined;
  const thoughts = countOf(report["thoughtsTokenCount"]);
  // Thoughts are counted beside the answer; where a server counts them in it, the total tells.
  const isInside = thoughts > 0 && thoughts <= candidates && prompt + candidates === report["totalTokenCount"];
  const usage: Usage = {
    freshInputTokens: prompt - cached,
    cacheReadTokens: cached,
    cacheWriteTokens: 0,
    outputTokens: isInside ? candidates : candidates + thoughts,
    reasoningTokens: hasThoughts ? thoughts : null,
    ...withUnits({
      ...countModalities(report["promptTokensDetails"], (kind) => `input_${kind}_tokens`),
      ...countModalities(report["cacheTokensDetails"], (kind) => `cache_${kind}_read_tokens`),
      ...countModalities(report["candidatesTokensDetails"], (kind) => `output_${kind}_tokens`),
      tool_prompt_tokens: report["toolUsePromptTokenCount"],
      web_search_queries: queries,
    }),
  };
  return { usage: withTier(usage, textOf(report["serviceTier"] ?? report["trafficType"]).toLowerCase(), TIERS), rest };
}

/** The same of a prompt by itself, to which nothing was answered. */
export function countPrompt(details: Json | undefined): { units?: Units } {
  return withUnits(countModalities(details, (kind) => `input_${kind}_tokens`));
}

/** What is not text may have a price of its own. */
function countModalities(details: Json | undefined, name: (kind: string) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { modality, tokenCount } of objectsOf(details)) {
    const kind = MODALITIES.get(textOf(modality));
    if (kind !== undefined) counts[name(kind)] = (counts[name(kind)] ?? 0) + countOf(tokenCount);
  }
  return counts;
}

const MODALITIES: ReadonlyMap<string, string> = new Map([
  ["AUDIO", "audio"],
  ["DOCUMENT", "document"],
  ["IMAGE", "image"],
  ["VIDEO", "video"],
]);

/** Google's words for tiers, the Gemini API's and Vertex's; what is said in no other way is everyone's word. */
const TIERS: ReadonlyMap<string, string> = new Map([
  ["on_demand", "default"],
  ["on_demand_flex", "flex"],
  ["on_demand_priority", "priority"],
  ["standard", "default"],
]);

/** The report, with what else this format's own server said in it. */
export function encodeUsage(usage: Usage | null, rest: JsonObject): JsonObject | null {
  if (usage === null) return Object.keys(rest).length === 0 ? null : rest;
  const input = sumInputTokens(usage);
  const thoughts = usage.reasoningTokens;
  const body: UsageBody = {
    promptTokenCount: input - Math.min(input, countOf(rest["toolUsePromptTokenCount"])),
    candidatesTokenCount: usage.outputTokens - (thoughts ?? 0),
    totalTokenCount: input + usage.outputTokens,
  };
  if (usage.cacheReadTokens > 0) body.cachedContentTokenCount = usage.cacheReadTokens;
  if (thoughts !== null) body.thoughtsTokenCount = thoughts;
  const sound = usage.units?.["input_audio_tokens"] ?? 0;
  if (sound > 0) body.promptTokensDetails = tellSound(sound, body.promptTokenCount);
  const spoken = usage.units?.["output_audio_tokens"] ?? 0;
  if (spoken > 0) body.candidatesTokensDetails = tellSound(spoken, body.candidatesTokenCount);
  return { ...body, ...rest };
}

function tellSound(sound: number, all: number): { modality: string; tokenCount: number }[] {
  const text = all - sound;
  return [...(text > 0 ? [{ modality: "TEXT", tokenCount: text }] : []), { modality: "AUDIO", tokenCount: sound }];
}
