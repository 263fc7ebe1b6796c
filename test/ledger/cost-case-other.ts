// Hand-computed costs of the other vendors' models, each with its vendor's price page.

import { type Case, tokens } from "./cost-case.ts";

const MILLION = 1_000_000;

// https://platform.claude.com/docs/en/about-claude/pricing
export const ANTHROPIC: Record<string, Case> = {
  "$3, $0.30 read, $3.75 written for 5 minutes, $15": {
    model: "claude-sonnet-4-5-20250929",
    usage: tokens(500, 200, 300, 5),
    cost: 500 * 3_000 + 200 * 300 + 300 * 3_750 + 5 * 15_000,
  },
  "the newest small one: $0.10, $0.01 read, $0.125 and $0.20 written, $0.50": {
    model: "claude-haiku-5-5",
    at: "2026-11-20T00:00:00Z",
    usage: tokens(90_000, 8_000, 2_000, 100, { longCacheWriteTokens: 500 }),
    cost: 90_000 * 100 + 8_000 * 10 + 1_500 * 125 + 500 * 200 + 100 * 500,
  },
  "by the name with its day, too": {
    model: "claude-haiku-5-5-20261101",
    at: "2026-11-20T00:00:00Z",
    usage: tokens(90_000, 0, 0, 0),
    cost: 90_000 * 100,
  },
  "of it beyond 100,000 tokens: $0.50, $0.05, $0.625 and $1, $2.50": {
    model: "claude-haiku-5-5",
    at: "2026-11-20T00:00:00Z",
    usage: tokens(90_000, 8_000, 2_001, 100, { longCacheWriteTokens: 500 }),
    cost: 90_000 * 500 + 8_000 * 50 + 1_501 * 625 + 500 * 1_000 + 100 * 2_500,
  },
  "the middle one: $2, $0.20 read until 7 October 2026": {
    model: "claude-sonnet-5-5",
    at: "2026-10-06T23:59:59Z",
    usage: tokens(1_000, 1_000, 0, 1_000),
    cost: 1_000 * 2_000 + 1_000 * 200 + 1_000 * 10_000,
  },
  "of it $0.10 read since": {
    model: "claude-sonnet-5-5",
    at: "2026-10-07T00:00:00Z",
    usage: tokens(1_000, 1_000, 0, 1_000),
    cost: 1_000 * 2_000 + 1_000 * 100 + 1_000 * 10_000,
  },
  "of 300 written, 100 for an hour at $6": {
    model: "claude-sonnet-4-5",
    usage: tokens(500, 200, 300, 5, { longCacheWriteTokens: 100 }),
    cost: 500 * 3_000 + 200 * 300 + 200 * 3_750 + 100 * 6_000 + 5 * 15_000,
  },
  "$0.25, $0.03 read, $0.30 and $0.50 written, $1.25": {
    model: "claude-3-haiku-20240307",
    usage: tokens(10, 20, 30, 40, { longCacheWriteTokens: 10 }),
    cost: 10 * 250 + 20 * 30 + 20 * 300 + 10 * 500 + 40 * 1_250,
  },
  "a batch is half of everything": {
    model: "claude-opus-4-5",
    usage: tokens(1_000, 1_000, 1_000, 1_000, { longCacheWriteTokens: 400, serviceTier: "batch" }),
    cost: 2_500_000 + 250_000 + 600 * 3_125 + 400 * 5_000 + 12_500_000,
  },
  "but of searches, which are a cent each there, too": {
    model: "claude-opus-4-5",
    usage: tokens(1_000, 0, 0, 100, { serviceTier: "batch", units: { web_search_requests: 3 } }),
    cost: 2_500_000 + 1_250_000 + 30_000_000,
  },
  "beyond 200,000 tokens: $6, $0.60, $7.50 and $12, $22.50": {
    model: "claude-sonnet-4-5",
    usage: tokens(150_000, 40_000, 20_000, 1_000, { longCacheWriteTokens: 5_000 }),
    at: "2026-01-15T00:00:00Z",
    cost: 150_000 * 6_000 + 40_000 * 600 + 15_000 * 7_500 + 5_000 * 12_000 + 1_000 * 22_500,
  },
  "exactly 200,000 is still short": {
    model: "claude-sonnet-4-5",
    usage: tokens(200_000, 0, 0, 1),
    cost: 200_000 * 3_000 + 15_000,
  },
  "long context cost more until March 2026": {
    model: "claude-opus-4-6",
    usage: tokens(300_000, 0, 0, 1_000),
    at: "2026-03-12T12:00:00Z",
    cost: 300_000 * 10_000 + 1_000 * 37_500,
  },
  "and does not since": {
    model: "claude-opus-4-6",
    usage: tokens(300_000, 0, 0, 1_000),
    at: "2026-03-13T12:00:00Z",
    cost: 300_000 * 5_000 + 1_000 * 25_000,
    date: "2026-03-13",
  },
  "in the United States alone, a tenth more": {
    model: "claude-opus-4-6",
    usage: tokens(1_000, 1_000, 0, 100, { units: { us_inference: 1, web_search_requests: 1 } }),
    // A search is a cent anywhere.
    cost: 5_500_000 + 550_000 + 100 * 27_500 + 10_000_000,
  },
  "which an older model cannot be asked for": {
    model: "claude-haiku-4-5",
    usage: tokens(1_000, 0, 0, 0, { units: { us_inference: 1 } }),
    cost: 1_000_000,
  },
  "$4, $0.20 read, $5 and $8 written, $20": {
    model: "claude-opus-5-5",
    usage: tokens(1_000, 2_000, 300, 100, { longCacheWriteTokens: 200 }),
    at: "2026-10-01T00:00:00Z",
    cost: 1_000 * 4_000 + 2_000 * 200 + 100 * 5_000 + 200 * 8_000 + 100 * 20_000,
  },
  "a batch beyond 200,000, with the cache written for both times": {
    model: "claude-sonnet-4-5",
    usage: tokens(150_000, 40_000, 20_000, 1_000, { longCacheWriteTokens: 5_000, serviceTier: "batch" }),
    at: "2026-01-15T00:00:00Z",
    cost: 150_000 * 3_000 + 40_000 * 300 + 15_000 * 3_750 + 5_000 * 6_000 + 1_000 * 11_250,
  },
  "searches are a cent each, beside any tokens": {
    model: "claude-sonnet-4-5",
    usage: tokens(1_000, 0, 0, 100, { units: { web_search_requests: 4 } }),
    cost: 3_000_000 + 1_500_000 + 40_000_000,
  },
  "the fast mode's price is its own": {
    model: "claude-opus-4-6",
    usage: tokens(1_000, 0, 0, 100, { serviceTier: "fast" }),
    cost: null,
  },
  "another model's advice has that model's price": {
    model: "claude-opus-4-6",
    usage: tokens(1_000, 0, 0, 100, { units: { advisor_input_tokens: 5, advisor_output_tokens: 1 } }),
    cost: null,
  },
  "priority was bought beforehand": {
    model: "claude-haiku-4-5",
    usage: tokens(1, 0, 0, 1, { serviceTier: "priority" }),
    cost: null,
  },
};

