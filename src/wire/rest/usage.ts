// Reads what an answer of any family reports of its cost, by names that many share. Unknown stays null, never 0. Knows no family and no format.
// Tokens: https://platform.openai.com/docs/api-reference/images/object — seconds: …/audio/json-object — search units: https://docs.cohere.com/reference/rerank

import { type Json, type JsonObject, type Usage, isJsonObject } from "../../ir/index.ts";
import { withTier } from "../tier.ts";
import type { Metered } from "./type.ts";
import { garblesCounts } from "../json-read.ts";
import { listCounts } from "../units.ts";

/** From a whole answer, or from what one event of a stream wraps. */
export function meterAny(inner: JsonObject): Metered {
  const said = pickObject(inner, ["usage", "usageMetadata"]);
  const report = garblesTokens(said) ? {} : said;
  const units = readKinds(report);
  addBilled(inner, units);
  const model = inner["model"] ?? inner["modelVersion"];
  const tier = inner["service_tier"] ?? said["service_tier"] ?? said["serviceTier"];
  const told = Object.keys(said).length > 0 ? said : readBilled(inner);
  return {
    report: Object.keys(told).length > 0 ? told : null,
    usage: withTier(readTokens(report) ?? readBilledTokens(inner), tier, TIERS),
    units: Object.keys(units).length === 0 ? null : units,
    model: typeof model === "string" && model !== "" ? model : null,
  };
}

const TIERS: ReadonlyMap<string, string> = new Map([["standard", "default"]]);

const OUTPUT = ["output_tokens", "completion_tokens", "candidatesTokenCount"] as const;
const INPUT = ["input_tokens", "prompt_tokens", "promptTokenCount"] as const;

/** A report of which a number is none is no report, whatever else it says: what is left of it would be booked as all there was. */
function garblesTokens(report: JsonObject): boolean {
  return garblesCounts(...[...OUTPUT, ...INPUT].map((name) => report[name]));
}

/** Total alone is input: embeddings of documents to rank have no output. */
function readTokens(report: JsonObject): Usage | null {
  const thoughts = readCount(report["thoughtsTokenCount"]);
  const answered = readFirst(report, OUTPUT);
  const output = answered === null && thoughts === null ? null : (answered ?? 0) + (thoughts ?? 0);
  const input = readFirst(report, INPUT) ?? (output === null ? readCount(report["total_tokens"]) : null);
  if (input === null && output === null) return null;
  // Counted among the input in most formats, and beside it in one.
  const all = (input ?? 0) + (readCount(report["toolUsePromptTokenCount"]) ?? 0);
  const details = readInput(report);
  const among =
    readCount(details["cached_tokens"]) ??
    readFirst(report, ["cachedContentTokenCount", "prompt_cache_hit_tokens", "cached_tokens"]) ??
    0;
  const cached = Math.min(among, all);
  const written = Math.min(readCount(details["cache_write_tokens"]) ?? 0, all - cached);
  const beside = readCount(report["cache_creation_input_tokens"]) ?? 0;
  const long = Math.min(readCount(pickObject(report, ["cache_creation"])["ephemeral_1h_input_tokens"]) ?? 0, beside);
  return {
    freshInputTokens: all - cached - written,
    cacheReadTokens: cached + (readCount(report["cache_read_input_tokens"]) ?? 0),
    cacheWriteTokens: written + beside,
    ...(long === 0 ? {} : { longCacheWriteTokens: long }),
    outputTokens: output ?? 0,
    reasoningTokens: readFirst(readOutput(report), ["reasoning_tokens", "thinking_tokens"]) ?? thoughts,
  };
}

function readFirst(report: JsonObject, names: readonly string[]): number | null {
  for (const name of names) {
    const count = readCount(report[name]);
    if (count !== null) return count;
  }
  return null;
}

function readInput(report: JsonObject): JsonObject {
  return pickObject(report, ["input_tokens_details", "input_token_details", "prompt_tokens_details"]);
}

function readOutput(report: JsonObject): JsonObject {
  return pickObject(report, ["output_tokens_details", "output_token_details", "completion_tokens_details"]);
}

/** The first of these fields that holds an object. */
export function pickObject(from: JsonObject, names: readonly string[]): JsonObject {
  for (const name of names) {
    const value = from[name];
    if (isJsonObject(value)) return value;
  }
  return {};
}

/** Of which kind the tokens were, in the price list's own names; and seconds, where those are what is counted. */
function readKinds(report: JsonObject): Record<string, number> {
  const units: Record<string, number> = {};
  const input = readInput(report);
  const output = readOutput(report);
  const cached = pickObject(input, ["cached_tokens_details"]);
  const add = (name: string, value: Json | undefined): void => {
    const count = readCount(value);
    if (count !== null && count > 0) units[name] = count;
  };
  add("input_audio_tokens", input["audio_tokens"]);
  add("input_image_tokens", input["image_tokens"]);
  add("output_audio_tokens", output["audio_tokens"]);
  add("output_image_tokens", output["image_tokens"]);
  add("tool_prompt_tokens", report["toolUsePromptTokenCount"]);
  add("cache_audio_read_tokens", cached["audio_tokens"]);
  add("cache_image_read_tokens", cached["image_tokens"]);
  for (const [name, count] of Object.entries(listCounts(report["server_tool_use"]))) add(name, count);
  const seconds = report["seconds"] ?? report["prompt_audio_seconds"];
  if (typeof seconds === "number" && Number.isFinite(seconds) && seconds >= 0) units["audio_seconds"] = seconds;
  return units;
}

/** `meta.billed_units`, as rankers report: numbers under names of their own. */
function addBilled(answer: JsonObject, units: Record<string, number>): void {
  for (const [name, value] of Object.entries(readBilled(answer))) {
    if (typeof value === "number" && Number.isFinite(value) && !name.endsWith("_tokens")) units[name] = value;
  }
}

function readBilledTokens(answer: JsonObject): Usage | null {
  const billed = readBilled(answer);
  return garblesTokens(billed) ? null : readTokens(billed);
}

function readBilled(answer: JsonObject): JsonObject {
  const meta = pickObject(answer, ["meta"]);
  return pickObject(meta, ["billed_units"]);
}

function readCount(value: Json | undefined): number | null {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? Math.floor(value) : null;
}
