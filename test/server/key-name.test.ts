// Keys that may use some models only, where a model has several names, or a field stands twice: nobody gets past by another name for the same one.

import { afterEach, expect, test } from "bun:test";
import { type Rig, makeProviderSettings, makeRig } from "../rig.ts";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

const SAID = { candidates: [{ content: { parts: [{ text: "x" }] }, finishReason: "STOP" }] };

test.each([
  "/google/models/gemini-3-pro",
  "/google%2Fmodels%2Fmodels%2Fgemini-3-pro",
  "/models%2Fgemini-3-pro",
  "/any",
])("Google's are those that they are, also as %p", async (address) => {
  const google = { name: "google", kind: "gemini", baseUrl: "http://google.test", apiKey: "AIza" } as const;
  const aliases = [{ pattern: "any", target: "google/models/gemini-3-pro", origin: "test" }];
  const routes = [{ pattern: "*", targets: [{ provider: "google", model: null }] as const, origin: "test" }];
  const gateway = await makeRig({
    upstream: () => Response.json(SAID),
    config: (config) => ({ ...config, aliases, routes, providers: [makeProviderSettings(google)] }),
  });
  rig = gateway;
  const body = { contents: [{ parts: [{ text: "x" }] }] };
  const ask = ({ token }: { token: string }) =>
    gateway.send(`/v1beta/models${address}:generateContent`, { body, token });
  expect((await ask(await gateway.issue("gateway_user", { allowedModels: ["!gemini-3-pro"] }))).status).toBe(403);
  expect((await ask(await gateway.issue())).status).toBe(200);
  expect(gateway.calls.map(({ url }) => new URL(url).pathname)).toEqual([
    "/v1beta/models/gemini-3-pro:generateContent",
  ]);
  expect((await gateway.rows()).map(({ attempts }) => attempts.map(({ model }) => model))).toEqual([
    ["gemini-3-pro"],
    [],
  ]);
});

test.each(["models", "tools", "\\u0074ools"])("a field that names models may not stand twice: %s", async (field) => {
  const gateway = await makeRig({ upstream: () => Response.json({}) });
  rig = gateway;
  const { token } = await gateway.issue("gateway_user", { allowedModels: ["gpt-4o"] });
  const twice = `"${field}":[{"type":"x","model":"o3"}],"${field.replace("\\u0074", "t")}":[]`;
  const body = `{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],${twice}}`;
  const response = await gateway.send("/v1/chat/completions", {
    body,
    token,
    headers: { "content-type": "application/json" },
  });
  expect(response.status).toBe(400);
  expect(gateway.calls).toEqual([]);
});

test.each(["o3 ", "openai/o3\u00a0", "openai/\to3", "o3"])(
  "one that is not allowed is not with blanks around it: %j",
  async (model) => {
    const gateway = await makeRig({ upstream: () => Response.json({}) });
    rig = gateway;
    const { token } = await gateway.issue("gateway_user", { allowedModels: ["!o3"] });
    const response = await gateway.chat({ model, messages: [{ role: "user", content: "hi" }] }, { token });
    expect(response.status).toBe(403);
    expect(gateway.calls).toEqual([]);
  },
);