// https://api-docs.deepseek.com/quick_start/pricing
export const DEEPSEEK: Record<string, Case> = {
  "the usual hours: $0.27, $0.07 cached, $1.10": {
    model: "deepseek-chat",
    usage: tokens(1_000, 1_000, 0, 1_000),
    at: "2025-03-01T00:30:00Z",
    cost: 270_000 + 70_000 + 1_100_000,
  },
  "half at night, from 16:30 UTC on": {
    model: "deepseek-chat",
    usage: tokens(1_000, 1_000, 0, 1_000),
    at: "2025-03-01T16:30:00Z",
    cost: 135_000 + 35_000 + 550_000,
  },
  "no peak hours before mid-August 2026": {
    model: "deepseek-v4-flash",
    usage: tokens(1_000, 1_000, 0, 1_000),
    at: "2026-08-16T02:00:00Z",
    cost: 140_000 + 2_800 + 280_000,
  },
  "twice in peak hours since": {
    model: "deepseek-v4-flash",
    usage: tokens(1_000, 1_000, 0, 1_000),
    at: "2026-09-01T02:00:00Z",
    cost: 440_000 + 14_000 + 1_320_000,
    date: "2026-08-17",
  },
  "the larger one twice, too: $1.32, $0.044 and $3.96": {
    model: "deepseek-v4-pro",
    usage: tokens(1_000, 1_000, 0, 1_000),
    at: "2026-09-01T09:59:59Z",
    cost: 1_320_000 + 44_000 + 3_960_000,
  },
  "and half of it from ten o'clock on": {
    model: "deepseek-v4-pro",
    usage: tokens(1_000, 1_000, 0, 1_000),
    at: "2026-09-01T10:00:00Z",
    cost: 660_000 + 22_000 + 1_980_000,
  },
  "the small one since September: $0.30, $0.006 and $1.20 on a Monday morning in Beijing": {
    model: "deepseek-v4-flash",
    usage: tokens(1_000, 1_000, 0, 1_000),
    at: "2026-11-23T01:00:00Z",
    cost: 300_000 + 6_000 + 1_200_000,
    date: "2026-09-10",
  },
  "under its own name, too, and half of it at noon": {
    model: "deepseek-flash",
    usage: tokens(1_000, 1_000, 0, 1_000),
    at: "2026-11-23T04:00:00Z",
    cost: 150_000 + 3_000 + 600_000,
  },
  "half of it at the same hour of a Saturday": {
    model: "deepseek-flash",
    usage: tokens(1_000, 1_000, 0, 1_000),
    at: "2026-11-21T02:00:00Z",
    cost: 150_000 + 3_000 + 600_000,
  },
  "and of a public holiday": {
    model: "deepseek-v4-pro",
    usage: tokens(1_000, 1_000, 0, 1_000),
    at: "2026-10-05T02:00:00Z",
    cost: 660_000 + 22_000 + 1_980_000,
  },
  "and once beside them, from the very second": {
    model: "deepseek-v4-flash",
    usage: tokens(1_000, 1_000, 0, 1_000),
    at: "2026-09-01T04:00:00Z",
    cost: 220_000 + 7_000 + 660_000,
    date: "2026-08-17",
  },
};

