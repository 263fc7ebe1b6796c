// What a key is limited to, as its requests meet it: models, providers and addresses, in every dialect and at every address, before anybody is asked.

import { afterEach, describe, expect, test } from "bun:test";
import type { KeyWish } from "../../src/identity/index.ts";
import type { Config } from "../../src/config/value.ts";
import { type Rig, type Upstream, makeRig, readJson } from "../rig.ts";
import { hostOf, say, sayMessage } from "./route-scene.ts";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

const MODELS = [{ id: "gpt-4o" }, { id: "gpt-4o-mini" }, { id: "o3" }];

const upstream: Upstream = ({ url, method }) => {
  if (method === "GET") return Response.json({ data: hostOf(url) === "openai" ? MODELS : [] });
  return hostOf(url) === "anthropic" ? sayMessage("hi") : say("hi");
};

async function open(wish: KeyWish, init: Parameters<typeof makeRig>[0] = {}) {
  const gateway = await makeRig({ upstream, ...init });
  rig = gateway;
  const { token, keyId } = await gateway.issue("gateway_user", wish);
  const messages = [{ role: "user", content: "Hello" }];
  const ask = (model: string, over: object = {}, headers: Record<string, string> = {}) =>
    gateway.chat({ model, messages, ...over }, { token, headers });
  return { gateway, token, keyId, ask, messages };
}

const codeOf = async (response: Response): Promise<unknown> => {
  const { error } = (await readJson(response)) as { error: { code?: string; type?: string } };
  return error.code ?? error.type;
};

