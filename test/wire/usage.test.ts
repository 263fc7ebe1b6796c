// What vendors report becomes parts that do not overlap, whatever a server says, and comes back out of the format that told it.

import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../../src/ir/index.ts";
import { anthropicMessages } from "../../src/wire/anthropic-messages/index.ts";
import { gemini } from "../../src/wire/gemini/index.ts";
import { meterAnswer, meterResult } from "../../src/wire/index.ts";
import { openaiResponses } from "../../src/wire/openai-responses/index.ts";
import { CASES, NOTHING, READERS, usage } from "./usage-case.ts";

describe("a documented report", () => {
  test.each(CASES)("%s", (_about, reader, report, booked) => {
    expect(READERS[reader](report)).toEqual(booked);
  });
});

/** An answer of each format, with that report. */
const ANSWERS: Partial<Record<keyof typeof READERS, (report: JsonObject) => JsonObject>> = {
  anthropic: (report) => ({ id: "msg_1", type: "message", role: "assistant", content: [], usage: report }),
  chat: (report) => ({ id: "c", object: "chat.completion", choices: [], usage: report }),
  gemini: (report) => ({ candidates: [], usageMetadata: report, modelVersion: "m" }),
  responses: (report) => ({ id: "resp_1", object: "response", output: [], usage: report }),
};

describe("an answer that only passes by, or is a line of a batch, is read as its own format's", () => {
  const passing = CASES.flatMap(([about, reader, report, booked]) => {
    const wrap = ANSWERS[reader];
    return wrap === undefined ? [] : [[about, wrap(report), booked] as const];
  });
  test.each(passing)("%s", (_about, answer, booked) => {
    expect(meterAnswer(answer)).toMatchObject({ usage: booked, units: null });
    expect(meterResult({ custom_id: "a", response: { status_code: 200, body: answer } }).usage).toEqual(booked);
  });
});

describe("a report of which a number is none", () => {
  const PAIRS = {
    anthropic: ["input_tokens", "output_tokens"],
    bedrock: ["inputTokens", "outputTokens"],
    chat: ["prompt_tokens", "completion_tokens"],
    gemini: ["promptTokenCount", "candidatesTokenCount"],
    responses: ["input_tokens", "output_tokens"],
    rest: ["input_tokens", "output_tokens"],
  } as const;

  test.each(Object.entries(PAIRS) as [keyof typeof PAIRS, [string, string]][])(
    "is no report: %s",
    (id, [one, other]) => {
      for (const bad of [-4, "11", true, {}, Number.POSITIVE_INFINITY]) {
        expect(READERS[id]({ [one]: 3, [other]: bad })).toBeNull();
        expect(READERS[id]({ [one]: bad, [other]: 3 })).toBeNull();
      }
      expect(READERS[id]({ [one]: 3, [other]: null })).toMatchObject({ freshInputTokens: 3, outputTokens: 0 });
      expect(READERS[id]({ [other]: 3 })).toMatchObject({ freshInputTokens: 0, outputTokens: 3 });
      // Rows hold whole tokens: a cost of halves would not be theirs.
      expect(READERS[id]({ [one]: 3.5, [other]: 2.5 })).toMatchObject({ freshInputTokens: 3, outputTokens: 2 });
    },
  );

  test("is no report, of whatever format the others are: rest", () => {
    for (const bad of [-4, "11", true]) {
      expect(READERS.rest({ output_tokens: bad, completion_tokens: 3, prompt_tokens: 4 })).toBeNull();
      expect(READERS.rest({ promptTokenCount: bad, total_tokens: 3 })).toBeNull();
      const audio = { input_tokens: bad, output_tokens: 3, input_token_details: { audio_tokens: 100 } };
      expect(meterAnswer({ usage: audio })).toEqual({ usage: null, units: null, model: null, report: audio });
      const billed = { meta: { billed_units: { input_tokens: 3 } } };
      expect(meterAnswer({ usage: audio, ...billed }).usage).toEqual(usage({ freshInputTokens: 3 }));
      expect(meterAnswer({ meta: { billed_units: { input_tokens: bad, search_units: 2 } } })).toMatchObject({
        usage: null,
        units: { search_units: 2 },
      });
    }
  });

  test("is no report: cohere", () => {
    expect(READERS.cohere({ tokens: { input_tokens: "11", output_tokens: 3 } })).toBeNull();
    expect(
      READERS.cohere({ billed_units: { input_tokens: -4 }, tokens: { input_tokens: 3, output_tokens: 1 } }),
    ).toEqual(usage({ freshInputTokens: 3, outputTokens: 1 }));
  });
});