export const OTHERS: Record<string, Record<string, Case>> = {
  // https://mistral.ai/pricing/api
  mistral: {
    "$0.40 and $2 before": {
      model: "mistral-medium-latest",
      usage: tokens(1_000, 0, 0, 100),
      at: "2026-06-15T12:00:00Z",
      cost: 400_000 + 200_000,
    },
    "$1.50, $0.15 cached and $7.50 since June 2026": {
      model: "mistral-medium-latest",
      usage: tokens(1_000, 1_000, 0, 100),
      at: "2026-06-16T12:00:00Z",
      cost: 1_500_000 + 150_000 + 750_000,
      date: "2026-06-16",
    },
    "a batch is half": {
      model: "mistral-large-2512",
      usage: tokens(1_000, 0, 0, 1_000, { serviceTier: "batch" }),
      cost: 250_000 + 750_000,
    },
    "sound that a chat heard is sold by the second, and the list has no price of it": {
      model: "voxtral-small-latest",
      usage: tokens(4, 0, 0, 635, { units: { audio_seconds: 203 } }),
      cost: null,
    },
    "pages at $4 a thousand": {
      model: "mistral-ocr-latest",
      units: { input_document_pages: 10 },
      at: "2026-07-01T00:00:00Z",
      cost: 40_000_000,
    },
  },
  // https://console.groq.com/docs/models, https://console.groq.com/docs/speech-to-text
  groq: {
    "three seconds of sound are charged as ten, at $0.111 an hour": {
      model: "whisper-large-v3",
      units: { audio_seconds: 3 },
      // 10 / 3,600 × $0.111 = $0.000308333…
      cost: 308_333,
    },
    "an hour and a half": { model: "whisper-large-v3", units: { audio_seconds: 5_400 }, cost: 166_500_000 },
    "flex costs what the usual tier does": {
      model: "llama-3.3-70b-versatile",
      usage: tokens(1_000, 0, 0, 1_000, { serviceTier: "flex" }),
      cost: 590_000 + 790_000,
    },
    "the usual tier by its own name": {
      model: "llama-3.3-70b-versatile",
      usage: tokens(1_000, 0, 0, 1_000, { serviceTier: "on_demand" }),
      cost: 590_000 + 790_000,
    },
  },
  // https://docs.x.ai/developers/pricing
  "x-ai": {
    "from 200,000 tokens on twice": {
      model: "grok-4.5",
      usage: tokens(200_000, 0, 0, 10),
      cost: 200_000 * 4_000 + 10 * 12_000,
    },
    "below, once": { model: "grok-4.5", usage: tokens(199_999, 0, 0, 10), cost: 199_999 * 2_000 + 10 * 6_000 },
    "searches in attached documents are sold by the call": {
      model: "grok-4.5",
      usage: tokens(100, 0, 0, 10, { units: { document_search_calls: 2 } }),
      cost: null,
    },
  },
  // https://aws.amazon.com/bedrock/pricing/
  aws: {
    "a region's own addresses cost a tenth more": {
      model: "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
      usage: tokens(1_000, 1_000, 1_000, 1_000),
      cost: 3_300_000 + 330_000 + 4_125_000 + 16_500_000,
    },
    "writes for an hour have no price on the list, and none is made up": {
      model: "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
      usage: tokens(1_000, 0, 1_000, 1_000, { longCacheWriteTokens: 1 }),
      cost: null,
    },
    "sound at $3.40 and $13.60": {
      model: "amazon.nova-sonic-v1:0",
      usage: tokens(100, 0, 0, 100),
      units: { input_audio_tokens: 90, output_audio_tokens: 100 },
      cost: 10 * 60 + 90 * 3_400 + 100 * 13_600,
    },
    "a tier of which no page tells the price": {
      model: "amazon.nova-lite-v1:0",
      usage: tokens(1, 0, 0, 1, { serviceTier: "priority" }),
      cost: null,
    },
  },
  // https://docs.perplexity.ai/docs/getting-started/pricing
  perplexity: {
    "a fee for the request itself": {
      model: "sonar-pro",
      usage: tokens(100, 0, 0, 200),
      cost: 14_000_000 + 100 * 3_000 + 200 * 15_000,
    },
    "reasoning and citations have prices of their own": {
      model: "sonar-deep-research",
      usage: tokens(100, 0, 0, 1_000, {
        reasoningTokens: 600,
        units: { output_citation_tokens: 100, web_searches: 3 },
      }),
      cost: 100 * 2_000 + 300 * 8_000 + 600 * 3_000 + 100 * 2_000 + 3 * 5_000_000,
    },
    "as they are told: what was cited beside the output, and searches under a name of their own": {
      model: "sonar-deep-research",
      usage: tokens(33, 0, 0, 7_163 + 73_284, {
        reasoningTokens: 73_284,
        units: { citation_tokens: 20_016, search_queries: 30 },
      }),
      cost: 33 * 2_000 + 7_163 * 8_000 + 73_284 * 3_000 + 20_016 * 2_000 + 30 * 5_000_000,
    },
    "a fee for the request pays for what was searched and cited": {
      model: "sonar-pro",
      usage: tokens(100, 0, 0, 200, { units: { citation_tokens: 500, search_queries: 3 } }),
      cost: 14_000_000 + 100 * 3_000 + 200 * 15_000,
    },
    "searches and pages that an answer's tools fetched are sold by the call": {
      model: "sonar",
      usage: tokens(100, 0, 0, 200, { units: { search_web_calls: 2, fetch_url_calls: 1 } }),
      cost: null,
    },
    "and are not guessed": {
      model: "sonar-deep-research",
      usage: tokens(100, 0, 0, 1_000, { reasoningTokens: null }),
      cost: null,
    },
  },
  // https://ai.google.dev/gemini-api/docs/pricing: the list has an empty entry, and each piece is $0.04.
  cerebras: {
    "what is offered no more was no gift": { model: "qwen-3-coder-480b", usage: tokens(9, 0, 0, 100), cost: null },
  },
  openrouter: {
    "music is sold by the piece": { model: "google/lyria-3-clip-preview", usage: tokens(9, 0, 0, 100), cost: null },
    "and what is free says so": { model: "openai/gpt-oss-20b:free", usage: tokens(9, 0, 0, 100), cost: 0 },
  },
  // https://cohere.com/pricing, https://docs.voyageai.com/docs/pricing, https://platform.kimi.ai/docs/pricing/chat-k26.md
  cohere: {
    "$2.50 and $10": { model: "command-a-03-2025", usage: tokens(10, 0, 0, 10), cost: 25_000 + 100_000 },
    "a picture beside no words is not free": {
      model: "embed-v4.0",
      usage: tokens(0, 0, 0, 0),
      units: { images: 1 },
      cost: null,
    },
  },
  voyageai: { "$0.06": { model: "voyage-3.5", usage: tokens(50, 0, 0, 0), cost: 3_000 } },
  moonshotai: {
    "$0.95, $0.16 cached, $4": {
      model: "kimi-k2.6",
      usage: tokens(MILLION, MILLION, 0, MILLION),
      cost: 950_000_000 + 160_000_000 + 4_000_000_000,
    },
  },
};