describe("models", () => {
  test.each([
    [["gpt-4o"], "gpt-4o", 200],
    [["gpt-4o"], "GPT-4o", 200],
    [["gpt-4o"], "openai/gpt-4o", 200],
    [["openai/gpt-4o"], "gpt-4o", 200],
    [["gpt-4o"], "gpt-4o-mini", 403],
    [["gpt-4o*", "!*mini"], "gpt-4o-mini", 403],
    [["!gpt-4o-mini"], "gpt-4o", 200],
    [["!gpt-4o-mini"], "openai/gpt-4o-mini", 403],
    [["gpt-4o"], "claude-3", 403],
    [["gpt-4o"], "there-is-none", 403],
    [["there-is-none"], "there-is-none", 404],
  ])("of %j %p is answered with %p", async (allowedModels, model, status) => {
    const { gateway, ask } = await open({ allowedModels });
    const response = await ask(model);
    expect(response.status).toBe(status);
    expect(gateway.calls.length).toBe(status === 200 ? 1 : 0);
    if (status !== 403) return;
    expect(await codeOf(response)).toBe("model_not_allowed");
    expect(await gateway.row()).toMatchObject({ status: 403, errorKind: "forbidden", modelAsked: model, attempts: [] });
  });

  test("an alias is allowed by its own name, or by that of the model that it leads to", async () => {
    const aliases = [{ pattern: "fast", target: "gpt-4o-mini", origin: "test" }];
    for (const [allowedModels, status] of [
      [["fast"], 200],
      [["gpt-4o-mini"], 200],
      [["fast", "!gpt-4o-mini"], 403],
      [["gpt-4o"], 403],
    ] as const) {
      const { ask } = await open({ allowedModels }, { config: (config) => ({ ...config, aliases }) });
      expect([allowedModels, (await ask("fast")).status]).toEqual([allowedModels, status]);
      await rig?.close();
      rig = null;
    }
  });

  test("are refused in the words of each dialect", async () => {
    const { gateway, token, messages } = await open({ allowedModels: ["gpt-4o"] });
    const send = async (path: string, body: object) => {
      const response = await gateway.send(path, { token, body });
      return [response.status, await readJson(response)];
    };
    expect(await send("/v1/messages", { model: "claude-3", max_tokens: 9, messages })).toMatchObject([
      403,
      { type: "error", error: { type: "permission_error" } },
    ]);
    expect(
      await send("/v1beta/models/gemini-2.5-pro:generateContent", { contents: [{ parts: [{ text: "x" }] }] }),
    ).toMatchObject([403, { error: { code: 403, status: "PERMISSION_DENIED" } }]);
    expect(await send("/v1/responses", { model: "claude-3", input: "Hello" })).toMatchObject([
      403,
      { error: { code: "model_not_allowed", param: "model" } },
    ]);
    expect(await send("/v1/embeddings", { model: "text-embedding-3-small", input: "Hello" })).toMatchObject([
      403,
      { error: { code: "model_not_allowed" } },
    ]);
    expect(gateway.calls).toEqual([]);
  });

  test("the list shows those alone, and one that is not allowed is refused", async () => {
    const { gateway, token } = await open({ allowedModels: ["gpt-4o*"] });
    const { data } = (await readJson(await gateway.send("/v1/models", { token }))) as { data: { id: string }[] };
    expect(data.map(({ id }) => id).toSorted()).toEqual(["gpt-4o", "gpt-4o-mini"]);
    expect((await gateway.send("/v1/models/gpt-4o", { token })).status).toBe(200);
    expect((await gateway.send("/v1/models/openai/gpt-4o", { token })).status).toBe(200);
    expect((await gateway.send("/v1/models/o3", { token })).status).toBe(403);
    expect((await gateway.send("/v1/capabilities?model=claude-3", { token })).status).toBe(403);
  });

  test("hold for those of the provider's own tools, and for those that it may ask instead", async () => {
    const { gateway, token, messages } = await open({ allowedModels: ["gpt-4o"] });
    const talk = { model: "gpt-4o", messages };
    const picture = (model: string) => ({
      model: "gpt-4o",
      input: "A fox",
      tools: [{ type: "image_generation", model }],
    });
    const send = async (path: string, body: object) => {
      const { status } = await gateway.send(path, { token, body });
      return [status, gateway.calls.length];
    };
    expect(await send("/v1/responses", picture("gpt-image-1"))).toEqual([403, 0]);
    expect(await send("/v1/chat/completions", { ...talk, models: ["gpt-4o", "o3"] })).toEqual([403, 0]);
    const advised = { ...talk, max_tokens: 9, tools: [{ type: "advisor_20260301", name: "advisor", model: "o3" }] };
    expect(await send("/v1/messages", advised)).toEqual([403, 0]);
    expect(await send("/v1/completions", { model: "gpt-4o", prompt: "x", models: ["o3"] })).toEqual([403, 0]);
    const car = { model: "Corolla" };
    const schema = {
      type: "object",
      properties: { model: { type: "string", const: car }, car: { default: car, enum: [car] } },
      examples: [{ models: ["Corolla"], ...car }],
    };
    const tools = [{ type: "function", function: { name: "buy_car", parameters: schema } }];
    const history = [{ role: "user", content: '{"model":"o3"}', model: "o3" }];
    expect(await send("/v1/chat/completions", { ...talk, tools, messages: history, models: ["gpt-4o"] })).toEqual([
      200, 1,
    ]);
  });

  test("hold for those of an answer that is kept from somebody else's call, too", async () => {
    const { gateway, token, messages } = await open(
      { allowedModels: ["gpt-4o"] },
      { config: (config) => ({ ...config, cache: { ...config.cache, store: "memory", scope: "global" } }) },
    );
    const body = { model: "gpt-4o", messages, tools: [{ type: "advisor", model: "o3" }] };
    const send = async (by: string) => {
      const { status, headers } = await gateway.send("/v1/chat/completions", { body, token: by });
      return [status, headers.get("x-tokligence-cache")];
    };
    const [one, other] = [await gateway.issue(), await gateway.issue()];
    expect([await send(one.token), await send(other.token)]).toEqual([
      [200, "miss"],
      [200, "hit"],
    ]);
    expect((await send(token))[0]).toBe(403);
  });

  test("a change holds at once", async () => {
    const { gateway, ask, keyId } = await open({ allowedModels: ["gpt-4o"] });
    const root = await gateway.issue("root_admin");
    const body = { allowed_models: ["claude*"] };
    const path = `/api/v1/admin/api-keys/${keyId}`;
    expect((await gateway.send(path, { method: "PATCH", token: root.token, body })).status).toBe(200);
    expect([(await ask("gpt-4o")).status, (await ask("claude-3")).status]).toEqual([403, 200]);
  });
});

