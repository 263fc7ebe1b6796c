// What is changed of a forwarded body because of who gets it: fields with another name there, needless ones, refused ones.

import { afterEach, expect, test } from "bun:test";
import type { ProviderSettings } from "../../src/provider/index.ts";
import { KINDS } from "../../src/provider/index.ts";
import { type Rig, makeProviderSettings, makeRig, readJson } from "../rig.ts";

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const ANSWER = {
  id: "c",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
};

async function forward(kind: string, body: Record<string, unknown>, over: Partial<ProviderSettings> = {}) {
  const baseUrl = KINDS.get(kind)?.baseUrl ?? "";
  const settings = makeProviderSettings({ name: "p", kind, baseUrl, apiKey: "k", ...over });
  rig = await makeRig({
    config: (config) => ({ ...config, providers: [...config.providers, settings] }),
    upstream: () => Response.json(ANSWER),
  });
  const messages = [{ role: "user", content: "hello" }];
  const response = await rig.chat({ model: "p/m", messages, ...body });
  const [call] = rig.calls;
  return { response, url: call?.url, headers: call?.headers, sent: call?.body as Record<string, unknown> };
}

test("mistral: limit and seed under its names, no stream options, nothing that it refuses", async () => {
  const { response, sent } = await forward("mistral", {
    max_completion_tokens: 7,
    seed: 3,
    logit_bias: { "50256": -100 },
    temperature: 0,
  });
  expect(sent).toEqual({
    model: "m",
    messages: [{ role: "user", content: "hello" }],
    max_tokens: 7,
    random_seed: 3,
    temperature: 0,
  });
  expect(response.headers.get("x-tokligence-dropped")).toBe("logit_bias");
});

test("mistral: a stream is not asked for usage, which comes anyway", async () => {
  const { sent } = await forward("mistral", { stream: true, stream_options: { include_usage: true } });
  expect(Object.keys(sent).toSorted()).toEqual(["messages", "model", "stream"]);
  await rig?.close();
  const silent = await forward("mistral", { stream: true });
  expect(Object.keys(silent.sent).toSorted()).toEqual(["messages", "model", "stream"]);
});

test("where both names are given, the server's own stands", async () => {
  const { sent } = await forward("deepseek", { max_completion_tokens: 7, max_tokens: 5 });
  expect([sent["max_tokens"], sent["max_completion_tokens"]]).toEqual([5, undefined]);
});

test("search_parameters reach the vendor that knows them, and servers of which nobody knows what they know", async () => {
  const search = { search_parameters: { mode: "auto" } };
  for (const [kind, reaches] of [
    ["openai", false],
    ["groq", false],
    ["xai", true],
    ["compatible", true],
    ["vllm", true],
  ] as const) {
    const { sent, response } = await forward(kind, search, { baseUrl: "http://p.test/v1" });
    expect([kind, sent["search_parameters"] !== undefined]).toEqual([kind, reaches]);
    expect([kind, response.headers.get("x-tokligence-dropped")]).toEqual([kind, reaches ? null : "search_parameters"]);
    await rig?.close();
  }
});

test("an empty list of tools is left out", async () => {
  const { sent, response } = await forward("openai", { tools: [] });
  expect(sent).not.toHaveProperty("tools");
  expect(response.headers.has("x-tokligence-dropped")).toBe(false);
});

test("a model whose usual provider is not set up is no unknown model: the error names what to set", async () => {
  rig = await makeRig({
    config: (config) => ({
      ...config,
      defaultRoutes: [
        { pattern: "x-*", targets: [{ provider: "x", model: null }], origin: "default", missing: "Set X_API_KEY." },
      ],
    }),
  });
  const response = await rig.chat({ model: "x-1", messages: [{ role: "user", content: "hello" }] });
  expect(response.status).toBe(503);
  expect((await readJson(response)).error.message).toBe("Set X_API_KEY.");
});

test("what asks for what happens anyway is left out without a word, where any word of it is refused", async () => {
  const { sent, response } = await forward("openai", {
    model: "p/gpt-5-mini",
    temperature: 1,
    top_p: 0.95,
    frequency_penalty: 0,
    logprobs: null,
    logit_bias: {},
  });
  expect(Object.keys(sent).toSorted()).toEqual(["messages", "model"]);
  expect(response.headers.get("x-tokligence-dropped")).toBe("top_p");
});

test("a reasoning model of OpenAI's gets its limit under the only name that it knows", async () => {
  const { sent } = await forward("openai", { model: "p/o3", max_tokens: 100 });
  expect(sent).toEqual({ model: "o3", messages: [{ role: "user", content: "hello" }], max_completion_tokens: 100 });
  await rig?.close();
  expect((await forward("openai", { model: "p/gpt-4.1", max_tokens: 100 })).sent["max_tokens"]).toBe(100);
});
