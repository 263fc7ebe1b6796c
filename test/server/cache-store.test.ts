// Each place where answers are kept, behind a whole gateway: used, shown, emptied, counted, and lost without harm.

import { afterEach, describe, expect, test } from "bun:test";
import { systemClock } from "../../src/lib/clock.ts";
import { type TestRedis, hasRedis, startRedis } from "../redis.ts";
import { type Rig, makeRig, readJson } from "../rig.ts";
import { answerAny, openCounting } from "./cache-scene.ts";

let rigs: Rig[] = [];
let redis: TestRedis | null = null;
afterEach(async () => {
  for (const rig of rigs) await rig.close();
  rigs = [];
  await redis?.stop();
  redis = null;
});

const ASK = { model: "gpt-4o", messages: [{ role: "user", content: "Hello there" }] };
const wordOf = (response: Response): string | null => response.headers.get("x-tokligence-cache");

/** Until what is kept is where others find it: Redis is another process. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 10_000; performance.now() < end;) {
    if (await isSo()) return;
    await new Promise(setImmediate);
  }
  throw new Error("it never came to be");
}

async function open(store: "memory" | "redis" | "sqlite"): Promise<{ gateway: Rig; admin: string }> {
  if (store === "redis") redis ??= await startRedis();
  let calls = 0;
  const gateway = await makeRig({
    upstream: (call) => answerAny(call, `answer number ${++calls}`),
    config: (config) => ({ ...config, redisUrl: redis?.url ?? null, cache: { ...config.cache, store } }),
    ...(store === "redis" ? { clock: { ...systemClock, advance: () => undefined } } : {}),
  });
  rigs.push(gateway);
  return { gateway, admin: (await gateway.issue("gateway_admin")).token };
}

const STORES = ["memory", "sqlite", ...(hasRedis ? (["redis"] as const) : [])] as const;

describe.each(STORES)("%s", (store) => {
  test("is used, shown, counted and emptied", async () => {
    const { gateway, admin } = await open(store);
    const show = async () => (await readJson(await gateway.send("/api/v1/admin/cache", { token: admin }))).cache;
    // Until Redis is there, nothing is kept.
    await until(async () => {
      await (await gateway.chat({ ...ASK, seed: 1 }, { headers: { "cache-control": "no-cache" } })).text();
      return (await show()).entries === 1;
    });
    const before = await show();
    const first = await gateway.chat(ASK);
    expect(wordOf(first)).toBe("miss");
    const text = await first.text();
    await until(async () => (await show()).entries === 2);
    const again = await gateway.chat(ASK);
    expect([wordOf(again), await again.text()]).toEqual(["hit", text]);
    const shown = await show();
    expect(shown).toMatchObject({
      store,
      scope: "key",
      ttl_seconds: 3600,
      entries: 2,
      misses: 1,
      hits: 1,
      hit_ratio: 0.5,
    });
    expect(shown.stored).toBe(before.stored + 1);
    expect(shown.saved_tokens).toBe(12);
    expect(shown.saved_cost_nanos).toBeGreaterThan(0);
    const metrics = await (await gateway.send("/metrics", { token: admin })).text();
    expect(metrics).toContain("tokligence_cache_hits_total 1");
    expect(metrics).toContain(`tokligence_cache_saved_nanodollars_total ${shown.saved_cost_nanos}`);
    expect(metrics).toContain('provider="cache"');
    const { summary } = await readJson(await gateway.send("/api/v1/usage/summary", { token: admin }));
    expect(summary).toMatchObject({ requests: 0 });
    const emptied = await gateway.send("/api/v1/admin/cache", { method: "DELETE", token: admin });
    expect(await readJson(emptied)).toEqual({ store, removed: 2 });
    expect(wordOf(await gateway.chat(ASK))).toBe("miss");
  });
});

test("summaries tell what was saved, and charge none of it", async () => {
  const gateway = await openCounting();
  rigs.push(gateway);
  const { token } = await gateway.issue();
  for (let round = 0; round < 3; round++) await gateway.chat(ASK, { token });
  await gateway.chat({ ...ASK, model: "local/m" }, { token });
  const read = async (path: string) => readJson(await gateway.send(`/api/v1/usage/${path}`, { token }));
  const { summary } = await read("summary");
  const [, paid] = (await gateway.rows()).filter(({ provider }) => provider !== "cache");
  expect(summary).toMatchObject({
    requests: 4,
    consumed_tokens: 24,
    cost_nanos: paid?.costNanos,
    reused_requests: 2,
    saved_tokens: 24,
    saved_cost_nanos: 2 * (paid?.costNanos ?? 0),
  });
  const { groups } = await read("breakdown?by=provider");
  expect(groups).toContainEqual(expect.objectContaining({ provider: "cache", requests: 2, cost_nanos: 0 }));
});

describe.if(hasRedis)("redis", () => {
  test("gateways share what it has", async () => {
    const one = await open("redis");
    const other = await open("redis");
    const ask = async ({ gateway }: typeof one) => {
      const response = await gateway.chat(ASK);
      await response.text();
      return wordOf(response);
    };
    await until(async () => (await ask(one)) === "hit");
    // Of another key, by the rule of the scope.
    await until(async () => (await ask(other)) === "hit");
    expect(other.gateway.calls.length).toBeGreaterThan(0);
    const global = await Promise.all(
      [one, other].map(async ({ gateway }) => {
        gateway.app.reload({ ...gateway.config, cache: { ...gateway.config.cache, scope: "global" } });
        return gateway;
      }),
    );
    const fresh = { ...ASK, seed: 5 };
    await global[0]?.chat(fresh);
    await until(async () => wordOf((await global[0]?.chat(fresh)) ?? new Response()) === "hit");
    const calls = global[1]?.calls.length;
    expect([wordOf((await global[1]?.chat(fresh)) ?? new Response()), global[1]?.calls.length]).toEqual(["hit", calls]);
  });

  test("frozen or gone, every request is answered, and it is told once", async () => {
    const { gateway } = await open("redis");
    await until(async () => wordOf(await gateway.chat(ASK)) === "hit");
    redis?.freeze();
    const startedMs = performance.now();
    for (let round = 0; round < 50; round++) expect((await gateway.chat(ASK)).status).toBe(200);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(gateway.log.filter((line) => line.includes("The cache in Redis cannot be used"))).toHaveLength(1);
    redis?.wake();
    expect(gateway.log.join("\n")).not.toContain("canary-redis");
  });
});
