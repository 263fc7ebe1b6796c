// Token counts as the Messages API reports them ↔ canonical usage, whose parts never overlap: Anthropic keeps them apart itself.
// Knows no answer. Source: https://platform.claude.com/docs/en/api/messages and …/build-with-claude/prompt-caching

import { type Json, type JsonObject, NO_USAGE, type Usage } from "../../ir/index.ts";
import { withTier } from "../tier.ts";
import type { UsageBody } from "./body.ts";
import { garblesCounts, objectOf, objectsOf, omit, saysCounts } from "../json-read.ts";
import { listCounts, withUnits } from "../units.ts";

/** Whether a usage report can be read. */
export function countsTokens(usage: JsonObject): boolean {
  return saysCounts(usage["input_tokens"], usage["output_tokens"]);
}

/** Whether a usage report has something else where a count belongs. */
export function garblesTokens(usage: JsonObject): boolean {
  return garblesCounts(usage["input_tokens"], usage["output_tokens"]);
}

/** Usage counts, and the rest of the object (cache lifetimes, server tools, tier). */
export function decodeUsage(body: JsonObject): { usage: Usage; rest: JsonObject } {
  const details = objectOf(body["output_tokens_details"]);
  const thinking = details["thinking_tokens"];
  const beside = sumCompactions(body["iterations"]);
  const long = readLong(body) + beside.long;
  const usage: Usage = {
    freshInputTokens: readCount(body["input_tokens"]) + beside.fresh,
    cacheReadTokens: readCount(body["cache_read_input_tokens"]) + beside.read,
    cacheWriteTokens: readCount(body["cache_creation_input_tokens"]) + beside.written,
    ...(long === 0 ? {} : { longCacheWriteTokens: long }),
    outputTokens: readCount(body["output_tokens"]) + beside.output,
    reasoningTokens: typeof thinking === "number" ? readCount(thinking) : null,
    ...withUnits({
      ...listCounts(body["server_tool_use"]),
      ...countAdvice(body["iterations"]),
      ...(body["inference_geo"] === "us" ? { us_inference: 1 } : {}),
    }),
  };
  const rest = omit(body, [
    "input_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "output_tokens",
    "output_tokens_details",
  ]);
  // The fast mode has prices of its own: …/build-with-claude/fast-mode
  const tier = body["speed"] === "fast" ? "fast" : body["service_tier"];
  return { usage: withTier(usage, tier, TIERS), rest };
}

/** Of a message, or of the event of a stream that tells its last figures. */
export function countMessage({ type, usage }: JsonObject): Usage | null {
  const report = type === "message" || type === "message_delta" ? objectOf(usage) : {};
  return countsTokens(report) ? decodeUsage(report).usage : null;
}

/** Where a compaction is made on the way, its tokens are billed and stand in its own entry alone: …/build-with-claude/compaction */
function sumCompactions(iterations: Json | undefined) {
  const sum = { fresh: 0, read: 0, written: 0, long: 0, output: 0 };
  for (const each of objectsOf(iterations)) {
    if (each["type"] !== "compaction") continue;
    sum.fresh += readCount(each["input_tokens"]);
    sum.read += readCount(each["cache_read_input_tokens"]);
    sum.written += readCount(each["cache_creation_input_tokens"]);
    sum.long += readLong(each);
    sum.output += readCount(each["output_tokens"]);
  }
  return sum;
}

/** What another model was asked on the way has that model's price, and is counted apart: …/agents-and-tools/tool-use/advisor-tool */
function countAdvice(iterations: Json | undefined): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const each of objectsOf(iterations)) {
    if (each["type"] !== "advisor_message") continue;
    for (const name of ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens"]) {
      counts[`advisor_${name}`] = (counts[`advisor_${name}`] ?? 0) + readCount(each[name]);
    }
  }
  return counts;
}

function readLong(report: JsonObject): number {
  const long = readCount(objectOf(report["cache_creation"])["ephemeral_1h_input_tokens"]);
  return Math.min(long, readCount(report["cache_creation_input_tokens"]));
}

/** Anthropic's word for the usual tier; the others are everyone's. */
const TIERS: ReadonlyMap<string, string> = new Map([["standard", "default"]]);
const OWN_TIERS: ReadonlyMap<string, string> = new Map([
  ["batch", "batch"],
  ["default", "standard"],
  ["priority", "priority"],
]);

function readCount(value: Json | undefined): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.floor(value) : 0;
}

/** Usage as this format prints it; zeros where none is known, since clients read the fields without asking. */
export function encodeUsage(usage: Usage | null, rest: JsonObject): JsonObject {
  const known = usage ?? NO_USAGE;
  const beside = sumCompactions(rest["iterations"]);
  const body: UsageBody = {
    input_tokens: known.freshInputTokens - beside.fresh,
    cache_creation_input_tokens: known.cacheWriteTokens - beside.written,
    cache_read_input_tokens: known.cacheReadTokens - beside.read,
    output_tokens: known.outputTokens - beside.output,
  };
  const long = known.longCacheWriteTokens ?? 0;
  if (long > 0) {
    body.cache_creation = {
      ephemeral_5m_input_tokens: known.cacheWriteTokens - long,
      ephemeral_1h_input_tokens: long,
    };
  }
  if (known.reasoningTokens !== null) body.output_tokens_details = { thinking_tokens: known.reasoningTokens };
  const tier = OWN_TIERS.get(known.serviceTier ?? "");
  return { ...body, ...(tier === undefined ? {} : { service_tier: tier }), ...rest };
}
