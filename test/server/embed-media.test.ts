// Vectors of sound and pictures: priced by the kind of what was read, which the provider tells.

import { afterEach, expect, test } from "bun:test";
import { type Rig, makeProviderSettings, makeRig } from "../rig.ts";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

const DETAILS = [
  { modality: "TEXT", tokenCount: 10 },
  { modality: "AUDIO", tokenCount: 100 },
  { modality: "IMAGE", tokenCount: 258 },
];
const CONTENT = { parts: [{ text: "a" }, { inlineData: { mimeType: "audio/wav", data: "AAAA" } }] };

test.each([
  ["embedContent", { content: CONTENT }, { promptTokenDetails: DETAILS }],
  ["embedContent", { content: CONTENT }, { promptTokensDetails: DETAILS }],
  ["batchEmbedContents", { requests: [{ content: CONTENT }] }, { promptTokenDetails: DETAILS }],
])("%s %j %j", async (method, body, details) => {
  const answer = method === "embedContent" ? { embedding: { values: [1] } } : { embeddings: [{ values: [1] }] };
  const usageMetadata = { promptTokenCount: 368, ...details };
  rig = await makeRig({
    upstream: () => Response.json({ ...answer, usageMetadata }),
    config: (config) => ({
      ...config,
      providers: [
        ...config.providers,
        makeProviderSettings({ name: "google", kind: "gemini", baseUrl: "http://google.test", apiKey: "AIza-test" }),
      ],
    }),
  });
  const response = await rig.send(`/v1beta/models/google%2Fgemini-embedding-2:${method}`, { body });
  expect(response.status).toBe(200);
  expect(await rig.row()).toMatchObject({
    freshInputTokens: 368,
    units: { input_audio_tokens: 100, input_image_tokens: 258 },
    costNanos: 10 * 200 + 100 * 6_500 + 258 * 450,
  });
});
