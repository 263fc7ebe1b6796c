// The form of a hand-computed cost, and those of one vendor's models. The expected figures are written out as tokens times nano-dollars a
// token (a price of $2.50 a million tokens is 2,500 nano-dollars a token).

import type { Units, Usage } from "../../src/ir/index.ts";

export interface Case {
  model: string;
  usage?: Partial<Usage>;
  units?: Units;
  at?: string;
  /** Nano-dollars. */
  cost: number | null;
  /** From when the price held, where the list tells. */
  date?: string;
}

/** `fresh/read/write/output` tokens. */
export const tokens = (
  fresh: number,
  read: number,
  write: number,
  output: number,
  more: Partial<Usage> = {},
): Partial<Usage> => ({
  freshInputTokens: fresh,
  cacheReadTokens: read,
  cacheWriteTokens: write,
  outputTokens: output,
  ...more,
});

/** Dollars a million in priority: input, cached, output. The page's own figures. */
const FAST_RATES: Record<string, readonly [input: number, cached: number, output: number]> = {
  "gpt-4.1": [3.5, 0.875, 14],
  "gpt-4.1-mini": [0.7, 0.175, 2.8],
  "gpt-4.1-nano": [0.2, 0.05, 0.8],
  "gpt-4o-2024-11-20": [4.25, 2.125, 17],
  "gpt-4o-mini": [0.25, 0.125, 1],
  "gpt-5": [2.5, 0.25, 20],
  "gpt-5-codex": [2.5, 0.25, 20],
  "gpt-5.1": [2.5, 0.25, 20],
  "gpt-5.1-codex": [2.5, 0.25, 20],
  "gpt-5.2": [3.5, 0.35, 28],
  "gpt-5.4": [5, 0.5, 30],
  "gpt-5.4-mini": [1.5, 0.15, 9],
  "gpt-6-astra": [20, 2, 100],
  "gpt-6-sol": [4, 0.4, 20],
  o3: [3.5, 0.875, 14],
  "o4-mini": [2, 0.5, 8],
};

const FAST: Record<string, Case> = Object.fromEntries(
  Object.entries(FAST_RATES).flatMap(([model, [input, cached, output]]) =>
    ["priority", "fast"].map((serviceTier): [string, Case] => [
      `${model} in ${serviceTier}: $${input}, $${cached} and $${output}`,
      {
        model,
        usage: tokens(100_000, 100_000, 0, 100_000, { serviceTier }),
        at: "2026-10-01T00:00:00Z",
        // Dollars a million times 100,000 of each, and below the size from which on none is sold.
        cost: Math.round((input + cached + output) * 100_000_000),
      },
    ]),
  ),
);

