// Models that a provider calls otherwise: what is no chat is asked for under that name as well, and booked under the model's own.

import { afterEach, expect, test } from "bun:test";
import { type Rig, makeProviderSettings, makeRig } from "../rig.ts";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

const OPTIONS = { deployments: "whisper=>my-ears,gpt-image-1=>my-brush" };

async function open(options: Record<string, string>): Promise<Rig> {
  const settings = { name: "azure", kind: "azure", baseUrl: "https://res.openai.azure.com", apiKey: "azure-key" };
  rig = await makeRig({
    upstream: ({ url }) =>
      Response.json(url.includes("/images/") ? { created: 1, data: [{ b64_json: "aGk=" }] } : { text: "Hello" }),
    config: (config) => ({
      ...config,
      providers: [...config.providers, makeProviderSettings({ ...settings, options })],
    }),
  });
  return rig;
}

test("in JSON", async () => {
  const { send, calls, row } = await open(OPTIONS);
  expect((await send("/v1/images/generations", { body: { model: "azure/gpt-image-1", prompt: "x" } })).status).toBe(
    200,
  );
  expect(calls[0]?.url).toBe("https://res.openai.azure.com/openai/v1/images/generations");
  expect(calls[0]?.body).toEqual({ model: "my-brush", prompt: "x" });
  const { attempts, provider, modelAsked } = await row();
  expect([provider, modelAsked, attempts[0]?.model]).toEqual(["azure", "azure/gpt-image-1", "gpt-image-1"]);
});

test("in a form, and with the interface's version", async () => {
  const { send, calls } = await open({ ...OPTIONS, api_version: "preview" });
  const body = new FormData();
  body.set("model", "azure/whisper");
  body.set("file", new File(["RIFF"], "a.wav"));
  expect((await send("/v1/audio/transcriptions?x=1", { body })).status).toBe(200);
  expect(calls[0]?.url).toBe("https://res.openai.azure.com/openai/v1/audio/transcriptions?x=1&api-version=preview");
  expect(calls[0]?.text).toContain("my-ears");
  expect(calls[0]?.text).not.toContain("azure/whisper");
});
