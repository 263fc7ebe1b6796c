// Cohere: chat and embeddings in its own formats, and its reranking as it is. https://docs.cohere.com/reference/about

import { type JsonObject, isJsonObject } from "../ir/index.ts";
import type { ModelFacts, WireId } from "../wire/type.ts";
import { convertCohere } from "./embedding.ts";
import type { ProviderKindDefinition } from "./kind.ts";
import { describeMissingKey } from "./openai-like.ts";
import type { ProviderSettings } from "./settings.ts";
import type { Endpoint, ListedModel, Provider } from "./type.ts";

export const cohere: ProviderKindDefinition = {
  about: "Cohere",
  baseUrl: "https://api.cohere.com",
  exampleUrl: "https://api.cohere.com",
  keyVariables: ["COHERE_API_KEY", "CO_API_KEY"],
  urlVariables: ["CO_API_URL"],
  needsKey: true,
  options: {},
  patterns: ["c4ai-*", "command-*", "embed-*", "rerank-*"],
  make: makeCohere,
};

/** By beginning of the model's name, the first that fits: https://docs.cohere.com/docs/models */
const FACTS: readonly (readonly [prefix: string, facts: Partial<ModelFacts>])[] = [
  ["command-a-plus", { maxOutputTokens: 32_000, reasoning: "budget" }],
  ["command-a-reasoning", { maxOutputTokens: 32_000, reasoning: "budget" }],
  ["command-a-translate", { maxOutputTokens: 8_000 }],
  ["command-a-vision", { maxOutputTokens: 8_000 }],
  ["command-a", { maxOutputTokens: 8_000 }],
  ["command-r", { maxOutputTokens: 4_000 }],
  ["c4ai-aya", { maxOutputTokens: 4_000 }],
];

const DEFAULT_LIMIT = 4_000;

function makeCohere(settings: ProviderSettings): Provider {
  const { name, apiKey, baseUrl, maxOutputTokens } = settings;
  return {
    name,
    speaks: (model) => (/^embed-/iu.test(model) ? ["openai-embeddings"] : ["cohere-chat", "openai-embeddings"]),
    endpoint: (wire) => describeEndpoint(wire, baseUrl),
    authorize: null,
    headers: { ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }), ...settings.headers },
    requestHeaders: ["traceparent", "tracestate", "x-client-name"],
    responseHeaders: ["retry-after", "x-api-warning", "x-endpoint-monthly-call-limit", "x-trial-endpoint-call-"],
    listing: { url: `${baseUrl}/v1/models?page_size=1000`, decode: decodeListing },
    knownModels: [],
    missing: describeMissingKey(settings),
    pricing: { vendor: "cohere" },
    facts: (model) => findFacts(model, maxOutputTokens),
    rest: { baseUrl, version: "/v2", offers: ["rerank"] },
    answer: null,
  };
}

function describeEndpoint(wire: WireId, baseUrl: string): Endpoint {
  if (wire === "openai-embeddings") {
    return { url: `${baseUrl}/v2/embed`, convert: convertCohere(true), hasForeignErrors: true };
  }
  return { url: `${baseUrl}/v2/chat` };
}

function findFacts(model: string, wanted: number | null): ModelFacts {
  const name = model.toLowerCase();
  const facts = FACTS.find(([prefix]) => name.startsWith(prefix))?.[1] ?? {};
  const limit = facts.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  return {
    maxOutputTokens: null,
    reasoning: "none",
    ...facts,
    family: "command",
    defaultMaxOutputTokens: Math.min(wanted ?? DEFAULT_LIMIT, limit),
  };
}

function decodeListing(body: JsonObject): ListedModel[] {
  const rows = Array.isArray(body["models"]) ? body["models"].filter(isJsonObject) : [];
  return rows.flatMap(({ name, is_deprecated: isDeprecated }) =>
    typeof name === "string" && isDeprecated !== true ? [{ id: name, createdAt: null, ownedBy: "cohere" }] : [],
  );
}