// https://developers.openai.com/api/docs/pricing and, for priority, which is called fast since July 2026, https://openai.com/api-fast-mode/
export const OPENAI: Record<string, Case> = {
  "$2.50 in, $1.25 cached, $10 out": {
    model: "gpt-4o-2024-08-06",
    usage: tokens(1_000, 200, 0, 500),
    cost: 1_000 * 2_500 + 200 * 1_250 + 500 * 10_000,
  },
  "one cached token of $0.075 a million": { model: "gpt-4o-mini", usage: tokens(0, 1, 0, 0), cost: 75 },
  "three tokens in at $0.15, one out at $0.60": { model: "gpt-4o-mini", usage: tokens(3, 0, 0, 1), cost: 450 + 600 },
  "reasoning is part of the output": {
    model: "gpt-5",
    usage: tokens(10_000, 90_000, 0, 2_000, { reasoningTokens: 1_500 }),
    cost: 10_000 * 1_250 + 90_000 * 125 + 2_000 * 10_000,
  },
  "cached tokens of $0.005 a million: five nano-dollars each": {
    model: "gpt-5-nano",
    usage: tokens(1, 1, 0, 1),
    cost: 50 + 5 + 400,
  },
  "what came after the list was made sells searches as the others do, a cent and a quarter of one": {
    model: "gpt-6.1-sol-2026-11-05",
    usage: tokens(1_000, 0, 0, 100, { units: { web_search_calls: 2, file_search_calls: 1 } }),
    at: "2026-11-20T00:00:00Z",
    cost: 1_000 * 2_000 + 100 * 10_000 + 20_000_000 + 2_500_000,
  },
  "what came after the list: $2, $0.10 cached, $2.50 written, $10": {
    model: "gpt-6.1-sol",
    at: "2026-11-20T00:00:00Z",
    usage: tokens(200_000, 70_000, 2_000, 1_000),
    cost: 200_000 * 2_000 + 70_000 * 100 + 2_000 * 2_500 + 1_000 * 10_000,
  },
  "up to 272,000 tokens of input: the short price": {
    model: "gpt-5.4",
    usage: tokens(271_999, 0, 0, 100),
    cost: 271_999 * 2_500 + 100 * 15_000,
  },
  "from 272,000 on: twice in and half more out, for all of it": {
    model: "gpt-5.4",
    usage: tokens(200_000, 72_000, 0, 100),
    cost: 200_000 * 5_000 + 72_000 * 500 + 100 * 22_500,
  },
  "cache writes have a price of their own from 5.6 on": {
    model: "gpt-5.6-terra",
    usage: tokens(1_000, 2_000, 3_000, 400),
    at: "2026-10-01T00:00:00Z",
    cost: 1_000 * 2_000 + 2_000 * 200 + 3_000 * 2_500 + 400 * 12_000,
    date: "2026-07-30",
  },
  "the day before a price fell": {
    model: "gpt-5.6-sol",
    usage: tokens(1_000, 0, 0, 100),
    at: "2026-08-20T23:59:59.999Z",
    cost: 1_000 * 5_000 + 100 * 30_000,
    date: "2026-09-23",
  },
  "the day it fell": {
    model: "gpt-5.6-sol",
    usage: tokens(1_000, 0, 0, 100),
    at: "2026-08-21T00:00:00Z",
    cost: 1_000 * 4_000 + 100 * 20_000,
    date: "2026-08-21",
  },
  "$1 and $6 at first": {
    model: "gpt-5.6-luna",
    usage: tokens(1_000, 0, 0, 100),
    at: "2026-07-29T12:00:00Z",
    cost: 1_000 * 1_000 + 100 * 6_000,
  },
  "$0.20 and $1.20 later": {
    model: "gpt-5.6-luna",
    usage: tokens(1_000, 0, 0, 100),
    at: "2026-07-30T12:00:00Z",
    cost: 1_000 * 200 + 100 * 1_200,
    date: "2026-07-30",
  },
  "$10 and $40 before June 2025": {
    model: "o3",
    usage: tokens(100, 0, 0, 10),
    at: "2025-06-09T12:00:00Z",
    cost: 100 * 10_000 + 10 * 40_000,
  },
  "$2 and $8 since": {
    model: "o3",
    usage: tokens(100, 0, 0, 10),
    at: "2025-06-10T12:00:00Z",
    cost: 100 * 2_000 + 10 * 8_000,
    date: "2025-06-10",
  },
  "a batch is half, from the cache too": {
    model: "gpt-5",
    usage: tokens(1_000, 1_000, 0, 1_000, { serviceTier: "batch" }),
    // $0.625, $0.0625 and $5 a million on the batch table.
    cost: 625_000 + 62_500 + 5_000_000,
  },
  "a batch of an older model is half": {
    model: "gpt-4o",
    usage: tokens(1_000, 0, 0, 1_000, { serviceTier: "batch" }),
    cost: 1_250_000 + 5_000_000,
  },
  "whose cached tokens have no price in a batch": {
    model: "gpt-4o",
    usage: tokens(1_000, 1, 0, 1_000, { serviceTier: "batch" }),
    cost: null,
  },
  "flex is half": {
    model: "o3",
    usage: tokens(1_000, 400, 0, 100, { serviceTier: "flex" }),
    at: "2026-06-01T00:00:00Z",
    cost: 1_000 * 1_000 + 400 * 250 + 100 * 4_000,
  },
  "flex on $0.1375 of cached tokens, which no whole number of nano-dollars is": {
    model: "o4-mini",
    usage: tokens(0, 2, 0, 0, { serviceTier: "flex" }),
    // 2 × 137.5
    cost: 275,
  },
  "and of one such token, rounded": {
    model: "o4-mini",
    usage: tokens(0, 1, 0, 0, { serviceTier: "flex" }),
    // 137.5, halves up
    cost: 138,
  },
  "no flex is sold of it": { model: "gpt-4o", usage: tokens(1_000, 0, 0, 1, { serviceTier: "flex" }), cost: null },
  "priority of it is $4.25, $2.125 and $17": {
    model: "gpt-4o",
    usage: tokens(1_000, 1_000, 0, 1_000, { serviceTier: "priority" }),
    cost: 4_250_000 + 2_125_000 + 17_000_000,
  },
  "priority is $0.45, $0.045 and $3.60": {
    model: "gpt-5-mini",
    usage: tokens(1_000, 1_000, 0, 1_000, { serviceTier: "priority" }),
    cost: 450_000 + 45_000 + 3_600_000,
  },
  "priority is $12.50, $1.25 and $75": {
    model: "gpt-5.5",
    usage: tokens(1_000, 1_000, 0, 1_000, { serviceTier: "priority" }),
    cost: 12_500_000 + 1_250_000 + 75_000_000,
  },
  ...FAST,
  "priority of the first one is $8.75 and $26.25, from a cache that it does not have or not": {
    model: "gpt-4o-2024-05-13",
    usage: tokens(1_000, 1, 0, 1_000, { serviceTier: "priority" }),
    cost: 1_001 * 8_750 + 1_000 * 26_250,
  },
  "the page of priority does not name it, though the list has it under gpt-5": {
    model: "gpt-5-chat-latest",
    usage: tokens(1_000, 0, 0, 1, { serviceTier: "priority" }),
    cost: null,
  },
  "nor this one": {
    model: "gpt-5.2-codex",
    usage: tokens(1_000, 0, 0, 1, { serviceTier: "priority" }),
    cost: null,
  },
  "priority has no price for long context": {
    model: "gpt-5.5",
    usage: tokens(300_000, 0, 0, 1, { serviceTier: "priority" }),
    cost: null,
  },
  "fast mode is twice, in long context too ($16 and $60)": {
    model: "gpt-5.6-sol",
    usage: tokens(300_000, 0, 0, 1_000, { serviceTier: "fast" }),
    at: "2026-10-01T00:00:00Z",
    cost: 300_000 * 16_000 + 1_000 * 60_000,
  },
  "prepaid capacity has no price by the token": {
    model: "gpt-4o",
    usage: tokens(1_000, 0, 0, 1, { serviceTier: "scale" }),
    cost: null,
  },
  "sound: $2.50 and $10 for text, $32 and $64 for sound": {
    model: "gpt-audio",
    usage: tokens(1_000, 0, 0, 500),
    units: { input_audio_tokens: 800, output_audio_tokens: 450 },
    cost: 200 * 2_500 + 800 * 32_000 + 50 * 10_000 + 450 * 64_000,
  },
  "sound is never sold at the price of text, which is all that the list has of this model": {
    model: "gpt-4o-audio-preview",
    usage: tokens(1_000, 0, 0, 500, { units: { input_audio_tokens: 300, output_audio_tokens: 100 } }),
    cost: null,
  },
  "text of the same model: $2.50 in, $10 out": {
    model: "gpt-4o-audio-preview",
    usage: tokens(1_000, 0, 0, 500),
    cost: 1_000 * 2_500 + 500 * 10_000,
  },
  "sound from the cache: $0.40 like text, $32 fresh": {
    model: "gpt-realtime",
    usage: tokens(600, 400, 0, 100),
    units: { input_audio_tokens: 700, cache_audio_read_tokens: 300, output_audio_tokens: 80 },
    // Input 1,000, of which sound 700; from the cache 400, of which sound 300: 400 fresh sound, 200 fresh text.
    cost: 200 * 4_000 + 400 * 32_000 + 100 * 400 + 300 * 400 + 20 * 16_000 + 80 * 64_000,
  },
  "pictures: $5 for text, $10 for pictures in, $40 out": {
    model: "gpt-image-1",
    usage: tokens(400, 0, 0, 4_160),
    units: { input_image_tokens: 323 },
    cost: 77 * 5_000 + 323 * 10_000 + 4_160 * 40_000,
  },
  "$0.006 a minute of sound, by the second": {
    model: "whisper-1",
    units: { audio_seconds: 12.5 },
    // $0.0001 a second
    cost: 1_250_000,
  },
  "$0.02 a million for embeddings": { model: "text-embedding-3-small", usage: tokens(7, 0, 0, 0), cost: 140 },
  "searches cost $10 a thousand besides": {
    model: "gpt-4.1",
    usage: tokens(1_000, 0, 0, 100),
    units: { web_search_requests: 2 },
    cost: 1_000 * 2_000 + 100 * 8_000 + 2 * 10_000_000,
  },
  "searches of the web and of files, as answers tell of them": {
    model: "gpt-4.1",
    usage: tokens(1_000, 0, 0, 100, { units: { web_search_calls: 2, file_search_calls: 4 } }),
    cost: 1_000 * 2_000 + 100 * 8_000 + 2 * 10_000_000 + 4 * 2_500_000,
  },
  "pictures drawn on the way have a price of their own": {
    model: "gpt-4.1",
    usage: tokens(1_000, 0, 0, 100, { units: { image_generation_calls: 1 } }),
    cost: null,
  },
  "$0.13 a million for the larger embeddings": {
    model: "text-embedding-3-large",
    usage: tokens(2_000, 0, 0, 0),
    cost: 2_000 * 130,
  },
  "embeddings in a batch are half": {
    model: "text-embedding-3-small",
    usage: tokens(1_000, 0, 0, 0, { serviceTier: "batch" }),
    cost: 1_000 * 10,
  },
  "pictures out at $32, words beside them at $10": {
    model: "gpt-image-1.5",
    usage: tokens(300, 0, 0, 1_100),
    units: { input_image_tokens: 200, output_image_tokens: 1_056 },
    cost: 100 * 5_000 + 200 * 8_000 + 1_056 * 32_000 + 44 * 10_000,
  },
  "pictures in a batch: $2.50 for text, $4 for pictures in, $15 out": {
    model: "gpt-image-2",
    usage: tokens(300, 0, 0, 1_056, { serviceTier: "batch" }),
    units: { input_image_tokens: 200 },
    cost: 100 * 2_500 + 200 * 4_000 + 1_056 * 15_000,
  },
  "a minute of sound is $0.006": { model: "whisper-1", units: { audio_seconds: 60 }, cost: 6_000_000 },
  "speech of the small model: $10 and $20, text $0.60 and $2.40": {
    model: "gpt-audio-mini",
    usage: tokens(1_000, 0, 0, 500),
    units: { input_audio_tokens: 900, output_audio_tokens: 400 },
    cost: 100 * 600 + 900 * 10_000 + 100 * 2_400 + 400 * 20_000,
  },
  "a batch of what has no cache: $15 and $90, and no price beyond 272,000": {
    model: "gpt-5.5-pro",
    usage: tokens(100_000, 0, 0, 1_000, { serviceTier: "batch" }),
    cost: 100_000 * 15_000 + 1_000 * 90_000,
  },
  "long context of it is sold in no batch": {
    model: "gpt-5.5-pro",
    usage: tokens(300_000, 0, 0, 1, { serviceTier: "batch" }),
    cost: null,
  },
  "flex of the larger one is half beyond 272,000, too: $30 and $135": {
    model: "gpt-5.4-pro",
    usage: tokens(300_000, 0, 0, 1_000, { serviceTier: "flex" }),
    cost: 300_000 * 30_000 + 1_000 * 135_000,
  },
  "flex from the cache is half of a tenth": {
    model: "gpt-5-mini",
    usage: tokens(1_000, 9_000, 0, 100, { serviceTier: "flex" }),
    // 9,000 × 12.5
    cost: 125_000 + 112_500 + 100_000,
  },
  "written to the cache in priority: $10": {
    model: "gpt-5.6-sol",
    usage: tokens(1_000, 2_000, 3_000, 100, { serviceTier: "priority" }),
    at: "2026-10-01T00:00:00Z",
    cost: 1_000 * 8_000 + 2_000 * 800 + 3_000 * 10_000 + 100 * 40_000,
  },
  "a search costs the same in a batch": {
    model: "gpt-5",
    usage: tokens(1_000, 0, 0, 100, { serviceTier: "batch" }),
    units: { web_search_requests: 3 },
    cost: 625_000 + 500_000 + 30_000_000,
  },
  "pictures that nobody has a price for": { model: "gpt-4o", units: { images: 2 }, cost: null },
  "a model that nobody knows": { model: "gpt-99", usage: tokens(1, 0, 0, 1), cost: null },
};
