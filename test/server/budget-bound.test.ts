// What is reserved of a budget before a provider answers is what the request itself says that it may cost.

import { afterEach, expect, test } from "bun:test";
import { makeBudget } from "../ledger/budget/sample.ts";
import { type Rig, makeRig } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const MODEL = "claude-sonnet-4-5";
/** About 7,500 tokens, at $6 a million. */
const TEXT = "word ".repeat(6_000);
const COST_NANOS = 7_500 * 6_000;
const LIMIT_NANOS = 300_000_000;

const answer = (): Response =>
  Response.json({
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: MODEL,
    content: [{ type: "text", text: "" }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: {
      input_tokens: 0,
      output_tokens: 0,
      cache_creation_input_tokens: 7_500,
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 7_500 },
    },
  });

test("calls at once whose input is to be kept in a cache for an hour overshoot by one at most", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const gateway = await makeRig({
    async upstream({ method }) {
      if (method === "GET") return Response.json({ data: [] });
      await promise;
      return answer();
    },
  });
  rig = gateway;
  const budget = makeBudget({ unit: "usd", hardLimit: LIMIT_NANOS });
  await gateway.store.budgets.create(budget);
  await gateway.budgets.refresh();
  const content = [{ type: "text", text: TEXT, cache_control: { type: "ephemeral", ttl: "1h" } }];
  const body = { model: MODEL, max_tokens: 1, messages: [{ role: "user", content }] };
  const asked = Array.from({ length: 20 }, () => gateway.send("/v1/messages", { body }));
  while (gateway.calls.length === 0) await new Promise(setImmediate);
  resolve();
  let isOver = false;
  const all = Promise.all(asked).finally(() => (isOver = true));
  while (!isOver) {
    gateway.clock.advance(100);
    await new Promise(setImmediate);
  }
  const statuses = (await all).map(({ status }) => status);
  expect(statuses).toContain(429);
  const spent = (await gateway.budgets.look(budget, null))?.spent;
  expect(spent).toBe(statuses.filter((status) => status === 200).length * COST_NANOS);
  expect(spent).toBeLessThanOrEqual(LIMIT_NANOS + COST_NANOS);
});

test.each<[string, string, object, number]>([
  // 1,000 tokens at $64 a million.
  ["sound", "/v1/chat/completions", { model: "openai/gpt-audio", modalities: ["text", "audio"] }, 64_000_000],
  ["text alone", "/v1/chat/completions", { model: "openai/gpt-audio", modalities: ["text"] }, 10_000_000],
])("%s is reserved at its price", async (_what, path, body, nanos) => {
  const held = await readHeld(path, { max_tokens: 1_000, messages: [{ role: "user", content: "Hi" }], ...body }, "usd");
  expect(held).toBeGreaterThanOrEqual(nanos);
  expect(held).toBeLessThan(1.1 * nanos);
});

/** As text, 20,000 tokens. */
const ENCODED = "QUJD".repeat(15_000);

test.each<[string, string, object]>([
  [
    "chat",
    "/v1/chat/completions",
    say("messages", { type: "image_url", image_url: { url: `data:image/png;base64,${ENCODED}` } }),
  ],
  [
    "chat, of sound",
    "/v1/chat/completions",
    say("messages", { type: "input_audio", input_audio: { data: ENCODED, format: "wav" } }),
  ],
  [
    "chat, of a file",
    "/v1/chat/completions",
    say("messages", { type: "file", file: { file_data: `data:application/pdf;base64,${ENCODED}` } }),
  ],
  ["responses", "/v1/responses", say("input", { type: "input_image", image_url: `data:image/png;base64,${ENCODED}` })],
  [
    "responses, of one that was made",
    "/v1/responses",
    { input: [{ type: "image_generation_call", id: "ig_1", status: "completed", result: ENCODED }] },
  ],
  [
    "messages",
    "/v1/messages",
    say("messages", { type: "image", source: { type: "base64", media_type: "image/png", data: ENCODED } }),
  ],
  [
    "Google's",
    "/v1beta/models/gpt-4o:generateContent",
    { contents: [{ role: "user", parts: [{ inline_data: { mime_type: "image/png", data: ENCODED } }] }] },
  ],
])("a picture, or whatever is no text, is not taken for text: %s", async (_what, path, body) => {
  const held = await readHeld(path, { model: "gpt-4o", max_tokens: 1, ...body }, "tokens");
  expect(held).toBeGreaterThanOrEqual(path.includes("responses") ? 0 : 1_600);
  expect(held).toBeLessThan(20_000);
});

function say(name: string, part: object): object {
  return { [name]: [{ role: "user", content: [part] }] };
}

const URL_PART = { type: "image_url", image_url: { url: "https://example.com/a.png" } };

