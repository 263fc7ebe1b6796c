// What Bedrock's model ids say: who made the model, under which name its maker lists it, and what it takes. Knows no request.
// https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html

import type { ModelFacts, ModelFamily, RefusableField } from "../wire/type.ts";
import { findClaudeFacts } from "./anthropic.ts";

/** The regions of inference profiles, which stand before a model's own id. */
const REGION = /^(?:af|ap|apac|au|ca|eu|global|il|in|jp|kr|me|mx|sa|sg|us|us-gov)\.(?=[a-z0-9]+\.)/u;

/** The id of the model itself: without an ARN's address, and without the region of an inference profile. */
export function findBaseModel(id: string): string {
  return id.slice(id.lastIndexOf("/") + 1).replace(REGION, "");
}

/** `us.anthropic.claude-sonnet-4-5-20250929-v1:0` → `claude-sonnet-4-5-20250929`; null for a model of another maker. */
export function findClaude(base: string): string | null {
  if (!base.startsWith("anthropic.")) return null;
  return base.slice("anthropic.".length).replace(/-v\d+(?::.*)?$/u, "");
}

export function isEmbedding(base: string): boolean {
  return /^(?:amazon\.titan-embed-|cohere\.embed-|amazon\.nova-[\w-]*embeddings)/u.test(base);
}

interface Known {
  family?: ModelFamily;
  maxOutputTokens?: number;
  reasoning?: ModelFacts["reasoning"];
  keepsSchema?: false;
  refuses?: readonly RefusableField[];
  callIds?: "short";
}

/**
 * By beginning of the id, the first that fits; what is missing is the usual. Structured output:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
 */
const MODELS: readonly (readonly [prefix: string, known: Known])[] = [
  ["ai21.", { maxOutputTokens: 4_096, keepsSchema: false }],
  ["amazon.nova-2-", { family: "nova", maxOutputTokens: 65_535, reasoning: "effort", keepsSchema: false }],
  ["amazon.nova-", { family: "nova", maxOutputTokens: 10_000, keepsSchema: false }],
  ["amazon.titan-", { maxOutputTokens: 3_072, keepsSchema: false }],
  ["cohere.command-", { family: "command", maxOutputTokens: 4_096, keepsSchema: false }],
  ["deepseek.r1", { maxOutputTokens: 32_768, keepsSchema: false }],
  ["meta.", { maxOutputTokens: 8_192, keepsSchema: false }],
  // Older ones know neither structured output nor long ids of calls.
  ["mistral.mistral-7b", { family: "mistral", maxOutputTokens: 8_192, keepsSchema: false, callIds: "short" }],
  ["mistral.mistral-large-24", { family: "mistral", maxOutputTokens: 8_192, keepsSchema: false, callIds: "short" }],
  ["mistral.mistral-small-24", { family: "mistral", maxOutputTokens: 8_192, keepsSchema: false, callIds: "short" }],
  ["mistral.mixtral-", { family: "mistral", maxOutputTokens: 4_096, keepsSchema: false, callIds: "short" }],
  ["mistral.pixtral-", { family: "mistral", maxOutputTokens: 8_192, keepsSchema: false, callIds: "short" }],
  ["mistral.", { family: "mistral", callIds: "short" }],
  ["openai.gpt-oss-", { family: "gpt-oss", reasoning: "effort", refuses: ["stop"] }],
  ["openai.gpt-", { family: "gpt", reasoning: "effort", refuses: ["stop", "temperature", "topP"] }],
  ["writer.", { maxOutputTokens: 8_192, keepsSchema: false }],
];

/** Claude models that know structured output in neither of its forms. */
const OLD_CLAUDE = /^claude-(?:instant|v\d|2|3|opus-4-(?:0|1|20)|sonnet-4-(?:0|20))/u;
/** Claude models that take no sampling parameter, and whose tools Bedrock cannot hold to their schemas. */
const NEW_CLAUDE = /^claude-(?:fable|opus-4-[78]|opus-5|sonnet-5)/u;
const NEW_CLAUDE_REFUSES: readonly RefusableField[] = ["strictTools", "temperature", "topK", "topP"];

const DEFAULT_LIMIT = 4_096;

export function findModelFacts(base: string, wanted: number | null): ModelFacts {
  const claude = findClaude(base);
  if (claude !== null) {
    const isOld = OLD_CLAUDE.test(claude);
    const { refuses = [], ...facts } = findClaudeFacts(claude, wanted);
    const own = NEW_CLAUDE.test(claude) ? NEW_CLAUDE_REFUSES : isOld ? (["strictTools"] as const) : [];
    return { ...facts, family: "claude", keepsSchema: !isOld, refuses: [...new Set([...refuses, ...own])] };
  }
  const { family, maxOutputTokens = null, ...known } = MODELS.find(([prefix]) => base.startsWith(prefix))?.[1] ?? {};
  return {
    defaultMaxOutputTokens: Math.min(wanted ?? DEFAULT_LIMIT, maxOutputTokens ?? Number.POSITIVE_INFINITY),
    maxOutputTokens,
    reasoning: known.reasoning ?? "none",
    ...(family === undefined ? {} : { family }),
    ...(known.callIds === undefined ? {} : { callIds: known.callIds }),
    ...(known.keepsSchema === undefined ? {} : { keepsSchema: false }),
    refuses: [...(known.refuses ?? []), ...(known.keepsSchema === undefined ? [] : (["strictTools"] as const))],
  };
}
