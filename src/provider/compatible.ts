// Vendors that imitate OpenAI: one row each, and one for any other server. What is peculiar to a vendor stands in its row, with the page
// that says so. Servers of one's own are in own-server.ts.

import type { ModelFacts } from "../wire/type.ts";
import type { ProviderKindDefinition } from "./kind.ts";
import { type OpenaiLikeRow, defineOpenaiLike } from "./openai-like.ts";
import { generation } from "./openrouter.ts";

const ROWS = {
  // https://inference-docs.cerebras.ai/resources/openai
  cerebras: {
    about: "Cerebras",
    baseUrl: "https://api.cerebras.ai/v1",
    keyVariables: ["CEREBRAS_API_KEY"],
    formats: ["chat"],
    refused: ["frequency_penalty", "logit_bias", "presence_penalty", "search_parameters"],
    facts: { reasoning: "none", refuses: ["frequencyPenalty", "presencePenalty"] },
    models: [[/^gpt-oss/u, { facts: { reasoning: "effort" } }]],
    prices: "cerebras",
    offers: ["completions"],
  },
  compatible: {
    about: "Any server that speaks OpenAI's formats",
    baseUrl: null,
    // Nobody knows what it knows: all that a client says reaches it, and a limit under the name that all know.
    refused: [],
    facts: { limitField: "max_tokens" },
    models: [[/^(?:codex|gpt-[5-9]|o\d)/u, { facts: { limitField: "max_completion_tokens" } }]],
  },
  // https://www.alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope
  dashscope: {
    about: "Alibaba Cloud Model Studio (Qwen)",
    baseUrl: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    keyVariables: ["DASHSCOPE_API_KEY"],
    patterns: [
      "qvq-*",
      "qwen-flash*",
      "qwen-long*",
      "qwen-max*",
      "qwen-plus*",
      "qwen-turbo*",
      "qwen-vl-*",
      "qwen3-max*",
      "qwq-plus*",
    ],
    formats: ["chat", "messages", "embeddings"],
    messages: { from: ["/compatible-mode/v1"], to: "/apps/anthropic/v1" },
    facts: { limitField: "max_tokens", takesCacheMarks: true },
    offers: ["batches", "files"],
  },
  // https://api-docs.deepseek.com/guides/thinking_mode and /guides/anthropic_api
  deepseek: {
    about: "DeepSeek",
    baseUrl: "https://api.deepseek.com",
    keyVariables: ["DEEPSEEK_API_KEY"],
    patterns: ["deepseek-*"],
    formats: ["chat", "messages", "responses"],
    messages: { from: ["/v1", ""], to: "/anthropic/v1" },
    rename: { max_completion_tokens: "max_tokens" },
    // Lists of parts it refuses, even of texts alone.
    facts: { efforts: ["low", "high", "max"], joinsText: true, limitField: "max_tokens", returnsReasoning: "content" },
    prices: "deepseek",
    offers: [],
  },
  // https://docs.fireworks.ai/tools-sdks/openai-compatibility and /anthropic-compatibility
  fireworks: {
    about: "Fireworks AI",
    baseUrl: "https://api.fireworks.ai/inference/v1",
    keyVariables: ["FIREWORKS_API_KEY"],
    formats: ["chat", "messages", "embeddings"],
    facts: { limitField: "max_tokens", returnsReasoning: "content" },
    prices: "fireworks",
    offers: ["completions", "rerank"],
  },
  // https://docs.github.com/en/rest/models/inference
  github: {
    about: "GitHub Models",
    baseUrl: "https://models.github.ai/inference",
    keyVariables: ["GITHUB_MODELS_TOKEN", "GITHUB_TOKEN"],
    // The second is in every workflow, for other things.
    impliedBy: [["GITHUB_MODELS_TOKEN"]],
    listing: { from: ["/inference"], to: "/catalog/models" },
    headers: { "x-github-api-version": "2022-11-28" },
    offers: [],
  },
  // https://console.groq.com/docs/openai and /docs/api-reference
  groq: {
    about: "Groq",
    baseUrl: "https://api.groq.com/openai/v1",
    keyVariables: ["GROQ_API_KEY"],
    // Its Responses refuse what clients of that format always send (`include`, `store`): they are translated.
    formats: ["chat"],
    refused: [
      "logit_bias",
      "logprobs",
      "modalities",
      "prediction",
      "prompt_cache_key",
      "prompt_cache_retention",
      "safety_identifier",
      "search_parameters",
      "top_logprobs",
      "verbosity",
      "web_search_options",
    ],
    facts: { reasoning: "none", refuses: ["logprobs", "promptCacheKey", "safetyIdentifier", "verbosity"] },
    models: [[/^gpt-oss/u, { facts: { reasoning: "effort" } }]],
    prices: "groq",
    offers: ["audio", "batches", "files"],
    responseHeaders: ["x-groq-region"],
  },
  // https://huggingface.co/docs/inference-providers
  huggingface: {
    about: "Hugging Face Inference Providers",
    baseUrl: "https://router.huggingface.co/v1",
    keyVariables: ["HF_TOKEN", "HUGGINGFACE_API_KEY"],
    formats: ["chat"],
    facts: { limitField: "max_tokens" },
    offers: [],
  },
  // https://platform.minimax.io/docs/api-reference/text-openai-api and /text-anthropic-api
  minimax: {
    about: "MiniMax",
    baseUrl: "https://api.minimax.io/v1",
    keyVariables: ["MINIMAX_API_KEY"],
    patterns: ["abab*", "minimax-*"],
    // Only as Messages is its reasoning apart from its text.
    formats: ["messages", "chat", "responses"],
    messages: { from: ["/v1"], to: "/anthropic/v1" },
    facts: { reasoning: "budget" },
    prices: "minimax",
    offers: ["files"],
  },
  // https://docs.mistral.ai/api: anything it does not know is an error.
  mistral: {
    about: "Mistral AI",
    baseUrl: "https://api.mistral.ai/v1",
    keyVariables: ["MISTRAL_API_KEY"],
    patterns: [
      "codestral-*",
      "devstral-*",
      "magistral-*",
      "ministral-*",
      "mistral-*",
      "open-mistral-*",
      "open-mixtral-*",
      "pixtral-*",
      "voxtral-*",
    ],
    rename: { max_completion_tokens: "max_tokens", seed: "random_seed" },
    // Usage comes with the last piece of every stream.
    needless: ["stream_options"],
    refused: [
      "logit_bias",
      "logprobs",
      "modalities",
      "prompt_cache_retention",
      "safety_identifier",
      "search_parameters",
      "service_tier",
      "store",
      "top_logprobs",
      "user",
      "verbosity",
      "web_search_options",
    ],
    facts: {
      callIds: "short",
      limitField: "max_tokens",
      // Few of its models take an effort, and those know two.
      reasoning: "none",
      refuses: ["logprobs", "safetyIdentifier", "serviceTier", "streamOptions", "user", "verbosity"],
    },
    prices: "mistral",
    // Its batches are jobs of another form, under another address.
    offers: ["audio", "files", "moderations"],
    responseHeaders: ["mistral-correlation-id", "ratelimitbysize-"],
  },
  // https://platform.kimi.ai/docs/api/overview
  moonshot: {
    about: "Moonshot AI (Kimi)",
    baseUrl: "https://api.moonshot.ai/v1",
    keyVariables: ["MOONSHOT_API_KEY"],
    patterns: ["kimi-*", "moonshot-*"],
    formats: ["chat", "messages", "responses"],
    messages: { from: ["/v1"], to: "/anthropic/v1" },
    facts: { limitField: "max_tokens", returnsReasoning: "content" },
    models: [
      [
        /^kimi-/u,
        {
          refused: ["frequency_penalty", "presence_penalty", "temperature", "top_p"],
          facts: { refuses: ["frequencyPenalty", "presencePenalty", "temperature", "topP"] },
        },
      ],
    ],
    prices: "moonshotai",
    offers: ["batches", "files"],
  },
  // https://docs.api.nvidia.com/nim/reference
  nvidia: {
    about: "NVIDIA NIM",
    baseUrl: "https://integrate.api.nvidia.com/v1",
    keyVariables: ["NVIDIA_API_KEY"],
    facts: { limitField: "max_tokens" },
    offers: ["completions"],
  },
  // https://docs.ollama.com/cloud
  "ollama-cloud": {
    about: "Ollama's cloud",
    baseUrl: "https://ollama.com/v1",
    keyVariables: ["OLLAMA_API_KEY"],
    formats: ["chat", "messages", "responses", "embeddings"],
    facts: { limitField: "max_tokens" },
    offers: ["completions"],
  },
  // https://openrouter.ai/docs/api-reference/overview
  openrouter: {
    about: "OpenRouter",
    baseUrl: "https://openrouter.ai/api/v1",
    keyVariables: ["OPENROUTER_API_KEY"],
    formats: ["chat", "messages", "responses", "embeddings"],
    facts: {
      efforts: ["none", "minimal", "low", "medium", "high", "xhigh"],
      limitField: "max_tokens",
      returnsReasoning: "details",
      takesCacheMarks: true,
    },
    prices: "openrouter",
    // By which programs name themselves.
    requestHeaders: ["http-referer", "x-openrouter-title", "x-title"],
    usageLater: generation,
    offers: ["completions", "rerank"],
  },
  // https://docs.perplexity.ai/docs/grounded-llm/openai-compatibility: Chat Completions ended in September 2026.
  perplexity: {
    about: "Perplexity",
    baseUrl: "https://api.perplexity.ai/v1",
    keyVariables: ["PERPLEXITY_API_KEY", "PPLX_API_KEY"],
    patterns: ["pplx-embed-*", "sonar*"],
    formats: ["responses", "embeddings"],
    prices: "perplexity",
    offers: [],
  },
  // https://docs.sambanova.ai/docs/en/features/openai-compatibility
  sambanova: {
    about: "SambaNova",
    baseUrl: "https://api.sambanova.ai/v1",
    keyVariables: ["SAMBANOVA_API_KEY"],
    formats: ["chat", "messages", "embeddings"],
    facts: { limitField: "max_tokens" },
    offers: ["audio", "completions"],
  },
  // https://docs.together.ai/docs/inference/openai-compatibility
  together: {
    about: "Together AI",
    baseUrl: "https://api.together.ai/v1",
    keyVariables: ["TOGETHER_API_KEY", "TOGETHERAI_API_KEY"],
    facts: { limitField: "max_tokens" },
    prices: "together",
    offers: ["audio", "completions", "files", "images", "rerank"],
  },
  // https://vercel.com/docs/ai-gateway/openai-compatible-api
  vercel: {
    about: "Vercel AI Gateway",
    baseUrl: "https://ai-gateway.vercel.sh/v1",
    keyVariables: ["AI_GATEWAY_API_KEY"],
    formats: ["chat", "messages", "responses", "embeddings"],
    facts: { returnsReasoning: "details", takesCacheMarks: true },
    offers: ["images"],
  },
  // https://docs.x.ai/developers/model-capabilities/text/reasoning: older models have no effort, and reasoning ones no penalties.
  xai: {
    about: "xAI",
    baseUrl: "https://api.x.ai/v1",
    keyVariables: ["XAI_API_KEY"],
    patterns: ["grok-*"],
    formats: ["chat", "responses", "embeddings"],
    refused: [],
    facts: { limitField: "max_completion_tokens" },
    models: listGrokQuirks(),
    prices: "x-ai",
    offers: ["batches", "completions", "files", "images"],
  },
  // https://docs.z.ai/guides/develop/openai/python
  zai: {
    about: "Z.ai (GLM)",
    baseUrl: "https://api.z.ai/api/paas/v4",
    keyVariables: ["ZAI_API_KEY", "Z_AI_API_KEY"],
    patterns: ["glm-*"],
    formats: ["chat", "messages", "embeddings"],
    messages: { from: ["/coding/paas/v4", "/paas/v4"], to: "/anthropic/v1" },
    rename: { max_completion_tokens: "max_tokens" },
    facts: { limitField: "max_tokens", returnsReasoning: "content" },
    prices: "zai",
    offers: ["images"],
  },
} as const satisfies Record<string, OpenaiLikeRow>;

