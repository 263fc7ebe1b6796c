// How providers are doing is told by HTTP, without anything secret, and an operator may take them out of service, let them in again, and let bygones be.

import { afterEach, describe, expect, test } from "bun:test";
import type { News } from "../../src/gateway/index.ts";
import { type Rig, type Upstream, type UpstreamCall, makeRig, readJson } from "../rig.ts";
import { ASK, SECOND, completion, refusal } from "./failover-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const PROVIDERS = "/api/v1/admin/health/providers";
const labelOf = ({ headers }: UpstreamCall): string => (headers.get("authorization") ?? "").slice(-1);
const good: Upstream = () => Response.json(completion("Hi"));

interface Scene {
  gateway: Rig;
  token: string;
  /** By name. */
  list(): ReturnType<typeof readJson>;
  act(action: string, body?: object, provider?: string): Promise<Response>;
}

/** `openai` has the keys a and b, and the second provider stands behind it. */
async function open(upstream: Upstream, others = SECOND): Promise<Scene> {
  const keys = ["a", "b"].map((label) => ({ label, apiKey: `sk-canary-pool-${label}`, weight: 1 }));
  const gateway = await makeRig({
    upstream,
    config: (config) => ({
      ...config,
      travel: { ...config.travel, maxAttempts: 4 },
      providers: config.providers.map((each) =>
        each.name === "openai" ? { ...each, apiKey: "sk-canary-pool-a", keys } : each,
      ),
      routes: [{ pattern: "gpt-4o", targets: [{ provider: "openai", model: null }, ...others], origin: "test" }],
    }),
  });
  rig = gateway;
  const { token } = await gateway.issue("gateway_admin");
  return {
    gateway,
    token,
    async list() {
      const { providers } = await readJson(await gateway.send(PROVIDERS, { token }));
      return Object.fromEntries(providers.map((each: { provider: string }) => [each.provider, each]));
    },
    act: (action, body = {}, provider = "openai") =>
      gateway.send(`${PROVIDERS}/${provider}/${action}`, { token, body }),
  };
}

