// Any server that speaks Anthropic's Messages under a base URL of its own. Knows nothing of its models.

import type { ModelFacts } from "../wire/type.ts";
import { makeAnthropic } from "./anthropic.ts";
import type { ProviderKindDefinition } from "./kind.ts";
import type { ProviderSettings } from "./settings.ts";
import type { Provider } from "./type.ts";

export const anthropicCompatible: ProviderKindDefinition = {
  about: "Any server that speaks Anthropic's Messages",
  baseUrl: null,
  exampleUrl: "https://llm.example.com/anthropic",
  keyVariables: [],
  urlVariables: [],
  needsKey: false,
  options: {
    auth: {
      about: "Where its key goes: x-api-key, or bearer for Authorization",
      variables: [],
      example: "bearer",
      fallback: "x-api-key",
      choices: ["bearer", "x-api-key"],
    },
    reasoning: {
      about: "How its models are told to think: by budget, effort or none",
      variables: [],
      example: "budget",
      fallback: "budget",
      choices: ["budget", "effort", "none"],
    },
  },
  make: makeAnthropicCompatible,
};

function makeAnthropicCompatible(settings: ProviderSettings): Provider {
  const { apiKey, baseUrl, maxOutputTokens, options } = settings;
  const isBearer = options["auth"] === "bearer";
  const like = makeAnthropic({ ...settings, apiKey: isBearer ? null : apiKey });
  const reasoning = (options["reasoning"] ?? "budget") as ModelFacts["reasoning"];
  return {
    ...like,
    // Counting is not common: it is estimated here.
    speaks: () => ["anthropic-messages"],
    headers: { ...(isBearer && apiKey !== null ? { authorization: `Bearer ${apiKey}` } : {}), ...like.headers },
    pricing: { apiUrl: baseUrl },
    facts: () => ({ defaultMaxOutputTokens: maxOutputTokens ?? 16_384, maxOutputTokens: null, reasoning }),
  };
}