describe("what is only forwarded", () => {
  const SAID = [{ role: "assistant", content: [{ type: "tool_use", input: { model: "Corolla" } }] }];
  const form = (fields: Record<string, string>): FormData => {
    const data = new FormData();
    for (const [name, value] of Object.entries(fields)) data.append(name, value);
    data.append("file", new Blob(["sound"]), "a.wav");
    return data;
  };
  const batch = (...models: string[]) => ({
    requests: models.map((model, index) => ({ custom_id: String(index), params: { model, max_tokens: 1 } })),
  });
  test.each([
    ["/v1/completions", { model: "gpt-4o", prompt: "x" }, 200],
    ["/v1/completions", { model: "o3", prompt: "x" }, 403],
    ["/v1/images/generations", { model: "dall-e-3", prompt: "x" }, 403],
    ["/v1/images/generations", { prompt: "x" }, 403],
    ["/v1/audio/speech", { model: "tts-1", input: "x", voice: "x" }, 403],
    ["/v1/moderations", { input: "x" }, 403],
    ["/v1/fine_tuning/jobs", { model: "o3" }, 403],
    ["/v1/videos", { model: "sora-2", prompt: "x" }, 403],
    ["/v1/videos", { prompt: "x" }, 403],
    ["/v1/batches", { endpoint: "/v1/chat/completions" }, 403],
    ["/v1/vector_stores", { name: "x", metadata: { model: "o3" } }, 200],
    ["/anthropic/v1/messages/batches", batch("gpt-4o", "claude-3"), 403],
    ["/anthropic/v1/messages/batches", { requests: [{ params: { model: "gpt-4o", messages: SAID } }] }, 200],
  ])("%s %j: %p", async (path, body, status) => {
    const { gateway, token } = await open({ allowedModels: ["gpt-4o"] });
    const response = await gateway.send(path, { token, body });
    expect(response.status).toBe(status);
    expect(gateway.calls.length).toBe(status === 200 ? 1 : 0);
    if (status === 403) expect(await codeOf(response)).toMatch(/model_not_allowed|permission_error/u);
  });

  test.each([
    [{ model: "gpt-4o" }, 200],
    [{ model: "whisper-1" }, 403],
    [{ prompt: "x" }, 403],
  ])("a form with %j: %p", async (fields, status) => {
    const { gateway, token } = await open({ allowedModels: ["gpt-4o"] });
    const response = await gateway.send("/v1/audio/transcriptions", { token, body: form(fields as {}) });
    expect([response.status, gateway.calls.length]).toEqual([status, status === 200 ? 1 : 0]);
  });

  test("the file of a batch is read before anybody works on it", async () => {
    const lines = (...models: string[]): string =>
      models.map((model, index) => JSON.stringify({ custom_id: String(index), body: { model } })).join("\n");
    let content = "";
    const { gateway, token } = await open(
      { allowedModels: ["gpt-4o"] },
      {
        upstream: ({ url, method }) => {
          if (url.endsWith("/content")) return new Response(content);
          if (url.endsWith("/files")) return Response.json({ id: "file-1", object: "file" });
          if (method === "POST") return Response.json({ id: "batch_1", object: "batch" });
          return Response.json({ data: [] });
        },
      },
    );
    expect((await gateway.send("/v1/files", { token, body: form({ purpose: "batch" }) })).status).toBe(200);
    const start = async (text: string): Promise<unknown[]> => {
      content = text;
      const before = gateway.calls.length;
      const body = { input_file_id: "file-1", endpoint: "/v1/chat/completions", completion_window: "24h" };
      const response = await gateway.send("/v1/batches", { token, body });
      await response.text();
      return [response.status, gateway.calls.slice(before).filter(({ method }) => method === "POST").length];
    };
    expect(await start(lines("gpt-4o", "gpt-4o"))).toEqual([200, 1]);
    expect(await start(`${lines("gpt-4o")}\n`)).toEqual([200, 1]);
    expect(await start(lines("gpt-4o", "o3"))).toEqual([403, 0]);
    expect(await start(`${lines("gpt-4o")}\n{"custom_id":"1","body":{}}`)).toEqual([403, 0]);
    expect(await start("no json")).toEqual([403, 0]);
    expect((await gateway.rows()).filter(({ status }) => status === 403)).toHaveLength(3);
  });

  test("nothing is passed through unread", async () => {
    const { gateway } = await open({});
    const { token } = await gateway.issue("root_admin", { allowedModels: ["gpt-4o"] });
    expect((await gateway.send("/passthrough/openai/v1/chat/completions", { token, body: {} })).status).toBe(403);
    const free = await gateway.issue("root_admin", { allowedProviders: ["anthropic"] });
    const pass = (provider: string) =>
      gateway.send(`/passthrough/${provider}/v1/anything`, { token: free.token, body: {} });
    expect([(await pass("openai")).status, (await pass("anthropic")).status]).toEqual([403, 200]);
    expect(gateway.calls.map(({ url }) => hostOf(url))).toEqual(["anthropic"]);
  });
});

