// Providers are asked without a request where the operator wants it: what is left alone or was not asked of late, and at a price only so often.

import { afterEach, describe, expect, test } from "bun:test";
import type { Config } from "../../src/config/value.ts";
import { type Rig, type UpstreamCall, makeRig, readJson } from "../rig.ts";
import { ASK, SECOND, completion, refusal } from "./failover-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const labelOf = ({ headers }: UpstreamCall): string => (headers.get("authorization") ?? "").slice(-1);
const isOpenai = ({ url }: UpstreamCall): boolean => url.startsWith("http://openai");

interface Scene {
  gateway: Rig;
  /** Every list of models that was asked for, by key. */
  looks: string[];
  pass(seconds: number): Promise<void>;
  list(): ReturnType<typeof readJson>;
}

async function open(health: Partial<Config["health"]>, upstream: (call: UpstreamCall) => Response): Promise<Scene> {
  const keys = ["a", "b"].map((label) => ({ label, apiKey: `sk-canary-pool-${label}`, weight: 1 }));
  const looks: string[] = [];
  const gateway = await makeRig({
    upstream(call) {
      if (call.method === "GET" && isOpenai(call)) looks.push(labelOf(call));
      return isOpenai(call) ? upstream(call) : Response.json(call.method === "GET" ? { data: [] } : completion("Hi"));
    },
    config: (config) => ({
      ...config,
      // The lists that the catalogue reads are left out of the way.
      modelsRefreshMs: 2 ** 31 - 1,
      travel: { ...config.travel, maxAttempts: 4 },
      providers: config.providers.map((each) =>
        each.name === "openai"
          ? { ...each, apiKey: "sk-canary-pool-a", keys, health, keyStrategy: "priority" as const }
          : each,
      ),
      routes: [{ pattern: "gpt-4o", targets: [{ provider: "openai", model: null }, ...SECOND], origin: "test" }],
    }),
  });
  rig = gateway;
  for (let round = 0; round < 50; round++) await new Promise(setImmediate);
  looks.length = 0;
  const { token } = await gateway.issue("root_admin");
  return {
    gateway,
    looks,
    async pass(seconds) {
      for (let second = 0; second < seconds; second++) {
        gateway.clock.advance(1_000);
        for (let round = 0; round < 12; round++) await new Promise(setImmediate);
      }
    },
    async list() {
      const { providers } = await readJson(await gateway.send("/api/v1/admin/health/providers", { token }));
      return providers.find((each: { provider: string }) => each.provider === "openai");
    },
  };
}

const listed = (): Response => Response.json({ object: "list", data: [] });

test("nobody is asked unless the operator says so", async () => {
  const { gateway, looks, pass } = await open({}, listed);
  await pass(180);
  expect([looks, gateway.calls]).toEqual([[], []]);
});

describe("by the list of models", () => {
  test("a key that nobody used yet is found revoked before a request would find it, and taken again when it is", async () => {
    let isBack = false;
    const { gateway, looks, pass, list } = await open({ probe: "models", probeIntervalMs: 10_000 }, (call) =>
      call.method === "POST"
        ? Response.json(completion("Hi"))
        : labelOf(call) === "a" && !isBack
          ? refusal(401)
          : listed(),
    );
    await pass(10);
    expect(looks.toSorted((left, right) => left.localeCompare(right))).toEqual(["a", "b"]);
    expect((await list()).keys[0]).toMatchObject({ key: "a", state: "parked", reason: "revoked" });
    await gateway.chat(ASK);
    expect(gateway.calls.map(labelOf)).toEqual(["b"]);
    isBack = true;
    await pass(10);
    expect((await list()).keys[0]).toMatchObject({ key: "a", state: "ok" });
    await gateway.chat(ASK);
    expect(gateway.calls.map(labelOf)).toEqual(["b", "a"]);
    expect(await gateway.rows()).toHaveLength(2);
  });

  test("what is on trial is spared a request while the provider does not answer at all", async () => {
    const { gateway, pass, list } = await open({ probe: "models", probeIntervalMs: 20_000, failures: 2 }, () =>
      refusal(503),
    );
    for (let call = 0; call < 4; call++) await gateway.chat(ASK);
    await pass(19);
    expect((await list()).models[0].state).toBe("half-open");
    await pass(1);
    expect((await list()).models[0].state).toBe("open");
  });

  test("what is busy is not asked", async () => {
    const { gateway, looks, pass } = await open({ probe: "models", probeIntervalMs: 10_000 }, (call) =>
      call.method === "POST" ? Response.json(completion("Hi")) : listed(),
    );
    await pass(5);
    await gateway.chat(ASK);
    await pass(5);
    expect(looks).toEqual(["b"]);
  });
});

describe("by one token", () => {
  test("what is left alone is well again without a request of anybody's, and the token is on the books as such", async () => {
    let isWell = true;
    const { gateway, pass, list } = await open(
      { probe: "call", probeIntervalMs: 5_000, failures: 2, whenAlone: "refuse" },
      (call) => (isWell ? Response.json(completion("Hi")) : call.method === "POST" ? refusal(500) : listed()),
    );
    await gateway.chat(ASK);
    isWell = false;
    await gateway.chat(ASK);
    await gateway.chat(ASK);
    expect((await list()).models[0].state).toBe("open");
    const before = (await gateway.rows()).length;
    isWell = true;
    await pass(5);
    expect((await list()).models[0].state).toBe("closed");
    const rows = await gateway.rows();
    expect(rows).toHaveLength(before + 1);
    const probe = rows.find(({ tags }) => tags?.includes("probe") === true);
    expect(probe).toMatchObject({ provider: "openai", status: 200, outputTokens: 3, attempts: [{ account: "a" }] });
    expect(probe?.costNanos).toBeGreaterThan(0);
    expect(gateway.calls.at(-1)?.body).toMatchObject({ model: "gpt-4o", max_tokens: 1 });
  });

  test("only so often a day", async () => {
    const { gateway, pass } = await open({ probe: "call", probeIntervalMs: 5_000, probeCallsPerDay: 3 }, () =>
      Response.json(completion("Hi")),
    );
    await gateway.chat(ASK);
    await pass(120);
    expect(gateway.calls).toHaveLength(4);
    gateway.clock.advance(86_400_000);
    await pass(10);
    expect(gateway.calls.length).toBeGreaterThan(4);
  });

  test("not what an operator took out of service, and no name that was only asked for", async () => {
    const { gateway, pass } = await open({ probe: "call", probeIntervalMs: 5_000 }, (call) =>
      call.method === "GET"
        ? listed()
        : JSON.stringify(call.body).includes("nonsense")
          ? refusal(404)
          : Response.json(completion("Hi")),
    );
    await gateway.chat(ASK);
    await gateway.chat({ ...ASK, model: "openai/nonsense" });
    const { token } = await gateway.issue("root_admin");
    await gateway.send("/api/v1/admin/health/providers/openai/drain", { token, body: {} });
    const before = gateway.calls.length;
    await pass(20);
    expect(gateway.calls).toHaveLength(before);
    await gateway.send("/api/v1/admin/health/providers/openai/enable", { token, body: {} });
    await pass(10);
    const asked = gateway.calls.slice(before).map(({ body }) => (body as { model: string }).model);
    expect(new Set(asked)).toEqual(new Set(["gpt-4o"]));
  });
});
