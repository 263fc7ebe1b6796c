// What a recorded answer says that it used, worked out by hand from each vendor's own pages: no decoder of ours is asked. Knows no gateway.

import { decodeMessages } from "./frame.ts";
import type { RecordedAnswer } from "./source.ts";

type Json = Record<string, unknown>;

export interface Figures {
  fresh: number;
  read: number;
  written: number;
  /** Of what was written. */
  long: number;
  output: number;
  /** Of the output; null where it is not said. */
  reasoning: number | null;
}

export interface Report {
  /** As the vendor sent it; of several pieces, each field's last. */
  raw: Json;
  figures: Figures;
}

/** Null where the answer says nothing of tokens. */
export function readReport({ name, model, bytes, contentType }: RecordedAnswer): Report | null {
  const events = contentType.includes("eventstream") ? decodeMessages(bytes) : splitEvents(bytes);
  const vendor = name.slice(0, name.indexOf("/"));
  const raw = merge(
    events.flatMap((event) => findUsage(event)),
    model.includes("claude"),
  );
  if (raw === null) return null;
  const figures = count(raw, { vendor, model });
  return figures === null ? null : { raw, figures };
}

function count(raw: Json, { vendor, model }: { vendor: string; model: string }): Figures | null {
  if (model.startsWith("cohere/")) return countCohere(raw);
  if (model.startsWith("google/")) return countGoogle(raw);
  if (model.startsWith("bedrock/us.amazon")) return countConverse(raw);
  if (model.includes("claude")) return countAnthropic(raw);
  return model === "gpt-5-codex" ? countResponses(raw) : countChat(raw, vendor);
}

/** https://platform.openai.com/docs/api-reference/chat/object: cached tokens are part of the prompt, reasoning of the completion. */
function countChat(raw: Json, vendor: string): Figures | null {
  if (raw["prompt_tokens"] === undefined) return null;
  const input = of(raw["prompt_tokens_details"]);
  const output = of(raw["completion_tokens_details"]);
  const prompt = number(raw["prompt_tokens"]);
  const completion = number(raw["completion_tokens"]);
  // https://api-docs.deepseek.com/guides/kv_cache: hits and misses are the prompt.
  const read = number(vendor === "deepseek" ? raw["prompt_cache_hit_tokens"] : input["cached_tokens"]);
  const written = number(input["cache_write_tokens"] ?? raw["cache_creation_input_tokens"]);
  const reasoning = output["reasoning_tokens"] === undefined ? null : number(output["reasoning_tokens"]);
  return {
    fresh: prompt - read - written,
    read,
    written,
    long: 0,
    output: countProduced({ raw, vendor, prompt, completion, reasoning }),
    reasoning,
  };
}

function countProduced(of: {
  raw: Json;
  vendor: string;
  prompt: number;
  completion: number;
  reasoning: number | null;
}): number {
  // https://docs.x.ai/docs/models: reasoning tokens are billed as output, and stand beside the completion.
  if (of.vendor === "xai") return of.completion + (of.reasoning ?? 0);
  // Google's OpenAI-like address leaves thoughts out of the completion, and tells them by the total alone.
  if (of.vendor === "gemini") return number(of.raw["total_tokens"]) - of.prompt;
  return of.completion;
}

function countResponses(raw: Json): Figures {
  const read = number(of(raw["input_tokens_details"])["cached_tokens"]);
  const written = number(of(raw["input_tokens_details"])["cache_write_tokens"]);
  const { reasoning_tokens: reasoning } = of(raw["output_tokens_details"]);
  return {
    fresh: number(raw["input_tokens"]) - read - written,
    read,
    written,
    long: 0,
    output: number(raw["output_tokens"]),
    reasoning: reasoning === undefined ? null : number(reasoning),
  };
}

/** https://platform.claude.com/docs/en/build-with-claude/prompt-caching: the three kinds of input stand side by side. */
function countAnthropic(raw: Json): Figures {
  const { thinking_tokens: thinking } = of(raw["output_tokens_details"]);
  return {
    fresh: number(raw["input_tokens"]),
    read: number(raw["cache_read_input_tokens"]),
    written: number(raw["cache_creation_input_tokens"]),
    long: number(of(raw["cache_creation"])["ephemeral_1h_input_tokens"]),
    output: number(raw["output_tokens"]),
    reasoning: thinking === undefined ? null : number(thinking),
  };
}

/** https://ai.google.dev/api/generate-content#UsageMetadata: thoughts beside candidates, what the cache served within the prompt. */
function countGoogle(raw: Json): Figures | null {
  if (raw["promptTokenCount"] === undefined) return null;
  const read = number(raw["cachedContentTokenCount"]);
  const { thoughtsTokenCount: thoughts } = raw;
  return {
    fresh: number(raw["promptTokenCount"]) + number(raw["toolUsePromptTokenCount"]) - read,
    read,
    written: 0,
    long: 0,
    output: number(raw["candidatesTokenCount"]) + number(thoughts),
    reasoning: thoughts === undefined ? null : number(thoughts),
  };
}

function countConverse(raw: Json): Figures {
  return {
    fresh: number(raw["inputTokens"]),
    read: number(raw["cacheReadInputTokens"]),
    written: number(raw["cacheWriteInputTokens"]),
    long: 0,
    output: number(raw["outputTokens"]),
    reasoning: null,
  };
}

/** https://docs.cohere.com/docs/how-does-cohere-pricing-work: what is billed. */
function countCohere(raw: Json): Figures {
  const billed = of(raw["billed_units"]);
  return {
    fresh: number(billed["input_tokens"]),
    read: 0,
    written: 0,
    long: 0,
    output: number(billed["output_tokens"]),
    reasoning: null,
  };
}

/** Where vendors put their reports: beside the answer, in the message or response that an event wraps, and in Groq's own place. */
function findUsage(event: Json): Json[] {
  const places = [event, of(event["message"]), of(event["response"]), of(event["delta"]), of(event["x_groq"])];
  return places.flatMap((place) => [place["usage"], place["usageMetadata"]]).filter(isObject);
}

/** Anthropic's and Google's reports add to those before them; of all others the last one stands. */
function merge(reports: readonly Json[], isAnthropic: boolean): Json | null {
  const last = reports.at(-1);
  if (last === undefined) return null;
  const adds = isAnthropic || "promptTokenCount" in last || "trafficType" in last;
  if (!adds) return last;
  const merged: Json = {};
  for (const report of reports) {
    for (const [name, value] of Object.entries(report)) {
      if (value !== null || merged[name] === undefined) merged[name] = value;
    }
  }
  return merged;
}

function splitEvents(bytes: Uint8Array): Json[] {
  const text = Buffer.from(bytes).toString("utf8");
  if (text.trimStart().startsWith("{")) return [JSON.parse(text) as Json];
  return text
    .split(/\r?\n/u)
    .filter((line) => line.startsWith("data:") && !line.includes("[DONE]"))
    .map((line) => JSON.parse(line.slice("data:".length)) as Json);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function of(value: unknown): Json {
  return isObject(value) ? value : {};
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
