// Rate limits in the compiled executable: what the command line sets is in force within a second, two gateways share a Redis, and a kill leaves no
// place taken.

import { expect, test } from "bun:test";
import { hasRedis, startRedis } from "../redis.ts";
import { type Served, expectOk, issueKey, serve, waitUntil } from "./binary.ts";
import { startUpstream } from "./upstream.ts";

const ASK = { model: "gpt-4o", max_tokens: 30, messages: [{ role: "user", content: "Hi" }] };
const ANSWER = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "gpt-4o",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 6, completion_tokens: 4, total_tokens: 10 },
};

/** Answers at once until it is told to keep everybody waiting. */
function openProvider() {
  let isSlow = false;
  const upstream = startUpstream(() => (isSlow ? new Promise<Response>(() => undefined) : Response.json(ANSWER)));
  return {
    config: `openai_base_url = ${upstream.url}/v1\nopenai_api_key = sk-test\n`,
    waiting: () => upstream.calls.length,
    slow(value: boolean): void {
      isSlow = value;
      upstream.calls.length = 0;
    },
    close: upstream.stop,
  };
}

interface Answered {
  status: number;
  text: string;
  headers: Headers;
}

function ask({ url }: Served, token: string): Promise<Answered> {
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(ASK),
  }).then(
    async (response) => ({ status: response.status, text: await response.text(), headers: response.headers }),
    () => ({ status: 0, text: "", headers: new Headers() }),
  );
}

test("what the command line sets is in force within a second, shown with its state, and lifted likewise", async () => {
  const provider = openProvider();
  const gateway = await serve({ config: provider.config });
  try {
    const { token } = await issueKey(gateway);
    expect((await ask(gateway, token)).headers.get("x-ratelimit-limit-requests")).toBeNull();
    await expectOk(gateway.run(["admin", "limits", "set", "all", "--requests-per-minute", "2", "--per", "key"]));
    const setMs = Date.now();
    await waitUntil(async () => (await ask(gateway, token)).headers.has("x-ratelimit-limit-requests"), "the limit");
    expect(Date.now() - setMs).toBeLessThan(2_000);
    await ask(gateway, token);
    const refused = await ask(gateway, token);
    expect([refused.status, refused.headers.get("x-ratelimit-remaining-requests")]).toEqual([429, "0"]);
    const shown = await expectOk(gateway.run(["admin", "limits", "show", "all", "--json"]));
    expect(JSON.parse(shown).limit.states).toMatchObject([{ requests: { limit: 2, used: 2, remaining: 0 } }]);
    await expectOk(gateway.run(["admin", "limits", "delete", "all"]));
    await waitUntil(async () => (await ask(gateway, token)).status === 200, "the limit to be lifted");
  } finally {
    await gateway.stop();
    await provider.close();
  }
}, 60_000);

test.skipIf(!hasRedis)(
  "two gateways share a Redis, and a kill leaves no place taken",
  async () => {
    const redis = await startRedis();
    const provider = openProvider();
    const config = `${provider.config}redis_url = ${redis.url}\n[limit.all]\nconcurrent = 2\n`;
    const [one, two] = [await serve({ config }), await serve({ config })];
    try {
      const [first, second] = [await issueKey(one), await issueKey(two)];
      provider.slow(true);
      const lost = [ask(one, first.token), ask(one, first.token)];
      await waitUntil(() => provider.waiting() === 2, "the calls to reach the provider");
      provider.slow(false);
      // Where Redis takes too long for a call, that one is let through.
      let refused = "";
      const isRefused = async (): Promise<boolean> => {
        const { status, text } = await ask(two, second.token);
        refused = text;
        return status === 429;
      };
      await waitUntil(isRefused, "the cap to hold at the other gateway, too");
      expect(JSON.parse(refused).error.code).toBe("rate_limit_exceeded");
      one.signal("SIGKILL");
      await Promise.all([...lost, one.exited]);
      await waitUntil(isRefused, "the cap to hold without the one that was killed");
      await waitUntil(async () => (await ask(two, second.token)).status === 200, "the dead one's places to be free");
    } finally {
      await Promise.all([one.stop(), two.stop()]);
      await provider.close();
      await redis.stop();
    }
  },
  90_000,
);