describe("what is told", () => {
  test("every provider is there, asked or not", async () => {
    const { list } = await open(good);
    expect(Object.keys(await list())).toEqual(["loopback", "openai", "anthropic", "local"]);
    expect((await list())["openai"]).toMatchObject({
      state: "ok",
      ready: true,
      models: [],
      keys: [
        { key: "a", state: "ok" },
        { key: "b", state: "ok" },
      ],
    });
  });

  test("of a model and key: state, since when, until when, why, how many failed, how fast, how busy", async () => {
    const { gateway, list } = await open((call) => (call.url.startsWith("http://openai") ? refusal(500) : good(call)));
    for (let call = 0; call < 5; call++) await gateway.chat(ASK);
    const { openai, local } = await list();
    expect(openai.models.length).toBeGreaterThan(0);
    for (let call = 0; call < 5; call++) await gateway.chat(ASK);
    const after = (await list())["openai"];
    expect(after).toMatchObject({ state: "down" });
    const at = new Date(gateway.clock.wallMs()).toISOString();
    expect(after.models).toContainEqual({
      model: "gpt-4o",
      key: "a",
      state: "open",
      since: at,
      open_until: new Date(gateway.clock.wallMs() + 15_000).toISOString(),
      parked: null,
      parked_until: null,
      calls: 5,
      failures: 5,
      slow: 0,
      error_rate: 1,
      latency_ms: null,
      in_flight: 0,
      last_failure: { reason: "HTTP 500", at, seconds_ago: 0 },
    });
    expect(local).toMatchObject({
      state: "ok",
      models: [{ model: "second", key: null, state: "closed", failures: 0 }],
    });
    gateway.clock.advance(15_000);
    expect((await list())["openai"].models[0].state).toBe("half-open");
  });

  test("a parked key by its label, and nothing that is secret", async () => {
    const { gateway, list, token } = await open((call) => (labelOf(call) === "a" ? refusal(401) : good(call)));
    await gateway.chat(ASK);
    const { openai } = await list();
    expect(openai).toMatchObject({ state: "degraded" });
    expect(openai.keys[0]).toEqual({
      key: "a",
      state: "parked",
      reason: "revoked",
      since: new Date(gateway.clock.wallMs()).toISOString(),
      parked_until: new Date(gateway.clock.wallMs() + 1_800_000).toISOString(),
    });
    expect(await (await gateway.send(PROVIDERS, { token })).text()).not.toContain("canary");
    // Nobody has asked since, and nothing keeps anybody from it.
    gateway.clock.advance(1_800_000);
    expect((await list())["openai"]).toMatchObject({
      state: "ok",
      keys: [
        { key: "a", state: "ok", reason: null, parked_until: null },
        { key: "b", state: "ok" },
      ],
    });
  });

  test("a provider with a key that nobody asked with yet is not down", async () => {
    const { gateway, act, list } = await open((call) =>
      call.url.startsWith("http://openai") ? refusal(500) : good(call),
    );
    await act("drain", { key: "b" });
    for (let call = 0; call < 5; call++) await gateway.chat(ASK);
    expect((await list())["openai"]).toMatchObject({ state: "down" });
    await act("enable", { key: "b" });
    expect((await list())["openai"]).toMatchObject({ state: "degraded" });
  });

  test("as figures, by model and key, of what answered once: names that were only asked for are not among them", async () => {
    const { gateway, act, token } = await open((call) => (labelOf(call) === "a" ? refusal(401) : good(call)));
    await gateway.chat(ASK);
    await gateway.chat({ ...ASK, model: "openai/anything-else" });
    await act("drain", { key: "b" });
    const text = await (await gateway.send("/metrics", { token })).text();
    const labels = 'provider="openai",model="gpt-4o",key="b"';
    for (const line of [
      `tokligence_provider_breaker_state{${labels}} 0`,
      `tokligence_provider_in_flight{${labels}} 0`,
      'tokligence_provider_key_parked{provider="openai",key="a"} 1',
      'tokligence_provider_key_parked{provider="openai",key="b"} 0',
      'tokligence_provider_out_of_service{provider="openai",model="",key="b"} 1',
    ]) {
      expect(text).toContain(line);
    }
    expect(text).not.toContain('model="anything-else",key="a"');
    expect(text).not.toContain('model="gpt-4o",key="a"');
  });

  test("as figures also of what is left alone and never answered", async () => {
    const { gateway, token } = await open((call) => (call.url.startsWith("http://openai") ? refusal(500) : good(call)));
    for (let call = 0; call < 10; call++) await gateway.chat(ASK);
    const text = await (await gateway.send("/metrics", { token })).text();
    expect(text).toContain('tokligence_provider_breaker_state{provider="openai",model="gpt-4o",key="a"} 2');
  });

  test("to nobody without the scope; and to act takes more", async () => {
    const { gateway } = await open(good);
    const reader = await gateway.issue("gateway_admin", { scopes: ["metrics:read"] });
    expect((await gateway.send(PROVIDERS)).status).toBe(403);
    expect((await gateway.send(PROVIDERS, { token: reader.token })).status).toBe(200);
    expect((await gateway.send(`${PROVIDERS}/openai/drain`, { token: reader.token, body: {} })).status).toBe(403);
  });
});