/** By what they reason with: an effort of their own levels, always the same, or nothing. */
function listGrokQuirks(): NonNullable<OpenaiLikeRow["models"]> {
  const refused = ["frequency_penalty", "presence_penalty", "stop"] as const;
  const refuses = ["frequencyPenalty", "presencePenalty", "stop"] as const;
  const reasons = (efforts: NonNullable<ModelFacts["efforts"]>) => ({ refused, facts: { efforts, refuses } });
  const fixed = {
    refused: [...refused, "reasoning_effort"],
    facts: { reasoning: "none", refuses: [...refuses, "reasoning"] },
  } as const;
  const plain = { refused: ["reasoning_effort"], facts: { reasoning: "none", refuses: ["reasoning"] } } as const;
  return [
    [/^grok-3-mini/u, reasons(["low", "high"])],
    [/^grok-4\.[34]/u, reasons(["none", "low", "medium", "high"])],
    [/^grok-(?:4\.[5-9]|[5-9])/u, reasons(["low", "medium", "high"])],
    [/^grok-[23]|non-reasoning/u, plain],
    [/^grok-(?:4|code)/u, fixed],
  ];
}

export const COMPATIBLE: Readonly<Record<string, ProviderKindDefinition>> = Object.fromEntries(
  Object.entries<OpenaiLikeRow>(ROWS).map(([name, row]) => [name, defineOpenaiLike(row)]),
);
