// OpenAI itself. https://platform.openai.com/docs/api-reference

import type { ModelFacts } from "../wire/type.ts";
import type { ProviderKindDefinition } from "./kind.ts";
import { type OpenaiLikeRow, type Quirks, makeOpenaiLike } from "./openai-like.ts";
import type { ProviderSettings } from "./settings.ts";
import type { Provider } from "./type.ts";

export const openai: ProviderKindDefinition = {
  about: "OpenAI",
  baseUrl: "https://api.openai.com/v1",
  keyVariables: ["OPENAI_API_KEY"],
  urlVariables: ["OPENAI_BASE_URL"],
  needsKey: true,
  options: {
    organization: { about: "Sent as openai-organization", variables: [], example: "org-..." },
    project: { about: "Sent as openai-project", variables: [], example: "proj_..." },
  },
  patterns: ["chatgpt-*", "codex-*", "ft:*", "gpt-*", "o1*", "o3*", "o4*", "text-embedding-*"],
  make: makeOpenai,
};

/** https://developers.openai.com/api/docs/guides/reasoning: what reasoning models refuse, and the limit's only name there. */
const REASONS = {
  refused: ["frequency_penalty", "logit_bias", "logprobs", "presence_penalty", "temperature", "top_logprobs", "top_p"],
  rename: { max_tokens: "max_completion_tokens" },
  facts: { refuses: ["frequencyPenalty", "logprobs", "presencePenalty", "temperature", "topP"] },
} as const satisfies Quirks;

const STOPS_BY_ITSELF = {
  refused: [...REASONS.refused, "stop"],
  rename: REASONS.rename,
  facts: { refuses: [...REASONS.facts.refuses, "stop"] },
} as const satisfies Quirks;

const PLAIN = { facts: { reasoning: "none" } } as const satisfies Quirks;

/** The same with the levels of effort that a model knows, and what it is spoken to in. */
function vary(quirks: Quirks, efforts: NonNullable<ModelFacts["efforts"]>, formats?: Quirks["formats"]): Quirks {
  return { ...quirks, facts: { ...quirks.facts, efforts }, ...(formats === undefined ? {} : { formats }) };
}

const FIVE = ["minimal", "low", "medium", "high"] as const;
const FIVE_ONE = ["none", "low", "medium", "high"] as const;
const FIVE_TWO = [...FIVE_ONE, "xhigh"] as const;
const NEWEST = [...FIVE_TWO, "max"] as const;
/** They take a temperature while they do not reason, which is their default. */
const MAY_REASON = { rename: REASONS.rename } as const satisfies Quirks;
/** https://developers.openai.com/api/docs/guides/prompt-caching: breakpoints since 5.6. */
const MARKED: Quirks = { ...STOPS_BY_ITSELF, facts: { ...STOPS_BY_ITSELF.facts, takesBreakpoints: true } };
const RESPONSES_FIRST = ["responses", "chat"] as const;

/**
 * By name, of which Azure's deployments have the same as a rule. Some are served as Responses alone, and since 5.4 Chat Completions takes no
 * tools from a model that reasons: those are translated to Responses first.
 */
export const OPENAI_MODELS: NonNullable<OpenaiLikeRow["models"]> = [
  [/^(?:chatgpt-|gpt-3|gpt-4|ft:gpt-[34]|gpt-5[\d.]*-chat)/u, PLAIN],
  [/^gpt-5-pro(?:-|$)/u, vary(REASONS, ["high"], ["responses"])],
  [/^gpt-\d[\d.]*-pro(?:-|$)/u, vary(REASONS, ["medium", "high", "xhigh"], ["responses"])],
  [/^gpt-5(?:\.1)?-codex(?!-max)/u, vary(REASONS, ["low", "medium", "high"], ["responses"])],
  [/^gpt-\d[\d.]*-codex/u, vary(REASONS, ["low", "medium", "high", "xhigh"], ["responses"])],
  [/^(?:codex-|computer-use|o\d-(?:pro|deep)|o4-mini-deep)/u, vary(REASONS, ["low", "medium", "high"], ["responses"])],
  [/^(?:o1|o3-mini)/u, vary(REASONS, ["low", "medium", "high"])],
  [/^o\d/u, vary(STOPS_BY_ITSELF, ["low", "medium", "high"])],
  [/^gpt-5(?:-|$)/u, vary(STOPS_BY_ITSELF, FIVE)],
  [/^gpt-5\.1/u, vary(MAY_REASON, FIVE_ONE)],
  [/^gpt-5\.[23]/u, vary(MAY_REASON, FIVE_TWO)],
  [/^gpt-5\.4/u, vary(MAY_REASON, FIVE_TWO, RESPONSES_FIRST)],
  [/^gpt-5\.5/u, vary(STOPS_BY_ITSELF, FIVE_TWO, RESPONSES_FIRST)],
  [/^gpt-(?:[5-9]|\d\d)/u, vary(MARKED, NEWEST, RESPONSES_FIRST)],
];

const ROW: OpenaiLikeRow = {
  about: openai.about,
  baseUrl: openai.baseUrl,
  formats: ["chat", "responses", "embeddings"],
  models: OPENAI_MODELS,
  prices: "openai",
  offers: [
    "audio",
    "batches",
    "completions",
    "containers",
    "conversations",
    "files",
    "fine_tuning",
    "images",
    "moderations",
    "realtime",
    "responses",
    "uploads",
    "vector_stores",
    "videos",
  ],
  free: ["moderations"],
};

function makeOpenai(settings: ProviderSettings): Provider {
  const { organization, project } = settings.options;
  return makeOpenaiLike(settings, {
    ...ROW,
    headers: {
      ...(organization === undefined ? {} : { "openai-organization": organization }),
      ...(project === undefined ? {} : { "openai-project": project }),
    },
  });
}