describe("an operator", () => {
  test("drains a provider: nothing new is asked of it, what runs ends, and it is let in again", async () => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    let isFirst = true;
    const { gateway, act, list } = await open((call) => {
      if (!isFirst || call.method === "GET") return good(call);
      isFirst = false;
      return promise;
    });
    const running = gateway.chat(ASK);
    while (gateway.calls.length === 0) await new Promise(setImmediate);
    expect(await readJson(await act("drain"))).toMatchObject({
      provider: { provider: "openai", state: "drained", action: "drain" },
    });
    expect((await gateway.chat(ASK)).headers.get("x-tokligence-provider")).toBe("local");
    expect((await list())["openai"].models[0]).toMatchObject({ in_flight: 1, action: "drain" });
    resolve(Response.json(completion("late")));
    const response = await running;
    expect([
      response.headers.get("x-tokligence-provider"),
      (await readJson(response)).choices[0].message.content,
    ]).toEqual(["openai", "late"]);
    expect(await readJson(await act("enable"))).toMatchObject({ provider: { state: "ok" } });
    expect((await gateway.chat(ASK)).headers.get("x-tokligence-provider")).toBe("openai");
  });

  test("takes out one model, or one key", async () => {
    const { gateway, act } = await open(good);
    await act("disable", { model: "gpt-4o" });
    expect((await gateway.chat(ASK)).headers.get("x-tokligence-provider")).toBe("local");
    expect((await gateway.chat({ ...ASK, model: "gpt-4o-mini" })).headers.get("x-tokligence-provider")).toBe("openai");
    await act("enable", { model: "gpt-4o" });
    await act("disable", { key: "A" });
    gateway.calls.length = 0;
    for (let call = 0; call < 3; call++) await gateway.chat(ASK);
    expect(gateway.calls.map(labelOf)).toEqual(["b", "b", "b"]);
  });

  test("lets in again what was disabled elsewhere a moment ago, for good", async () => {
    const { gateway, token, list, act } = await open(good);
    for (const path of [`${PROVIDERS}/openai/enable`, "/api/v1/admin/providers/openai/enable"]) {
      const control = {
        provider: "openai",
        account: null,
        model: null,
        action: "disable",
        sinceMs: 0,
        by: "x",
      } as const;
      await gateway.store.controls.put(control);
      expect((await gateway.send(path, { token, body: {} })).status).toBe(200);
      expect(await gateway.store.controls.list()).toEqual([]);
      await gateway.send("/api/v1/admin/providers", { token });
      expect((await list())["openai"].state).toBe("ok");
    }
    expect((await act("enable")).status).toBe(200);
  });

  test("is told so where nothing is left: no rule asks what an operator took out", async () => {
    const { gateway, act } = await open(good, []);
    await act("disable");
    const response = await gateway.chat(ASK);
    const { code, message } = (await readJson(response)).error;
    expect([response.status, code]).toEqual([503, "provider_out_of_service"]);
    expect(message).toStartWith("An operator took openai out of service");
    const vectors = await gateway.send("/v1/embeddings", { body: { model: "text-embedding-3-small", input: "x" } });
    expect(vectors.status).toBe(503);
    expect(gateway.calls).toHaveLength(0);
    // What is out of service makes no gateway unfit to serve.
    expect((await gateway.send("/health/ready", { token: null })).status).toBe(200);
  });

  test("is told what it is that was taken out, where that is no whole provider", async () => {
    const { gateway, act } = await open(good, []);
    await act("disable", { model: "gpt-4o" });
    const response = await gateway.chat(ASK);
    expect((await readJson(response)).error.message).toStartWith(
      'An operator took the model "gpt-4o" of openai out of service',
    );
  });

  test("lets bygones be: what was left alone is asked at once", async () => {
    let isWell = false;
    const { gateway, act } = await open((call) =>
      isWell || !call.url.startsWith("http://openai") ? good(call) : refusal(401),
    );
    await gateway.chat(ASK);
    isWell = true;
    expect((await gateway.chat(ASK)).headers.get("x-tokligence-provider")).toBe("local");
    await act("reset");
    expect((await gateway.chat(ASK)).headers.get("x-tokligence-provider")).toBe("openai");
  });

  test.each([
    ["nobody", {}, 404],
    ["openai", { key: "c" }, 422],
    ["anthropic", { key: "a" }, 422],
    ["openai", { model: "" }, 422],
    ["openai", { until: "x" }, 422],
  ])("is told what is wrong: %s %j", async (provider, body, status) => {
    const { act } = await open(good);
    expect((await act("drain", body, provider)).status).toBe(status);
  });
});

describe("what other gateways say", () => {
  test("is heard of providers and keys that are here, and of no others", async () => {
    let say: (news: News) => void = () => undefined;
    const told: News[] = [];
    const gateway = await makeRig({
      upstream: good,
      share(hear) {
        say = hear;
        return { tell: (news) => void told.push(news), isConnected: () => true, stop: () => undefined };
      },
    });
    rig = gateway;
    const { token } = await gateway.issue("root_admin");
    const finding = { kind: "park", reason: "revoked", forMs: 60_000, model: null } as const;
    const named: [string, string | null][] = [
      ["openai", null],
      ["openai", "eu"],
      ["nobody", null],
    ];
    for (const [provider, account] of named) say({ kind: "finding", finding: { ...finding, provider, account } });
    const { providers, shared } = await readJson(await gateway.send(PROVIDERS, { token }));
    expect(shared).toBe("connected");
    const states = providers.map(({ provider, state }: { provider: string; state: string }) => [provider, state]);
    expect(states).toEqual([
      ["loopback", "ok"],
      ["openai", "down"],
      ["anthropic", "ok"],
      ["local", "ok"],
    ]);
    const text = await (await gateway.send("/metrics", { token })).text();
    expect(text.match(/^tokligence_provider_key_parked\{/gmu)).toHaveLength(1);
    // What was heard is not said again.
    expect(told).toEqual([]);
    say({ kind: "reset", name: { provider: "openai", account: null, model: null } });
    expect((await readJson(await gateway.send(PROVIDERS, { token }))).providers[1].state).toBe("ok");
  });
});
