// Streams that end with a report of tokens that nobody can read: neither the client nor the books are told a number that the provider did not say.

import { afterEach, describe, expect, test } from "bun:test";
import type { LedgerEntry } from "../../src/ledger/index.ts";
import { type Rig, makeProviderSettings, makeRig, makeStream } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const LONG = "a".repeat(400);
const HELLO = [{ role: "user", content: "Hello there" }];

function frame(data: { type: string } & Record<string, unknown>): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** An answer of the Messages API. */
function sayMessage(start: object, end: object, more: object = {}): string[] {
  const message = { id: "msg_1", type: "message", role: "assistant", model: "m", content: [], stop_reason: null };
  return [
    frame({ type: "message_start", message: { ...message, usage: start } }),
    frame({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
    frame({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: LONG } }),
    frame({ type: "content_block_stop", index: 0 }),
    frame({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: end, ...more }),
    frame({ type: "message_stop" }),
  ];
}

async function ask(frames: string[], path: string, body: object): Promise<{ row: LedgerEntry; text: string }> {
  const gemini = makeProviderSettings({ name: "gemini", kind: "gemini", baseUrl: "http://gemini.test", apiKey: "k" });
  rig = await makeRig({
    upstream: () => makeStream(frames),
    config: (config) => ({ ...config, providers: [...config.providers, gemini] }),
  });
  const response = await rig.send(path, { body: { stream: true, ...body } });
  const text = await response.text();
  return { row: await rig.row(), text };
}

const CHAT = ["/v1/chat/completions", { messages: HELLO, stream_options: { include_usage: true } }] as const;
const RESPONSES = ["/v1/responses", { input: "Hello there" }] as const;
const MESSAGES = ["/v1/messages", { messages: HELLO, max_tokens: 9 }] as const;

describe.each([
  ["alone", {}],
  ["beside fields of its own", { context_management: { applied_edits: [] } }],
])("Messages, %s", (_, more) => {
  test.each<[string, object, object, Partial<LedgerEntry>]>([
    ["no number is one", { input_tokens: "9", output_tokens: "1" }, { output_tokens: "7" }, { freshInputTokens: 3 }],
    ["the last is none", { input_tokens: 9, output_tokens: 1 }, { output_tokens: "7" }, { freshInputTokens: 9 }],
    ["the last is not there", { input_tokens: 9, output_tokens: 1 }, {}, { freshInputTokens: 9 }],
    ["the last is below 0", { input_tokens: 9, output_tokens: 1 }, { output_tokens: -7 }, { freshInputTokens: 9 }],
  ])("%s", async (__, start, end, wanted) => {
    const frames = sayMessage(start, end, more);
    const estimate = { usageSource: "estimate", outputTokens: 100, ...wanted } as const;
    const input = wanted.freshInputTokens;
    const chat = await ask(frames, CHAT[0], { model: "anthropic/m", ...CHAT[1] });
    expect(chat.row).toMatchObject(estimate);
    const told = [...chat.text.matchAll(/"usage":(\{.*?"total_tokens":\d+)/gu)].map(([, json]) =>
      JSON.parse(`${json}}`),
    );
    expect(told.at(-1)).toMatchObject({ prompt_tokens: input, completion_tokens: 100 });
    await rig?.close();
    const responses = await ask(frames, RESPONSES[0], { model: "anthropic/m", ...RESPONSES[1] });
    expect(responses.row).toMatchObject(estimate);
    expect(responses.text).toContain(`"input_tokens":${input},`);
    expect(responses.text).toContain(`"output_tokens":100,`);
    await rig?.close();
    // What the provider says in its own format is its own.
    const messages = await ask(frames, MESSAGES[0], { model: "anthropic/m", ...MESSAGES[1] });
    expect(messages.row).toMatchObject(estimate);
    expect(messages.text).toContain(JSON.stringify(end));
  });
});

const NUMBERS: [string, unknown][] = [
  ["text", "7"],
  ["below 0", -7],
];

test.each(NUMBERS)("Chat Completions, where the last count is %s", async (_, count) => {
  const chunk = (over: object): string => `data: ${JSON.stringify({ id: "c", created: 1, model: "m", ...over })}\n\n`;
  const frames = [
    chunk({
      choices: [{ index: 0, delta: { content: "Hi" } }],
      usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 },
    }),
    chunk({ choices: [{ index: 0, delta: { content: LONG } }] }),
    chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }),
    chunk({ choices: [], usage: { prompt_tokens: 9, completion_tokens: count } }),
    "data: [DONE]\n\n",
  ];
  const { row, text } = await ask(frames, MESSAGES[0], { model: "local/m", ...MESSAGES[1] });
  expect(row).toMatchObject({ usageSource: "estimate", freshInputTokens: 9, outputTokens: 101 });
  expect(row.attempts[0]?.usageRaw).toContain(JSON.stringify(count));
  expect(text).toMatch(/"type":"message_delta".*"input_tokens":9,.*"output_tokens":101/u);
});

