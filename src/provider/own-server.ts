// Servers that one runs oneself and that imitate OpenAI: one row each. They need no key unless they were told to, and take what they know.

import type { ProviderKindDefinition } from "./kind.ts";
import { type OpenaiLikeRow, defineOpenaiLike } from "./openai-like.ts";

const ROWS = {
  // https://docs.litellm.ai/docs/simple_proxy
  litellm: {
    about: "LiteLLM's proxy",
    baseUrl: "http://localhost:4000/v1",
    keyVariables: ["LITELLM_API_KEY", "LITELLM_PROXY_API_KEY"],
    urlVariables: ["LITELLM_PROXY_API_BASE"],
    impliedBy: [["LITELLM_PROXY_API_BASE"]],
    formats: ["chat", "messages", "responses", "embeddings"],
    facts: { takesCacheMarks: true, returnsReasoning: "content" },
  },
  // https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
  llamacpp: {
    about: "llama.cpp's llama-server",
    baseUrl: "http://localhost:8080/v1",
    formats: ["chat", "messages", "embeddings"],
    facts: { limitField: "max_tokens", returnsReasoning: "content" },
    offers: ["completions", "rerank"],
  },
  // https://lmstudio.ai/docs/developer/openai-compat and /anthropic-compat
  lmstudio: {
    about: "LM Studio",
    baseUrl: "http://localhost:1234/v1",
    formats: ["chat", "messages", "responses", "embeddings"],
    facts: { limitField: "max_tokens" },
    offers: ["completions"],
  },
  // https://localai.io/features/
  localai: {
    about: "LocalAI",
    baseUrl: "http://localhost:8080/v1",
    formats: ["chat", "messages", "embeddings"],
    facts: { limitField: "max_tokens" },
    offers: ["audio", "completions", "images", "rerank"],
  },
  // https://docs.ollama.com/api/openai-compatibility and /api/anthropic-compatibility
  ollama: {
    about: "Ollama",
    baseUrl: "http://localhost:11434/v1",
    urlVariables: ["OLLAMA_HOST"],
    readUrl: readOllamaHost,
    impliedBy: [["OLLAMA_HOST"]],
    formats: ["chat", "messages", "responses", "embeddings"],
    facts: { limitField: "max_tokens" },
    offers: ["completions"],
  },
  // https://docs.sglang.io/docs/basic_usage/anthropic_api
  sglang: {
    about: "SGLang",
    baseUrl: "http://localhost:30000/v1",
    formats: ["chat", "messages", "embeddings"],
    facts: { limitField: "max_tokens", returnsReasoning: "content" },
    offers: ["completions", "rerank"],
  },
  // https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
  vllm: {
    about: "vLLM",
    baseUrl: "http://localhost:8000/v1",
    formats: ["chat", "messages", "responses", "embeddings"],
    facts: { limitField: "max_tokens", returnsReasoning: "content" },
    offers: ["audio", "completions", "rerank"],
  },
} as const satisfies Record<string, OpenaiLikeRow>;

/** `host`, `host:port` or a URL, which for the server itself may mean all addresses. https://docs.ollama.com/faq */
function readOllamaHost(text: string): string {
  const written = /^https?:\/\//u.test(text) ? text : `http://${text}`;
  const url = URL.parse(written);
  if (url === null) return text;
  if (url.hostname === "0.0.0.0" || url.hostname === "[::]") url.hostname = "127.0.0.1";
  if (url.port === "" && url.protocol === "http:" && !/:80(?:\/|$)/u.test(written.slice("http://".length)))
    url.port = "11434";
  const path = url.pathname.replace(/\/+$/u, "");
  return `${url.origin}${path === "" ? "/v1" : path}`;
}

export const OWN_SERVERS: Readonly<Record<string, ProviderKindDefinition>> = Object.fromEntries(
  Object.entries<OpenaiLikeRow>(ROWS).map(([name, row]) => [
    name,
    defineOpenaiLike({ refused: [], needsKey: false, ...row }),
  ]),
);