describe("providers", () => {
  const routes = [
    {
      pattern: "smart",
      origin: "test",
      targets: [
        { provider: "openai", model: "gpt-4o" },
        { provider: "anthropic", model: "claude-3" },
      ],
    },
  ] as const;
  const config = (base: Config): Config => ({ ...base, routes });

  test("that are not allowed are no candidates", async () => {
    const { gateway, ask } = await open({ allowedProviders: ["anthropic"] }, { config });
    expect((await ask("smart")).status).toBe(200);
    expect(gateway.calls.map(({ url }) => hostOf(url))).toEqual(["anthropic"]);
    const response = await ask("gpt-4o");
    expect([response.status, await codeOf(response)]).toEqual([403, "provider_not_allowed"]);
    expect((await ask("openai/gpt-4o")).status).toBe(403);
  });

  test("nor stand in for others, and the rest are not asked behind their back", async () => {
    const { gateway, ask } = await open(
      { allowedProviders: ["!anthropic"] },
      {
        config: (base) => ({ ...config(base), travel: { ...base.travel, maxAttempts: 3 } }),
        upstream: () => Response.json({ error: { message: "down" } }, { status: 500 }),
      },
    );
    let status = 0;
    void ask("smart").then((response) => (status = response.status));
    while (status === 0) {
      gateway.clock.advance(1_000);
      await new Promise(setImmediate);
    }
    expect(status).toBe(500);
    expect(gateway.calls.length).toBe(3);
    expect(new Set(gateway.calls.map(({ url }) => hostOf(url)))).toEqual(new Set(["openai"]));
  });

  test("the explanation says who is left out, and why", async () => {
    const { gateway, keyId } = await open({ allowedProviders: ["anthropic"] }, { config });
    const { token } = await gateway.issue("root_admin");
    const explain = async (key?: string) =>
      (await readJson(
        await gateway.send("/api/v1/admin/route", {
          token,
          body: {
            body: { model: "smart", messages: [{ role: "user", content: "x" }] },
            ...(key === undefined ? {} : { key }),
          },
        }),
      )) as { provider: string; candidates: object[]; considered: object[] };
    expect(await explain()).toMatchObject({ provider: "openai" });
    const told = await explain(keyId);
    expect(told).toMatchObject({
      provider: "anthropic",
      candidates: [{ provider: "anthropic" }, { provider: "openai" }],
    });
    expect(told.candidates[1]).toMatchObject({ outcome: "skipped", why: "the API key may not use this provider" });
    expect(told.considered).toContainEqual({
      rule: "openai/gpt-4o",
      origin: "API key",
      outcome: "passed over: the API key may not use this provider",
    });
  });
});

