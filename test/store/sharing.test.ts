// Two gateways that share a Redis hear of each other's findings; without it each goes by its own. On a real server, which dies, hangs and comes back.

import { afterEach, describe, expect, test } from "bun:test";
import { RedisClient } from "bun";
import { readNews } from "../../src/gateway/index.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { shareByRedis } from "../../src/store/redis/sharing.ts";
import { type TestRedis, hasRedis, startRedis } from "../redis.ts";
import { type Rig, type UpstreamCall, makeClock, makeRig, readJson } from "../rig.ts";
import { ASK, SECOND, completion, refusal } from "../server/failover-scene.ts";

let redis: TestRedis | null = null;
const rigs: Rig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
  redis?.wake();
  await redis?.stop();
  redis = null;
});

const PROVIDERS = "/api/v1/admin/health/providers";
const labelOf = ({ headers }: UpstreamCall): string => (headers.get("authorization") ?? "").slice(-1);

interface Gateway {
  rig: Rig;
  faults: string[];
  act(action: string, body?: object): Promise<Response>;
  sharing(): Promise<string | null>;
  ask(): Promise<string | null>;
  used(): string;
}

/** `openai` has the keys a, which is revoked, and b; the second provider stands behind it. */
async function join(url: string, revoked = "a", clock = systemClock): Promise<Gateway> {
  const keys = ["a", "b"].map((label) => ({ label, apiKey: `sk-canary-pool-${label}`, weight: 1 }));
  const faults: string[] = [];
  const rig = await makeRig({
    clock: makeClock(),
    upstream: (call) => (labelOf(call) === revoked ? refusal(401) : Response.json(completion("Hi"))),
    share: shareByRedis({
      url,
      clock,
      read: readNews,
      onFault: ({ message }) => void faults.push(message),
      onRecovery: () => void faults.push("recovered"),
    }),
    config: (config) => ({
      ...config,
      travel: { ...config.travel, maxAttempts: 4 },
      providers: config.providers.map((each) =>
        each.name === "openai" ? { ...each, apiKey: "sk-canary-pool-a", keys, keyStrategy: "priority" as const } : each,
      ),
      routes: [{ pattern: "gpt-4o", targets: [{ provider: "openai", model: null }, ...SECOND], origin: "test" }],
    }),
  });
  rigs.push(rig);
  const { token } = await rig.issue("root_admin");
  return {
    rig,
    faults,
    act: (action, body = {}) => rig.send(`${PROVIDERS}/openai/${action}`, { token, body }),
    sharing: async () => (await readJson(await rig.send(PROVIDERS, { token }))).shared,
    ask: async () => (await rig.chat(ASK)).headers.get("x-tokligence-provider"),
    used: () => rig.calls.map(labelOf).join(""),
  };
}

/** Until it is so; what never comes to be ends the test by its time. */
async function until(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise(setImmediate);
}

const connected = (gateway: Gateway): Promise<void> => until(async () => (await gateway.sharing()) === "connected");

describe.if(hasRedis)("by Redis", () => {
  test("a key that one found revoked is not used by the other, nor by one that comes later", async () => {
    redis = await startRedis();
    const [first, second] = [await join(redis.url), await join(redis.url)];
    await Promise.all([connected(first), connected(second)]);
    await first.ask();
    expect(first.used()).toBe("ab");
    const client = new RedisClient(redis.url);
    await until(async () => (await client.keys("tokligence:health:finding:*")).length === 1);
    const third = await join(redis.url);
    await connected(third);
    await third.ask();
    expect(third.used()).toBe("b");
    await until(async () => {
      await second.ask();
      return second.used().endsWith("b") && !second.used().endsWith("ab");
    });
    const texts = await Promise.all((await client.keys("*")).map(async (key) => `${key} ${await client.get(key)}`));
    expect(texts.join("")).not.toContain("canary");
    client.close();
  });

  test("what an operator drains at one is drained at the other and at one that comes later, and let in again likewise", async () => {
    redis = await startRedis();
    const [first, second] = [await join(redis.url, ""), await join(redis.url, "")];
    await Promise.all([connected(first), connected(second)]);
    await first.act("drain");
    await until(async () => (await second.ask()) === "local");
    const third = await join(redis.url, "");
    await connected(third);
    expect(await third.ask()).toBe("local");
    await second.act("enable");
    await until(async () => (await first.ask()) === "openai" && (await third.ask()) === "openai");
  });

  test("where it is not there from the start, all goes by what each knows; once it is, what was said meanwhile is told", async () => {
    redis = await startRedis();
    const { url } = redis;
    const port = Number(new URL(url).port);
    await redis.stop();
    const first = await join(url, "");
    await until(async () => first.faults.length > 0);
    expect([await first.ask(), await first.sharing()]).toEqual(["openai", "disconnected"]);
    await first.act("disable", { key: "a" });
    await first.ask();
    expect(first.used()).toBe("ab");
    redis = await startRedis(port);
    const second = await join(redis.url, "");
    await Promise.all([connected(first), connected(second)]);
    await until(async () => {
      await second.ask();
      return second.used().endsWith("b");
    });
    expect(first.faults.slice(1)).toEqual(["recovered"]);
  }, 30_000);

  test("that ends before it has heard of something is told of it when it is back", async () => {
    redis = await startRedis();
    const port = Number(new URL(redis.url).port);
    const first = await join(redis.url, "");
    await connected(first);
    redis.freeze();
    await first.act("drain");
    await redis.stop();
    await until(async () => first.faults.length > 0);
    redis = await startRedis(port);
    const second = await join(redis.url, "");
    await Promise.all([connected(first), connected(second)]);
    await until(async () => (await second.ask()) === "local");
  }, 30_000);

  test("that takes nothing for a while is told once it does, however often that was tried in vain", async () => {
    redis = await startRedis();
    const client = new RedisClient(redis.url);
    const countConnections = async (): Promise<number> =>
      Number(/total_connections_received:(\d+)/u.exec(String(await client.send("INFO", ["stats"])))?.[1]);
    const soon = (ms: number): boolean => ms === 1_000 || (ms >= 4_000 && ms !== 10_000);
    const hasty = {
      ...systemClock,
      after: (ms: number, work: () => void) => systemClock.after(soon(ms) ? 1 : ms, work),
    };
    const first = await join(redis.url, "", hasty);
    await connected(first);
    await client.send("CONFIG", ["SET", "maxmemory", "1"]);
    const before = await countConnections();
    await first.act("drain");
    // Two each time.
    await until(async () => (await countConnections()) >= before + 4);
    await until(async () => first.faults.length > 0);
    await client.send("CONFIG", ["SET", "maxmemory", "0"]);
    client.close();
    const second = await join(redis.url, "");
    await Promise.all([connected(first), connected(second)]);
    await until(async () => (await second.ask()) === "local");
    expect(first.faults.slice(1)).toEqual(["recovered"]);
  }, 30_000);

  test("that hangs keeps no request waiting, and is told of once", async () => {
    redis = await startRedis();
    const first = await join(redis.url);
    await connected(first);
    redis.freeze();
    const startedMs = performance.now();
    expect(await first.ask()).toBe("openai");
    expect(performance.now() - startedMs).toBeLessThan(1_500);
    expect(first.used()).toBe("ab");
    await until(async () => first.faults.length > 0);
    await first.ask();
    expect(first.faults).toHaveLength(1);
    redis.wake();
    await connected(first);
    expect(first.faults.slice(1)).toEqual(["recovered"]);
  }, 30_000);
});
