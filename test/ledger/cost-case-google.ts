// Hand-computed costs of Google's models.

import { type Case, tokens } from "./cost-case.ts";

// https://ai.google.dev/gemini-api/docs/pricing
export const GOOGLE: Record<string, Case> = {
  "what was searched for is sold by the query, beyond a number that is free": {
    model: "gemini-2.5-pro",
    usage: tokens(1_000, 0, 0, 100, { units: { web_search_queries: 2 } }),
    cost: null,
  },
  "$1.25, $0.125 cached, $10 up to 200,000": {
    model: "gemini-2.5-pro",
    usage: tokens(150_000, 50_000, 0, 1_000),
    cost: 150_000 * 1_250 + 50_000 * 125 + 1_000 * 10_000,
  },
  "$2.50, $0.25 cached, $15 beyond": {
    model: "gemini-2.5-pro",
    usage: tokens(150_001, 50_000, 0, 1_000),
    cost: 150_001 * 2_500 + 50_000 * 250 + 1_000 * 15_000,
  },
  "$0.30 for text, $1 for sound, of the cache $0.03 and $0.10": {
    model: "gemini-2.5-flash",
    usage: tokens(1_000, 500, 0, 100, { units: { input_audio_tokens: 900, cache_audio_read_tokens: 300 } }),
    // Sound: 900, of which 300 from the cache. Text: 600, of which 200 from the cache.
    cost: 600 * 1_000 + 400 * 300 + 300 * 100 + 200 * 30 + 100 * 2_500,
  },
  "thoughts are output: $12 up to 200,000": {
    model: "gemini-3.1-pro-preview",
    usage: tokens(1_000, 0, 0, 900, { reasoningTokens: 800 }),
    cost: 1_000 * 2_000 + 900 * 12_000,
  },
  "and $18 beyond, with $4 in and $0.40 from the cache": {
    model: "gemini-3.1-pro-preview",
    usage: tokens(150_000, 60_000, 0, 900, { reasoningTokens: 800 }),
    cost: 150_000 * 4_000 + 60_000 * 400 + 900 * 18_000,
  },
  "sound at $1, of the cache $0.10": {
    model: "gemini-3-flash-preview",
    usage: tokens(1_000, 100, 0, 50, { units: { input_audio_tokens: 600, cache_audio_read_tokens: 60 } }),
    // Sound 600, of which 60 from the cache; text 500, of which 40 from the cache.
    cost: 540 * 1_000 + 460 * 500 + 60 * 100 + 40 * 50 + 50 * 3_000,
  },
  "pictures out at $30, words at $2.50": {
    model: "gemini-2.5-flash-image",
    usage: tokens(100, 0, 0, 1_300, { units: { output_image_tokens: 1_290 } }),
    cost: 100 * 300 + 1_290 * 30_000 + 10 * 2_500,
  },
  "embeddings: $0.20 for text, $6.50 for sound": {
    model: "gemini-embedding-2",
    usage: tokens(100, 0, 0, 0, { units: { input_audio_tokens: 80 } }),
    cost: 20 * 200 + 80 * 6_500,
  },
  "and $0.45 for pages of a document, which are pictures": {
    model: "gemini-embedding-2",
    usage: tokens(1_000, 0, 0, 0, { units: { input_document_tokens: 800, input_image_tokens: 100 } }),
    cost: 100 * 200 + 900 * 450,
  },
  "flex is half": {
    model: "gemini-2.5-flash",
    usage: tokens(1_000, 0, 0, 100, { serviceTier: "flex" }),
    cost: 1_000 * 150 + 100 * 1_250,
  },
  "a batch is half": {
    model: "gemini-2.5-pro",
    usage: tokens(1_000, 0, 0, 100, { serviceTier: "batch" }),
    cost: 1_000 * 625 + 100 * 5_000,
  },
  "priority costs 75 to 100 % more, which is no price": {
    model: "gemini-2.5-pro",
    usage: tokens(1_000, 0, 0, 100, { serviceTier: "priority" }),
    cost: null,
  },
  "$0.75 and $3.75 through 2026": {
    model: "gemini-3.6-flash",
    usage: tokens(1_000, 0, 0, 100),
    at: "2026-12-31T23:59:59Z",
    cost: 1_000 * 750 + 100 * 3_750,
  },
  "$1.50 and $7.50 from 2027 on": {
    model: "gemini-3.6-flash",
    usage: tokens(1_000, 0, 0, 100),
    at: "2027-01-01T00:00:00Z",
    cost: 1_000 * 1_500 + 100 * 7_500,
    date: "2027-01-01",
  },
};