describe("addresses", () => {
  const from = (gateway: Rig, token: string, peer: string | null, headers: Record<string, string> = {}) =>
    gateway.app.fetch(
      new Request("http://gateway.test/v1/models", { headers: { authorization: `Bearer ${token}`, ...headers } }),
      {
        requestIP: () => (peer === null ? null : { address: peer }),
        timeout: () => undefined,
        upgrade: () => false,
      },
    );

  test("outside the key's ranges are refused, in the caller's dialect", async () => {
    const { gateway, token } = await open({ allowedIps: ["10.0.0.0/8", "2001:db8::/32"] });
    for (const peer of ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"]) {
      expect([peer, (await from(gateway, token, peer)).status]).toEqual([peer, 200]);
    }
    for (const peer of ["11.0.0.1", "2001:db9::1", "::1", null]) {
      const response = await from(gateway, token, peer, { "x-forwarded-for": "10.1.2.3" });
      expect([peer, response.status, await codeOf(response)]).toEqual([peer, 403, "ip_not_allowed"]);
    }
    const told = await from(gateway, token, "11.0.0.1", { "anthropic-version": "2023-06-01" });
    expect(await readJson(told)).toMatchObject({ type: "error", error: { type: "permission_error" } });
  });

  test("are what a trusted proxy says", async () => {
    const { gateway, token } = await open(
      { allowedIps: ["192.0.2.0/24"] },
      { config: (base) => ({ ...base, entry: { ...base.entry, trustedProxies: ["10.0.0.0/8"] } }) },
    );
    const ask = async (peer: string, chain: string) =>
      (await from(gateway, token, peer, { "x-forwarded-for": chain })).status;
    expect(await ask("10.0.0.1", "192.0.2.7")).toBe(200);
    expect(await ask("10.0.0.1", "192.0.2.7, 198.51.100.1")).toBe(403);
    expect(await ask("198.51.100.1", "192.0.2.7")).toBe(403);
    gateway.app.reload({ ...gateway.config, entry: { ...gateway.config.entry, trustedProxies: [] } });
    expect(await ask("10.0.0.1", "192.0.2.7")).toBe(403);
  });
});

test("a key's tags are on each of its rows, and stand against the request's", async () => {
  const { gateway, ask } = await open({ tags: ["team=a", "ci"] });
  await ask("gpt-4o");
  await ask("gpt-4o", {}, { "x-tokligence-tags": "team=b,env=prod" });
  await ask("none-such");
  expect((await gateway.rows()).map(({ tags }) => tags).toReversed()).toEqual([
    ["team=a", "ci"],
    ["team=a", "ci", "env=prod"],
    ["team=a", "ci"],
  ]);
});

test("an answer that another key was given is not given to one that may not use its model", async () => {
  const gateway = await makeRig({
    upstream: () => say("hi"),
    config: (base) => ({ ...base, cache: { ...base.cache, store: "memory", scope: "global" } }),
  });
  rig = gateway;
  const [free, bound] = [await gateway.issue(), await gateway.issue("gateway_user", { allowedModels: ["o3"] })];
  const body = { model: "gpt-4o", temperature: 0, messages: [{ role: "user", content: "Hello" }] };
  expect((await gateway.chat(body, { token: free.token })).status).toBe(200);
  const again = await gateway.chat(body, { token: free.token });
  expect(again.headers.get("x-tokligence-cache")).toBe("hit");
  expect((await gateway.chat(body, { token: bound.token })).status).toBe(403);
});
