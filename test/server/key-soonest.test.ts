// Several keys of one provider, all of them limited: the client is told when the first of them is free again, not what the last one said.

import { afterEach, expect, test } from "bun:test";
import { type Rig, type UpstreamCall, makeProviderSettings, makeRig, readJson } from "../rig.ts";
import { ASK, completion, refusal } from "./failover-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const labelOf = ({ headers }: UpstreamCall): string =>
  (headers.get("authorization") ?? headers.get("x-goog-api-key") ?? "").slice(-1);

const GOOGLE = makeProviderSettings({ name: "google", kind: "gemini", baseUrl: "http://google.test", apiKey: "k" });

/** `waits`: the seconds that each key has to wait, by its label; null: it answers. */
async function open(waits: Record<string, number | null>, name = "openai", maxAttempts = 1): Promise<Rig> {
  const keys = Object.keys(waits).map((label) => ({ label, apiKey: `sk-canary-pool-${label}`, weight: 1 }));
  rig = await makeRig({
    upstream(call) {
      const seconds = waits[labelOf(call)] ?? null;
      if (seconds === null) return Response.json(completion("Hi"));
      if (name === "openai") return refusal(429, { "retry-after": String(seconds) });
      const details = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: `${seconds}s` }];
      const error = { code: 429, message: "no 429", status: "RESOURCE_EXHAUSTED", details };
      return Response.json({ error }, { status: 429 });
    },
    config: (config) => ({
      ...config,
      travel: { ...config.travel, maxAttempts },
      providers: [...config.providers, GOOGLE].map((each) =>
        each.name === name ? { ...each, apiKey: keys[0]?.apiKey ?? "", keys, keyStrategy: "priority" as const } : each,
      ),
      secrets: [...config.secrets, ...keys.map(({ apiKey }) => apiKey)],
    }),
  });
  return rig;
}

const CONTENTS = { contents: [{ role: "user", parts: [{ text: "Hi" }] }] };

test.each([
  ["/v1/chat/completions", ASK],
  ["/v1/messages", { ...ASK, max_tokens: 9 }],
  ["/v1beta/models/gpt-4o:generateContent", CONTENTS],
])("%s, where all are asked", async (path, body) => {
  const gateway = await open({ a: 20, b: 60, c: 40 });
  const response = await gateway.send(path, { body });
  expect([response.status, response.headers.get("retry-after")]).toEqual([429, "20"]);
  expect(gateway.calls.map(labelOf).join("")).toBe("abc");
  const text = await response.text();
  expect(text).not.toContain('"60s"');
  expect(path.startsWith("/v1beta") ? text : '"retryDelay":"20s"').toContain('"retryDelay":"20s"');
});

test("where one is not asked, as it is known to be limited", async () => {
  const waits: Record<string, number | null> = { a: 20, b: null };
  const gateway = await open(waits);
  expect((await gateway.chat(ASK)).status).toBe(200);
  waits["b"] = 60;
  gateway.clock.advance(5_000);
  const response = await gateway.chat(ASK);
  expect([response.status, response.headers.get("retry-after")]).toEqual([429, "15"]);
  expect(gateway.calls.map(labelOf).join("")).toBe("abb");
  expect((await readJson(response)).error.message).toBe("no 429");
});

test("where the words themselves say when, as Google's do", async () => {
  const gateway = await open({ a: 20, b: 60 }, "google");
  const response = await gateway.send("/v1beta/models/google/gemini-3-pro:generateContent", { body: CONTENTS });
  expect([response.status, response.headers.get("retry-after")]).toEqual([429, "20"]);
  const text = await response.text();
  expect(text).toContain('"retryDelay":"20s"');
  expect(JSON.parse(text).error).toMatchObject({ message: "no 429", status: "RESOURCE_EXHAUSTED" });
  expect(gateway.calls.map(labelOf).join("")).toBe("ab");
});

test("one alone is told as it was said", async () => {
  const gateway = await open({ a: 60 });
  const response = await gateway.chat(ASK);
  expect([response.status, response.headers.get("retry-after")]).toEqual([429, "60"]);
});

test("one that was tried again so often that it is spared is not waited for: its own word is told at once", async () => {
  const gateway = await open({ a: 2 }, "openai", 3);
  for (let call = 0; call < 30; call++) {
    const calls = gateway.calls.length;
    const asked = gateway.chat(ASK);
    // As long as it may be tried again, its pause is waited for.
    const pending = await moveOn(gateway, asked);
    if (gateway.calls.length > calls + 1) continue;
    const { response, waitedMs } = pending;
    expect([response.status, response.headers.get("retry-after"), waitedMs]).toEqual([429, "2", 0]);
    expect(response.headers.get("x-should-retry")).toBe("false");
    return;
  }
  throw new Error("It was never spared.");
});

async function moveOn({ clock }: Rig, asked: Promise<Response>): Promise<{ response: Response; waitedMs: number }> {
  const startedMs = clock.monotonicMs();
  let endMs: number | null = null;
  const settled = asked.finally(() => {
    endMs = clock.monotonicMs();
  });
  for (let round = 0; endMs === null && round < 2_000; round++) {
    await new Promise(setImmediate);
    if (round % 20 === 19) clock.advance(100);
  }
  return { response: await settled, waitedMs: (endMs ?? 0) - startedMs };
}
