// A provider that does not take the gateway's own key: whoever reads it in words of ours is not to take it for his key; a provider's own body stays.

import { afterEach, expect, test } from "bun:test";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const MESSAGES = [{ role: "user", content: "Hello" }];
const SAID = "invalid x-api-key";
const BODIES = {
  anthropic: (message: string) => ({
    type: "error",
    error: { type: "authentication_error", message },
    request_id: "r",
  }),
  openai: (message: string) => ({ error: { message, type: "invalid_request_error", param: null, code: "no_key" } }),
};

interface Asked {
  path: string;
  body: object;
}

const CHAT = (model: string): Asked => ({ path: "/v1/chat/completions", body: { model, messages: MESSAGES } });
const MESSAGE = (model: string): Asked => ({
  path: "/v1/messages",
  body: { model, max_tokens: 9, messages: MESSAGES },
});
const RESPONSE = (model: string): Asked => ({ path: "/v1/responses", body: { model, input: "Hello" } });
const GEMINI = (model: string): Asked => ({
  path: `/v1beta/models/${model}:generateContent`,
  body: { contents: [{ parts: [{ text: "Hello" }] }] },
});

async function ask({ path, body }: Asked, status: number, message = SAID) {
  rig = await makeRig({
    upstream: ({ url }) =>
      Response.json(BODIES[url.includes("anthropic") ? "anthropic" : "openai"](message), { status }),
  });
  return rig.send(path, { body });
}

const CLAUDE = "claude-sonnet-4-5";
const GPT = "gpt-4o";

test.each<[string, string, Asked]>([
  ["Chat Completions", "anthropic", CHAT(CLAUDE)],
  ["Responses", "anthropic", RESPONSE(CLAUDE)],
  ["Messages", "openai", MESSAGE(GPT)],
  ["Gemini", "openai", GEMINI(GPT)],
])("in another format it is said whose key it is: %s", async (_, provider, asked) => {
  const response = await ask(asked, 401);
  const { error } = await readJson(response);
  expect(response.status).toBe(401);
  expect(error.message).toBe(`Provider "${provider}" refused the gateway's own key: ${SAID}`);
  expect(response.headers.get("x-tokligence-provider")).toBe(provider);
  expect(await rig?.row()).toMatchObject({ status: 401, errorKind: "upstream_rejected", provider });
  await rig?.close();
  const forbidden = await readJson(await ask(asked, 403, "No access to this model."));
  expect(forbidden.error.message).toBe(
    `Provider "${provider}" does not let the gateway's own key do this: No access to this model.`,
  );
  await rig?.close();
  // What a request is about is no matter of keys.
  const flagged = await readJson(await ask(asked, 403, "Your input was flagged."));
  expect(flagged.error.message).toBe("Your input was flagged.");
});

test.each<[string, keyof typeof BODIES, Asked]>([
  ["Chat Completions", "openai", CHAT(GPT)],
  ["Responses", "openai", RESPONSE(GPT)],
  ["Messages", "anthropic", MESSAGE(CLAUDE)],
])("in the same format it stays as it came, and a header tells who said it: %s", async (_, provider, asked) => {
  const response = await ask(asked, 401);
  expect([response.status, response.headers.get("x-tokligence-provider")]).toEqual([401, provider]);
  expect(await response.text()).toBe(JSON.stringify(BODIES[provider](SAID)));
  const own = await rig?.send(asked.path, { body: asked.body, token: "tok_of-nobody" });
  expect([own?.status, own?.headers.get("x-tokligence-provider")]).toEqual([401, null]);
});
