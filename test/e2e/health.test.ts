// Key pools and health in the compiled executable: two gateways that share a Redis, one of which is killed; what is disabled outlives a restart.

import { rmSync } from "node:fs";
import { describe, expect, test } from "bun:test";
import { hasRedis, startRedis } from "../redis.ts";
import { type Served, expectOk, issueKey, makeFolder, serve, waitUntil } from "./binary.ts";
import { startUpstream } from "./upstream.ts";

const ANSWER = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "gpt-4o",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 6, completion_tokens: 4, total_tokens: 10 },
};
const REFUSAL = { error: { message: "Incorrect API key provided: sk-canary-a", code: "invalid_api_key" } };

/** The key a is revoked, b is taken. */
function openProvider() {
  const upstream = startUpstream((request) => {
    const isTaken = request.headers.get("authorization")?.endsWith("-b") === true;
    return isTaken ? Response.json(ANSWER) : Response.json(REFUSAL, { status: 401 });
  });
  const section = `[provider.pool]\ntype = compatible\nbase_url = ${upstream.url}/v1\nkey_strategy = priority\n`;
  return {
    config: `${section}api_key.a = sk-canary-a\napi_key.b = sk-canary-b\nmodels = gpt-4o\n`,
    stop: upstream.stop,
  };
}

async function ask({ url }: Served, token: string): Promise<[number, string | null]> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt-4o", messages: [{ role: "user", content: "Hi" }] }),
  });
  await response.text();
  return [response.status, response.headers.get("x-tokligence-attempts")];
}

interface Listed {
  shared: string | null;
  providers: { provider: string; state: string; keys: { key: string; state: string; reason: string | null }[] }[];
}

async function list(served: Served): Promise<{ shared: string | null; pool: Listed["providers"][number] | undefined }> {
  const out = await expectOk(served.run(["admin", "health", "list", "--json"]));
  expect(out).not.toContain("canary");
  const { shared, providers }: Listed = JSON.parse(out);
  return { shared, pool: providers.find(({ provider }) => provider === "pool") };
}

describe("a pool of keys", () => {
  test("parks the one that is refused, and what is disabled is disabled after a kill, too", async () => {
    const provider = openProvider();
    const folder = makeFolder();
    let served = await serve({ config: provider.config, folder });
    try {
      const { token } = await issueKey(served);
      expect([await ask(served, token), await ask(served, token)]).toEqual([
        [200, "2"],
        [200, "1"],
      ]);
      const { pool, shared } = await list(served);
      expect([shared, pool?.state, pool?.keys[0]?.reason]).toEqual([null, "degraded", "revoked"]);
      await expectOk(served.run(["admin", "health", "disable", "--provider", "pool", "--key", "b"]));
      expect((await ask(served, token))[0]).toBe(401);
      served.signal("SIGKILL");
      await served.exited;
      served = await serve({ config: provider.config, folder });
      expect((await list(served)).pool?.keys.map(({ state }) => state)).toEqual(["ok", "disabled"]);
      expect((await ask(served, token))[0]).toBe(401);
      await expectOk(served.run(["admin", "health", "enable", "--provider", "pool"]));
      expect((await ask(served, token))[0]).toBe(200);
      expect(served.log()).not.toContain("canary");
    } finally {
      await served.stop();
      await provider.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test.if(hasRedis)(
    "is known to a second gateway by Redis, also after the first is killed; without Redis both serve",
    async () => {
      const provider = openProvider();
      const redis = await startRedis();
      const config = `redis_url = ${redis.url}\n${provider.config}`;
      const [first, second] = [await serve({ config }), await serve({ config })];
      try {
        const tokens = [(await issueKey(first)).token, (await issueKey(second)).token] as const;
        const isShared = async (): Promise<boolean> => (await list(second)).shared === "connected";
        await waitUntil(isShared, "Redis");
        expect(await ask(first, tokens[0])).toEqual([200, "2"]);
        await waitUntil(async () => (await list(second)).pool?.keys[0]?.state === "parked", "the news");
        first.signal("SIGKILL");
        await first.exited;
        expect(await ask(second, tokens[1])).toEqual([200, "1"]);
        await redis.stop();
        await waitUntil(async () => (await list(second)).shared === "disconnected", "the loss to be noticed");
        expect(await ask(second, tokens[1])).toEqual([200, "1"]);
        expect(second.log().split("this gateway goes by what it finds out itself")).toHaveLength(2);
      } finally {
        await Promise.all([first.stop(), second.stop(), redis.stop()]);
        await provider.stop();
      }
    },
  );
});
