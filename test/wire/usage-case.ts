// What each vendor documents that it reports, and the parts that it comes to: worked out by hand from its pages. Reads with the formats' own decoders.

import type { JsonObject, Usage } from "../../src/ir/index.ts";
import { anthropicMessages } from "../../src/wire/anthropic-messages/index.ts";
import { bedrockConverse } from "../../src/wire/bedrock-converse/index.ts";
import { cohereChat } from "../../src/wire/cohere-chat/index.ts";
import { gemini } from "../../src/wire/gemini/index.ts";
import { meterAnswer } from "../../src/wire/index.ts";
import { openaiChat } from "../../src/wire/openai-chat/index.ts";
import { openaiResponses } from "../../src/wire/openai-responses/index.ts";

export const NOTHING: Usage = {
  freshInputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: null,
};

export function usage(parts: Partial<Usage>): Usage {
  return { ...NOTHING, ...parts };
}

export const READERS = {
  anthropic: (report) => anthropicMessages.response.decode({ content: [], usage: report }).usage,
  bedrock: (report) => bedrockConverse.response.decode({ output: { message: { content: [] } }, usage: report }).usage,
  chat: (report) => openaiChat.response.decode({ choices: [], usage: report }).usage,
  cohere: (report) => cohereChat.response.decode({ message: { content: [] }, usage: report }).usage,
  gemini: (report) =>
    gemini.response.decode({ candidates: [{ content: { parts: [] }, finishReason: "STOP" }], usageMetadata: report })
      .usage,
  responses: (report) => openaiResponses.response.decode({ status: "completed", output: [], usage: report }).usage,
  rest: (report) => meterAnswer({ usage: report }).usage,
} as const satisfies Record<string, (report: JsonObject) => Usage | null>;