test.each<[string, string, object, number]>([
  [
    "pictures that are named by their address",
    "/v1/chat/completions",
    { messages: [{ role: "user", content: Array.from({ length: 10 }, () => URL_PART) }] },
    16_000,
  ],
  [
    "files of Google's that are named by theirs",
    "/v1beta/models/gpt-4o:generateContent",
    {
      contents: [{ role: "user", parts: [{ fileData: { mimeType: "image/png", fileUri: "https://example.com/a" } }] }],
    },
    1_600,
  ],
  [
    "prompts that are each gone on with",
    "/v1/completions",
    { model: "openai/gpt-3.5-turbo-instruct", prompt: ["a", "b", "c"], max_tokens: 1_000 },
    3_000,
  ],
  [
    "the larger one of two limits, whichever its provider knows",
    "/v1/chat/completions",
    { messages: [{ role: "user", content: "Hi" }], max_output_tokens: 0, max_tokens: 9_000, n: 1, candidateCount: 2 },
    18_000,
  ],
  [
    "a text in a language without blanks",
    "/v1/chat/completions",
    { messages: [{ role: "user", content: "长".repeat(20_000) }] },
    20_000,
  ],
  [
    "a text that looks like encoded data",
    "/v1/chat/completions",
    { messages: [{ role: "user", content: [{ type: "text", text: ENCODED }] }] },
    20_000,
  ],
  ["what it is told to do, looking like encoded data", "/v1/responses", { input: "Hi", instructions: ENCODED }, 20_000],
  [
    "what a tool was asked for, looking like encoded data",
    "/v1/messages",
    {
      messages: [
        { role: "assistant", content: [{ type: "tool_use", id: "t", name: "run", input: { code: ENCODED } }] },
      ],
    },
    20_000,
  ],
  [
    "what a tool is for, looking like encoded data",
    "/v1/chat/completions",
    {
      messages: [{ role: "user", content: "Hi" }],
      tools: [{ type: "function", function: { name: "run", description: ENCODED } }],
    },
    20_000,
  ],
  [
    "what a tool of Google's told, looking like encoded data",
    "/v1beta/models/gpt-4o:generateContent",
    { contents: [{ role: "user", parts: [{ functionResponse: { name: "run", response: { result: ENCODED } } }] }] },
    20_000,
  ],
  [
    "a document of text, looking like encoded data",
    "/v1/messages",
    {
      messages: [
        {
          role: "user",
          content: [{ type: "document", source: { type: "text", media_type: "text/plain", data: ENCODED } }],
        },
      ],
    },
    20_000,
  ],
  [
    "a file of text",
    "/v1/responses",
    {
      input: [
        {
          role: "user",
          content: [{ type: "input_file", filename: "a", file_data: `data:text/plain;base64,${ENCODED}` }],
        },
      ],
    },
    15_000,
  ],
  [
    "Google's file of text",
    "/v1beta/models/gpt-4o:generateContent",
    { contents: [{ role: "user", parts: [{ inlineData: { mimeType: "text/plain", data: ENCODED } }] }] },
    15_000,
  ],
  [
    "a text that only begins like encoded data",
    "/v1/chat/completions",
    { messages: [{ role: "user", content: `data: ${"word ".repeat(10_000)}` }] },
    10_000,
  ],
])("%s", async (_what, path, body, least) => {
  expect(await readHeld(path, { model: "gpt-4o", max_tokens: 1, ...body }, "tokens")).toBeGreaterThanOrEqual(least);
});

test("a turn of a conversation that its provider keeps, with what the turn before it came to", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const turn = (id: string): Response =>
    Response.json({
      id,
      object: "response",
      created_at: 1,
      status: "completed",
      model: "gpt-5",
      output: [{ type: "message", id: "msg_1", role: "assistant", content: [{ type: "output_text", text: "Hi" }] }],
      usage: { input_tokens: 50_000, output_tokens: 1_000, total_tokens: 51_000 },
    });
  const gateway = await makeRig({
    async upstream({ method, text }) {
      if (method === "GET") return Response.json({ data: [] });
      if (!text.includes("resp_1")) return turn("resp_1");
      await promise;
      return turn("resp_2");
    },
  });
  rig = gateway;
  const budget = makeBudget({ hardLimit: 1_000_000 });
  await gateway.store.budgets.create(budget);
  await gateway.budgets.refresh();
  const body = { model: "gpt-5", input: "x", max_output_tokens: 16 };
  expect((await gateway.send("/v1/responses", { body })).status).toBe(200);
  const pending = gateway.send("/v1/responses", { body: { ...body, previous_response_id: "resp_1" } });
  while (gateway.calls.length < 2) await new Promise(setImmediate);
  expect((await gateway.budgets.look(budget, null))?.held).toBeGreaterThanOrEqual(51_000);
  resolve();
  expect((await pending).status).toBe(200);
});

/** What a budget holds of a call while its provider is asked. */
async function readHeld(path: string, body: object, unit: "tokens" | "usd"): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const gateway = await makeRig({
    async upstream({ method }) {
      if (method === "GET") return Response.json({ data: [] });
      await promise;
      return Response.json({ error: { message: "no" } }, { status: 400 });
    },
  });
  rig = gateway;
  const budget = makeBudget({ unit, hardLimit: 1_000_000_000 });
  await gateway.store.budgets.create(budget);
  await gateway.budgets.refresh();
  const pending = gateway.send(path, { body });
  while (gateway.calls.length === 0) await new Promise(setImmediate);
  const held = (await gateway.budgets.look(budget, null))?.held;
  resolve();
  expect((await pending).status).toBe(400);
  return held;
}