describe("whatever a server says", () => {
  const VALUES = [0, 1, 7, 1_000, -5, 1.5, Number.POSITIVE_INFINITY, 1e300, null, "12", true, {}, [], [{}]] as const;
  const NAMES = [...new Set(CASES.flatMap(([, , report]) => Object.keys(report)))];
  const INNER = [
    "cached_tokens",
    "reasoning_tokens",
    "thinking_tokens",
    "audio_tokens",
    "ephemeral_1h_input_tokens",
    "input_tokens",
  ];

  test.each(Object.keys(READERS) as (keyof typeof READERS)[])(
    "no part is less than nothing, or no number: %s",
    (id) => {
      // A small generator of our own, so that each run is the same.
      let seed = 7;
      const pick = <T>(list: readonly T[]): T => {
        seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
        return list[seed % list.length] as T;
      };
      const makeReport = (names: readonly string[], depth: number): JsonObject =>
        Object.fromEntries(
          Array.from({ length: 6 }, () => [
            pick(names),
            depth > 0 && pick([true, false]) ? makeReport(INNER, 0) : pick(VALUES),
          ]),
        ) as JsonObject;
      for (let round = 0; round < 3_000; round++) {
        const report = makeReport(NAMES, 1);
        const read = READERS[id](report);
        if (read === null) continue;
        const { freshInputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = read;
        const parts = [freshInputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, read.reasoningTokens ?? 0];
        for (const count of [...parts, ...Object.values(read.units ?? {})]) {
          expect(count).toBeGreaterThanOrEqual(0);
          expect(count).toBeLessThan(Number.POSITIVE_INFINITY);
        }
        expect(read.longCacheWriteTokens ?? 0).toBeLessThanOrEqual(cacheWriteTokens);
      }
    },
  );
});

test("OpenAI counts its own tools nowhere: their calls are counted in the answer, of searches those that search", () => {
  const call = (type: string, action: JsonObject = {}): JsonObject => ({ id: type, type, status: "completed", action });
  const answer = openaiResponses.response.decode({
    status: "completed",
    output: [
      call("web_search_call", { type: "search", query: "a" }),
      call("web_search_call", { type: "open_page", url: "https://example.com" }),
      call("web_search_call"),
      call("file_search_call"),
      { type: "message", role: "assistant", content: [] },
    ],
    usage: { input_tokens: 9, output_tokens: 2, total_tokens: 11 },
  });
  expect(answer.usage?.units).toEqual({ web_search_calls: 2, file_search_calls: 1 });
});

test("Gemini counts its searches nowhere either: the queries stand beside the answer", () => {
  const answer = {
    candidates: [
      {
        content: { parts: [{ text: "Yes." }] },
        finishReason: "STOP",
        groundingMetadata: { webSearchQueries: ["a", "b"], groundingChunks: [] },
      },
    ],
    usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 2, totalTokenCount: 11 },
  };
  const { usage: whole } = gemini.response.decode(answer);
  expect(whole).toEqual(usage({ freshInputTokens: 9, outputTokens: 2, units: { web_search_queries: 2 } }));
  const decoder = gemini.stream.decode();
  const data = JSON.stringify(answer);
  const events = [...decoder.push({ raw: `data: ${data}\n\n`, event: null, data }), ...decoder.end()];
  expect(events.findLast((event) => event.type === "usage")?.usage).toEqual(whole ?? NOTHING);
  expect(decoder.report()).toEqual(answer.usageMetadata);
});

test("kinds of tokens of what is no chat are told beside its usage", () => {
  const { units } = meterAnswer({
    usage: {
      input_tokens: 100,
      output_tokens: 50,
      input_token_details: { audio_tokens: 70, cached_tokens: 30, cached_tokens_details: { audio_tokens: 20 } },
      output_token_details: { audio_tokens: 40 },
    },
  });
  expect(units).toEqual({ input_audio_tokens: 70, cache_audio_read_tokens: 20, output_audio_tokens: 40 });
});

test("a line of a batch's results is read by what is in it", () => {
  const chat = { model: "gpt-4o", usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } };
  expect(meterResult({ custom_id: "a", response: { status_code: 200, body: chat }, error: null })).toMatchObject({
    model: "gpt-4o",
    usage: usage({ freshInputTokens: 5, outputTokens: 2 }),
  });
  const message = { model: "claude-sonnet-4-5", usage: { input_tokens: 9, output_tokens: 4, service_tier: "batch" } };
  expect(meterResult({ custom_id: "b", result: { type: "succeeded", message } })).toMatchObject({
    model: "claude-sonnet-4-5",
    usage: usage({ freshInputTokens: 9, outputTokens: 4, serviceTier: "batch" }),
  });
  expect(meterResult({ custom_id: "c", result: { type: "errored", error: {} } }).usage).toBeNull();
});

test("the cache that is kept for an hour, and compactions, come back out of the format that tells of them", () => {
  const report = {
    input_tokens: 23,
    cache_read_input_tokens: 0,
    cache_creation_input_tokens: 9,
    cache_creation: { ephemeral_5m_input_tokens: 4, ephemeral_1h_input_tokens: 5 },
    output_tokens: 10,
    iterations: [{ type: "compaction", input_tokens: 180, output_tokens: 35 }],
  };
  const answer = anthropicMessages.response.decode({ content: [], usage: report });
  const client = {
    request: anthropicMessages.request.decode({ model: "m", max_tokens: 9, messages: [] }),
    callId: "call",
    nowSeconds: 0,
  };
  expect(anthropicMessages.response.encode(answer, client)["usage"]).toEqual(report);
});