export const CASES: readonly [about: string, reader: keyof typeof READERS, report: JsonObject, booked: Usage][] = [
  [
    "OpenAI: cached and audio tokens are part of the prompt, reasoning and audio of the completion",
    "chat",
    {
      prompt_tokens: 1_000,
      completion_tokens: 300,
      total_tokens: 1_300,
      prompt_tokens_details: { cached_tokens: 600, audio_tokens: 120 },
      completion_tokens_details: { reasoning_tokens: 50, audio_tokens: 80 },
    },
    usage({
      freshInputTokens: 400,
      cacheReadTokens: 600,
      outputTokens: 300,
      reasoningTokens: 50,
      units: { input_audio_tokens: 120, output_audio_tokens: 80 },
    }),
  ],
  [
    "OpenRouter: what was written to the cache is part of the prompt, too",
    "chat",
    {
      prompt_tokens: 1_000,
      completion_tokens: 10,
      total_tokens: 1_010,
      prompt_tokens_details: { cached_tokens: 200, cache_write_tokens: 700, video_tokens: 0 },
      server_tool_use: { web_search_requests: 2 },
    },
    usage({
      freshInputTokens: 100,
      cacheReadTokens: 200,
      cacheWriteTokens: 700,
      outputTokens: 10,
      units: { web_search_requests: 2 },
    }),
  ],
  [
    "Qwen: likewise, under a name of its own",
    "chat",
    {
      prompt_tokens: 1_550,
      completion_tokens: 5,
      total_tokens: 1_555,
      prompt_tokens_details: { cached_tokens: 0, cache_creation_input_tokens: 1_500, cache_type: "ephemeral" },
    },
    usage({ freshInputTokens: 50, cacheWriteTokens: 1_500, outputTokens: 5 }),
  ],
  [
    "DeepSeek: hits and misses are the prompt",
    "chat",
    {
      prompt_tokens: 90,
      prompt_cache_hit_tokens: 64,
      prompt_cache_miss_tokens: 26,
      completion_tokens: 7,
      total_tokens: 97,
    },
    usage({ freshInputTokens: 26, cacheReadTokens: 64, outputTokens: 7 }),
  ],
  [
    "Moonshot and Together: hits stand beside the prompt that holds them",
    "chat",
    { prompt_tokens: 90, completion_tokens: 7, total_tokens: 97, cached_tokens: 64 },
    usage({ freshInputTokens: 26, cacheReadTokens: 64, outputTokens: 7 }),
  ],
  [
    "xAI: reasoning is outside of the completion, and part of what is billed",
    "chat",
    {
      prompt_tokens: 12,
      completion_tokens: 5,
      total_tokens: 317,
      prompt_tokens_details: { text_tokens: 12, audio_tokens: 0, image_tokens: 0, cached_tokens: 4 },
      completion_tokens_details: { reasoning_tokens: 300 },
      num_sources_used: 3,
    },
    usage({
      freshInputTokens: 8,
      cacheReadTokens: 4,
      outputTokens: 305,
      reasoningTokens: 300,
      units: { search_sources: 3 },
    }),
  ],
  [
    "Mistral: sound that was heard is billed by the second, and its tokens are in the total alone",
    "chat",
    { prompt_tokens: 4, completion_tokens: 635, total_tokens: 3_264, prompt_audio_seconds: 203 },
    usage({ freshInputTokens: 4, outputTokens: 635, units: { audio_seconds: 203 } }),
  ],
  [
    "Perplexity: reasoning and what was cited are neither in the completion nor in the total",
    "chat",
    {
      prompt_tokens: 33,
      completion_tokens: 7_163,
      total_tokens: 7_196,
      citation_tokens: 20_016,
      num_search_queries: 30,
      reasoning_tokens: 73_284,
    },
    usage({
      freshInputTokens: 33,
      outputTokens: 80_447,
      reasoningTokens: 73_284,
      units: { citation_tokens: 20_016, search_queries: 30 },
    }),
  ],
  [
    "SGLang: reasoning is part of the completion, and stands beside it",
    "chat",
    { prompt_tokens: 4, completion_tokens: 60, total_tokens: 64, reasoning_tokens: 50, prompt_tokens_details: null },
    usage({ freshInputTokens: 4, outputTokens: 60, reasoningTokens: 50 }),
  ],
  [
    "Anthropic: nothing overlaps; an hour's cache is a part of what was written, searches are counted by the piece",
    "anthropic",
    {
      input_tokens: 20,
      cache_read_input_tokens: 3_000,
      cache_creation_input_tokens: 1_500,
      cache_creation: { ephemeral_5m_input_tokens: 500, ephemeral_1h_input_tokens: 1_000 },
      output_tokens: 70,
      service_tier: "standard",
      server_tool_use: { web_search_requests: 2, web_fetch_requests: 0 },
    },
    usage({
      freshInputTokens: 20,
      cacheReadTokens: 3_000,
      cacheWriteTokens: 1_500,
      longCacheWriteTokens: 1_000,
      outputTokens: 70,
      serviceTier: "default",
      units: { web_search_requests: 2 },
    }),
  ],
  [
    "Anthropic: a compaction on the way is billed, and not in the totals; another model's advice is counted apart",
    "anthropic",
    {
      input_tokens: 23_000,
      output_tokens: 1_000,
      iterations: [
        { type: "compaction", input_tokens: 180_000, output_tokens: 3_500, cache_read_input_tokens: 10 },
        { type: "message", input_tokens: 23_000, output_tokens: 1_000 },
        { type: "advisor_message", model: "claude-opus-4-8", input_tokens: 800, output_tokens: 90 },
      ],
    },
    usage({
      freshInputTokens: 203_000,
      cacheReadTokens: 10,
      outputTokens: 4_500,
      units: { advisor_input_tokens: 800, advisor_output_tokens: 90 },
    }),
  ],
  [
    "Bedrock: as Anthropic, and how long a cache is kept stands in a list",
    "bedrock",
    {
      inputTokens: 20,
      outputTokens: 70,
      totalTokens: 4_590,
      cacheReadInputTokens: 3_000,
      cacheWriteInputTokens: 1_500,
      cacheDetails: [
        { ttl: "1h", inputTokens: 1_000 },
        { ttl: "5m", inputTokens: 500 },
      ],
    },
    usage({
      freshInputTokens: 20,
      cacheReadTokens: 3_000,
      cacheWriteTokens: 1_500,
      longCacheWriteTokens: 1_000,
      outputTokens: 70,
    }),
  ],
  [
    "Gemini: the cache is part of the prompt, its tools' findings are beside it, thoughts beside the answer",
    "gemini",
    {
      promptTokenCount: 1_000,
      cachedContentTokenCount: 400,
      toolUsePromptTokenCount: 90,
      candidatesTokenCount: 50,
      thoughtsTokenCount: 200,
      totalTokenCount: 1_340,
      promptTokensDetails: [
        { modality: "TEXT", tokenCount: 300 },
        { modality: "AUDIO", tokenCount: 500 },
        { modality: "IMAGE", tokenCount: 200 },
      ],
      cacheTokensDetails: [{ modality: "AUDIO", tokenCount: 400 }],
      candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: 50 }],
      serviceTier: "standard",
    },
    usage({
      freshInputTokens: 690,
      cacheReadTokens: 400,
      outputTokens: 250,
      reasoningTokens: 200,
      serviceTier: "default",
      units: {
        input_audio_tokens: 500,
        input_image_tokens: 200,
        cache_audio_read_tokens: 400,
        output_image_tokens: 50,
        tool_prompt_tokens: 90,
      },
    }),
  ],
  [
    "Vertex: its word for how it was served is another",
    "gemini",
    { promptTokenCount: 3, candidatesTokenCount: 4, totalTokenCount: 7, trafficType: "ON_DEMAND_PRIORITY" },
    usage({ freshInputTokens: 3, outputTokens: 4, serviceTier: "priority" }),
  ],
  [
    "Cohere: what is billed, not what its models read under the hood",
    "cohere",
    {
      billed_units: { input_tokens: 5, output_tokens: 418, search_units: 1 },
      tokens: { input_tokens: 71, output_tokens: 418 },
    },
    usage({ freshInputTokens: 5, outputTokens: 418, units: { search_units: 1 } }),
  ],
  [
    "Responses: cached and written are part of the input, reasoning of the output",
    "responses",
    {
      input_tokens: 800,
      input_tokens_details: { cached_tokens: 500, cache_write_tokens: 100 },
      output_tokens: 60,
      output_tokens_details: { reasoning_tokens: 40 },
      total_tokens: 860,
    },
    usage({
      freshInputTokens: 200,
      cacheReadTokens: 500,
      cacheWriteTokens: 100,
      outputTokens: 60,
      reasoningTokens: 40,
    }),
  ],
  [
    "Perplexity: Anthropic's names for the cache, inside of OpenAI's; its tools by the call",
    "responses",
    {
      input_tokens: 800,
      input_tokens_details: { cache_read_input_tokens: 500, cache_creation_input_tokens: 100 },
      output_tokens: 60,
      total_tokens: 860,
      tool_calls_details: { search_web: { invocation: 2 }, fetch_url: { invocation: 1 } },
      cost: { currency: "USD", total_cost: 0.01 },
    },
    usage({
      freshInputTokens: 200,
      cacheReadTokens: 500,
      cacheWriteTokens: 100,
      outputTokens: 60,
      units: { search_web_calls: 2, fetch_url_calls: 1 },
    }),
  ],
  [
    "xAI's Responses: its tools by the call, and none that was not used",
    "responses",
    {
      input_tokens: 9,
      output_tokens: 2,
      total_tokens: 11,
      num_sources_used: 0,
      server_side_tool_usage_details: { web_search_calls: 0, x_search_calls: 3, code_interpreter_calls: 0 },
    },
    usage({ freshInputTokens: 9, outputTokens: 2, units: { x_search_calls: 3 } }),
  ],
  [
    "Realtime: kinds of tokens under names without an s",
    "rest",
    {
      input_tokens: 100,
      output_tokens: 50,
      input_token_details: {
        cached_tokens: 30,
        audio_tokens: 70,
        text_tokens: 30,
        cached_tokens_details: { audio_tokens: 20, text_tokens: 10 },
      },
      output_token_details: { audio_tokens: 40, text_tokens: 10 },
    },
    usage({ freshInputTokens: 70, cacheReadTokens: 30, outputTokens: 50 }),
  ],
];
