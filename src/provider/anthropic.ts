// Anthropic. https://docs.anthropic.com/en/api — limits and ways of reasoning differ by model, and Messages demands an output limit.

import type { JsonObject } from "../ir/index.ts";
import { isJsonObject } from "../ir/index.ts";
import type { ModelFacts } from "../wire/type.ts";
import type { ProviderKindDefinition } from "./kind.ts";
import { describeMissingKey } from "./openai-like.ts";
import type { ProviderSettings } from "./settings.ts";
import type { ListedModel, Provider } from "./type.ts";

/**
 * By beginning of the model's name, longest first. Output limits and ways of thinking as of 2026-11:
 * https://docs.anthropic.com/en/docs/about-claude/models/overview
 */
const FACTS: readonly [prefix: string, facts: Omit<ModelFacts, "defaultMaxOutputTokens">][] = [
  ["claude-3-5-", { maxOutputTokens: 8_192, reasoning: "none" }],
  ["claude-3-7-", { maxOutputTokens: 64_000, reasoning: "budget" }],
  ["claude-3-", { maxOutputTokens: 4_096, reasoning: "none" }],
  ["claude-haiku-4-5", { maxOutputTokens: 64_000, reasoning: "budget" }],
  ["claude-instant", { maxOutputTokens: 4_096, reasoning: "none" }],
  ["claude-opus-4-1", { maxOutputTokens: 32_000, reasoning: "budget" }],
  ["claude-opus-4-20", { maxOutputTokens: 32_000, reasoning: "budget" }],
  ["claude-opus-4-0", { maxOutputTokens: 32_000, reasoning: "budget" }],
  ["claude-opus-4-5", { maxOutputTokens: 64_000, reasoning: "budget" }],
  ["claude-opus-4-6", { maxOutputTokens: 128_000, reasoning: "effort", efforts: ["low", "medium", "high", "max"] }],
  ["claude-sonnet-4-20", { maxOutputTokens: 64_000, reasoning: "budget" }],
  ["claude-sonnet-4-0", { maxOutputTokens: 64_000, reasoning: "budget" }],
  ["claude-sonnet-4-5", { maxOutputTokens: 64_000, reasoning: "budget" }],
  ["claude-sonnet-4-6", { maxOutputTokens: 128_000, reasoning: "effort", efforts: ["low", "medium", "high"] }],
];

/**
 * Models newer than the table: 64,000 is within every one's limit, effort has replaced budgets, and all from 4.7 on refuse to be sampled
 * otherwise than by default. https://platform.claude.com/docs/en/about-claude/models/migration-guide
 */
const NEWER = {
  maxOutputTokens: null,
  reasoning: "effort",
  refuses: ["temperature", "topK", "topP"],
} as const satisfies Omit<ModelFacts, "defaultMaxOutputTokens">;
const CAREFUL_LIMIT = 64_000;
/** What we ask for where the client named no limit: enough for a long answer, within every current model's limit. */
const DEFAULT_LIMIT = 32_000;

export const anthropic: ProviderKindDefinition = {
  about: "Anthropic",
  baseUrl: "https://api.anthropic.com",
  keyVariables: ["ANTHROPIC_API_KEY"],
  urlVariables: ["ANTHROPIC_BASE_URL"],
  needsKey: true,
  options: {
    beta: { about: "Sent as anthropic-beta with every call", variables: [], example: "context-1m-2025-08-07" },
    version: { about: "Sent as anthropic-version", variables: [], example: "2023-06-01", fallback: "2023-06-01" },
  },
  patterns: ["claude*"],
  make: makeAnthropic,
};

export function makeAnthropic(settings: ProviderSettings): Provider {
  const { beta, version = "2023-06-01" } = settings.options;
  return {
    name: settings.name,
    speaks: () => ["anthropic-messages", "anthropic-count"],
    endpoint: (wire, { model }) => ({
      url: `${settings.baseUrl}/v1/messages${wire === "anthropic-count" ? "/count_tokens" : ""}`,
      takesQuery: true,
      refused: listRefusedSampling(model),
    }),
    authorize: null,
    headers: {
      ...(settings.apiKey === null ? {} : { "x-api-key": settings.apiKey }),
      "anthropic-version": version,
      ...(beta === undefined ? {} : { "anthropic-beta": beta }),
      ...settings.headers,
    },
    versionHeaders: settings.headers["anthropic-version"] === undefined ? ["anthropic-version"] : [],
    requestHeaders: ["anthropic-beta", "traceparent", "tracestate"],
    responseHeaders: ["anthropic-ratelimit-", "retry-after"],
    listing: { url: `${settings.baseUrl}/v1/models?limit=1000`, decode: decodeListing },
    knownModels: [],
    missing: describeMissingKey(settings),
    pricing: { vendor: "anthropic" },
    facts: (model) => ({
      ...findClaudeFacts(model, settings.maxOutputTokens),
      ...(takesInlineInstructions(model.toLowerCase()) ? { takesInlineInstructions: true } : {}),
    }),
    rest: { baseUrl: settings.baseUrl, version: "/v1", offers: ["files", "message_batches"] },
    answer: null,
  };
}

/**
 * Since Opus 4.8, on Anthropic's own servers alone:
 * https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
 */
function takesInlineInstructions(model: string): boolean {
  return (
    model.startsWith("claude-") &&
    !/^claude-(?:instant|v?[123]|(?:haiku|opus|sonnet)-4(?:-(?:[0-7](?:-|$)|2)|$))/u.test(model)
  );
}

/** `wanted` is the operator's limit for requests without one. */
export function findClaudeFacts(model: string, wanted: number | null): ModelFacts {
  const name = model.toLowerCase();
  const facts = FACTS.find(([prefix]) => name.startsWith(prefix))?.[1] ?? NEWER;
  const limit = facts.maxOutputTokens ?? CAREFUL_LIMIT;
  return { ...facts, defaultMaxOutputTokens: Math.min(wanted ?? DEFAULT_LIMIT, limit) };
}

/** As the format says it: clients send such fields whatever the model is. */
const SAMPLING = ["temperature", "top_k", "top_p"];

/** Fields of a forwarded body that this model refuses. */
export function listRefusedSampling(model: string): readonly string[] {
  return findClaudeFacts(model, null).refuses === undefined ? [] : SAMPLING;
}

function decodeListing(body: JsonObject): ListedModel[] {
  const rows = Array.isArray(body["data"]) ? body["data"] : [];
  const models: ListedModel[] = [];
  for (const row of rows) {
    if (!isJsonObject(row) || typeof row["id"] !== "string") continue;
    const created = typeof row["created_at"] === "string" ? Date.parse(row["created_at"]) : Number.NaN;
    models.push({
      id: row["id"],
      createdAt: Number.isNaN(created) ? null : Math.floor(created / 1000),
      ownedBy: "anthropic",
    });
  }
  return models;
}
