// Numbers that Google's clients write as text, as protobuf's JSON allows: they mean the same wherever the request goes, and anything else is refused.

import { afterEach, describe, expect, test } from "bun:test";
import { type Rig, makeProviderSettings, makeRig, readJson } from "../rig.ts";
import { say, sayMessage } from "./route-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const CONTENTS = [{ role: "user", parts: [{ text: "Hello" }] }];

const ANSWER = {
  candidates: [{ content: { parts: [{ text: "Hi" }], role: "model" }, finishReason: "STOP" }],
  usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1 },
};

async function open(): Promise<Rig> {
  const google = makeProviderSettings({ name: "gemini", kind: "gemini", baseUrl: "http://google.test", apiKey: "k" });
  rig = await makeRig({
    upstream({ url }) {
      if (url.includes("google")) return Response.json(ANSWER);
      if (url.includes("embeddings")) return Response.json({ data: [{ index: 0, embedding: [1] }] });
      return url.includes("anthropic") ? sayMessage("hi") : say("hi");
    },
    config: (config) => ({ ...config, providers: [...config.providers, google] }),
  });
  return rig;
}

const ask = (gateway: Rig, model: string, generationConfig: object, method = "generateContent") =>
  gateway.send(`/v1beta/models/${model}:${method}`, { body: { contents: CONTENTS, generationConfig } });

describe("asked of another format's provider", () => {
  test("text that is a number is one", async () => {
    const gateway = await open();
    const texts = { maxOutputTokens: "5000", temperature: "0.5", topP: "1e-1" };
    await ask(gateway, "gpt-4o", { ...texts, seed: "-7", candidateCount: "1", presencePenalty: "0.25", logprobs: "2" });
    await ask(gateway, "claude-sonnet-4-5", { max_output_tokens: "5e3", thinkingConfig: { thinkingBudget: "2048" } });
    await ask(gateway, "claude-sonnet-4-5", { topK: "5" });
    expect(gateway.calls.map(({ body }) => body)).toMatchObject([
      { max_completion_tokens: 5000, temperature: 0.5, top_p: 0.1, seed: -7, presence_penalty: 0.25 },
      { max_tokens: 5000, thinking: { type: "enabled", budget_tokens: 2048 } },
      { top_k: 5 },
    ]);
  });

  test.each<[object, string]>([
    [{ maxOutputTokens: "50.5" }, "generation_config.max_output_tokens"],
    [{ maxOutputTokens: 50.5 }, "generation_config.max_output_tokens"],
    [{ max_output_tokens: " 50" }, "generation_config.max_output_tokens"],
    [{ topK: "" }, "generation_config.top_k"],
    [{ candidateCount: "0x2" }, "generation_config.candidate_count"],
    [{ seed: "seven" }, "generation_config.seed"],
    [{ temperature: "NaN" }, "generation_config.temperature"],
    [{ topP: true }, "generation_config.top_p"],
    [{ thinkingConfig: { thinkingBudget: "much" } }, "generation_config.thinking_config.thinking_budget"],
    [{ thinking_config: { thinking_budget: 1.5 } }, "generation_config.thinking_config.thinking_budget"],
  ])("%j is refused by its name", async (config, path) => {
    const gateway = await open();
    const response = await ask(gateway, "gpt-4o", config);
    expect(response.status).toBe(400);
    expect((await readJson(response)).error.message).toStartWith(`Invalid value at '${path}': a `);
    expect(gateway.calls).toEqual([]);
  });

  test("the length of a vector, too", async () => {
    const gateway = await open();
    const embed = (outputDimensionality: unknown) =>
      gateway.send("/v1beta/models/text-embedding-3-small:embedContent", {
        body: { content: CONTENTS[0], outputDimensionality },
      });
    expect((await embed("8")).status).toBe(200);
    expect(gateway.calls[0]?.body).toMatchObject({ dimensions: 8 });
    expect((await embed("eight")).status).toBe(400);
  });
});

test("forwarded to Google they stay as they are, and count for a rate limit", async () => {
  const gateway = await open();
  const root = await gateway.issue("root_admin");
  const limit = { method: "PUT", token: root.token, body: { tokens_per_minute: 1_000 } };
  expect((await gateway.send("/api/v1/admin/limits/small", limit)).status).toBe(201);
  expect((await ask(gateway, "gemini/g", { maxOutputTokens: "50" })).status).toBe(200);
  expect(gateway.calls[0]?.body).toMatchObject({ generationConfig: { maxOutputTokens: "50" } });
  for (const config of [
    { maxOutputTokens: "990" },
    { maxOutputTokens: 300, candidateCount: "4" },
    { max_output_tokens: 300, candidate_count: 4 },
  ]) {
    expect([config, (await ask(gateway, "gemini/g", config)).status]).toEqual([config, 429]);
  }
  expect(gateway.calls).toHaveLength(1);
});
