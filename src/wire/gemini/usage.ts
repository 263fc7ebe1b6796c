// Token counts as generateContent reports them ↔ canonical usage, whose parts never overlap. Knows no answer.
// Source: https://ai.google.dev/api/generate-content#UsageMetadata

import { type Json, type JsonObject, type Usage, isJsonObject, sumInputTokens } from "../../ir/index.ts";
import { type UsageBody, countOf, unifyNames } from "./body.ts";
import { omit } from "../json-read.ts";

const COUNTS = [
  "promptTokenCount",
  "candidatesTokenCount",
  "totalTokenCount",
  "cachedContentTokenCount",
  "thoughtsTokenCount",
] as const;

const USAGE_NAMES = [...COUNTS, "toolUsePromptTokenCount"];

/** The counts, and what else the report says; `usage` is null where it says neither number, as nobody knows is not 0. */
export function decodeUsage(value: Json | undefined): { usage: Usage | null; rest: JsonObject } {
  if (!isJsonObject(value)) return { usage: null, rest: {} };
  const report = unifyNames(value, USAGE_NAMES);
  const rest = omit(report, COUNTS);
  if (report["promptTokenCount"] === undefined && report["candidatesTokenCount"] === undefined) {
    return { usage: null, rest };
  }
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
  };
  return { usage, rest };
}

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
  return { ...body, ...rest };
}
