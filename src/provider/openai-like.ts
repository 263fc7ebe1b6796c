// The shape that OpenAI and every server that imitates it share: addresses, bearer key, model listing.

import type { JsonObject } from "../ir/index.ts";
import { isJsonObject } from "../ir/index.ts";
import type { ModelFacts, WireId } from "../wire/type.ts";
import type { ProviderSettings } from "./settings.ts";
import type { ListedModel, Pricing, Provider, RestFamily } from "./type.ts";

/** What follows the base URL, format by format. */
const PATHS: Readonly<Partial<Record<WireId, string>>> = {
  "openai-chat": "/chat/completions",
  "openai-embeddings": "/embeddings",
};

/** A server that imitates OpenAI may offer any of it; what it does not know it refuses itself. */
const OFFERS: readonly RestFamily[] = [
  "audio",
  "batches",
  "completions",
  "files",
  "images",
  "moderations",
  "rerank",
  "uploads",
  "vector_stores",
];

const FACTS: ModelFacts = { defaultMaxOutputTokens: 16_384, maxOutputTokens: null, reasoning: "effort" };

export function makeOpenaiLike(
  settings: ProviderSettings,
  own: { headers: Record<string, string>; pricing: Pricing },
): Provider {
  return {
    name: settings.name,
    speaks: () => ["openai-chat", "openai-embeddings"],
    endpoint: (wire) => ({ url: settings.baseUrl + (PATHS[wire] ?? "") }),
    authorize: null,
    headers: {
      ...(settings.apiKey === null ? {} : { authorization: `Bearer ${settings.apiKey}` }),
      ...own.headers,
      ...settings.headers,
    },
    // The operator's organisation and project stand; a client may name its own only where the operator named none.
    requestHeaders: [
      "idempotency-key",
      "openai-beta",
      ...(settings.organization === null ? ["openai-organization"] : []),
      ...(settings.project === null ? ["openai-project"] : []),
      "traceparent",
      "tracestate",
    ],
    responseHeaders: ["openai-processing-ms", "openai-version", "retry-after", "x-ratelimit-"],
    listing: { url: `${settings.baseUrl}/models`, decode: decodeListing },
    knownModels: [],
    missing: describeMissingKey(settings),
    pricing: own.pricing,
    facts: () => FACTS,
    rest: { baseUrl: settings.baseUrl, offers: OFFERS },
    answer: null,
  };
}

/** A sentence that names the missing setting, or null where the key is there or not needed. */
export function describeMissingKey(settings: ProviderSettings): string | null {
  if (settings.apiKey !== null || !settings.needsApiKey) return null;
  return `Provider "${settings.name}" has no API key. Set ${settings.apiKeyNames.join(" or ")} and reload the gateway.`;
}

function decodeListing(body: JsonObject): ListedModel[] {
  const rows = Array.isArray(body["data"]) ? body["data"] : [];
  const models: ListedModel[] = [];
  for (const row of rows) {
    if (!isJsonObject(row) || typeof row["id"] !== "string") continue;
    models.push({
      id: row["id"],
      createdAt: typeof row["created"] === "number" ? row["created"] : null,
      ownedBy: typeof row["owned_by"] === "string" ? row["owned_by"] : "",
    });
  }
  return models;
}