test.each(NUMBERS)("Gemini, where the last count is %s", async (_, count) => {
  const chunk = (text: string, over: object, usageMetadata: object): string =>
    `data: ${JSON.stringify({ candidates: [{ content: { role: "model", parts: [{ text }] }, ...over }], usageMetadata })}\r\n\r\n`;
  const frames = [
    chunk("Hi", {}, { promptTokenCount: 9, candidatesTokenCount: 1 }),
    chunk(LONG, { finishReason: "STOP" }, { promptTokenCount: 9, candidatesTokenCount: count }),
  ];
  const { row, text } = await ask(frames, MESSAGES[0], { model: "gemini/m", ...MESSAGES[1] });
  expect(row).toMatchObject({ usageSource: "estimate", freshInputTokens: 9, outputTokens: 101 });
  expect(text).toMatch(/"type":"message_delta".*"input_tokens":9,.*"output_tokens":101/u);
});

test.each(NUMBERS)("Text completions, where the last count is %s", async (_, count) => {
  const body = { id: "c", object: "text_completion", created: 1, model: "m" };
  const usage = { prompt_tokens: 9, completion_tokens: count };
  const chunk = (over: object): string => `data: ${JSON.stringify({ ...body, ...over })}\n\n`;
  const choice = (text: string, reason: string | null = null) => [{ index: 0, text, finish_reason: reason }];
  const frames = [
    chunk({ choices: choice("Hi"), usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 } }),
    chunk({ choices: choice(LONG, "stop") }),
    chunk({ choices: [], usage }),
    "data: [DONE]\n\n",
  ];
  const { row } = await ask(frames, "/v1/completions", { model: "local/m", prompt: "Hello there" });
  expect(row).toMatchObject({ usageSource: "estimate", freshInputTokens: 9, outputTokens: 101 });
  await rig?.close();
  const whole = await makeRig({ upstream: () => Response.json({ ...body, choices: choice(LONG, "stop"), usage }) });
  rig = whole;
  await whole.send("/v1/completions", { body: { model: "local/m", prompt: "Hello there" } });
  expect(await whole.row()).toMatchObject({ usageSource: "estimate", outputTokens: 100 });
});

test.each(NUMBERS)("Ranks, where a count is %s: nobody knows, which is not 0", async (_, count) => {
  const usage = { input_tokens: 9, output_tokens: count };
  const ranked = { results: [{ index: 0, relevance_score: 1 }], model: "m", usage };
  const gateway = await makeRig({ upstream: () => Response.json(ranked) });
  rig = gateway;
  await gateway.send("/v1/rerank", { body: { model: "local/m", query: "a", documents: ["b"] } });
  const row = await gateway.row();
  expect(row).toMatchObject({ usageSource: "none", freshInputTokens: null, outputTokens: null });
  expect(JSON.parse(row.attempts[0]?.usageRaw ?? "null")).toEqual(usage);
});

test("a report that is nested deeper than anybody can print keeps no row from being written", async () => {
  const depth = 60_000;
  const usage = `{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11,"odd":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  const choices = '[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]';
  const answer = `{"id":"c","object":"chat.completion","created":1,"model":"m","choices":${choices},"usage":${usage}}`;
  rig = await makeRig({
    upstream: () => new Response(answer, { headers: { "content-type": "application/json" } }),
  });
  const response = await rig.chat({ model: "local/m", messages: HELLO });
  expect(response.status).toBe(200);
  const row = await rig.row();
  expect(row).toMatchObject({ status: 200, usageSource: "provider", freshInputTokens: 9, outputTokens: 2 });
  expect(JSON.parse(row.attempts[0]?.usageRaw ?? "")).toEqual({
    prompt_tokens: 9,
    completion_tokens: 2,
    total_tokens: 11,
  });
}, 30_000);

test.each([
  ["of its reasoning", { completion_tokens_details: { reasoning_tokens: 1e300 } }],
  ["of what has a price of its own", { prompt_tokens_details: { audio_tokens: 1e300 } }],
])("a count %s that outgrows all sums makes it no report", async (_, more) => {
  const usage = { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11, ...more };
  const message = { role: "assistant", content: "Hi" };
  const choices = [{ index: 0, message, finish_reason: "stop" }];
  rig = await makeRig({
    upstream: () => Response.json({ id: "c", object: "chat.completion", created: 1, model: "m", choices, usage }),
  });
  await rig.chat({ model: "local/m", messages: HELLO });
  expect(await rig.row()).toMatchObject({
    usageSource: "none",
    freshInputTokens: null,
    outputTokens: null,
    reasoningTokens: null,
    units: null,
  });
});
