// How much may be under way at once: who is over the limit waits, leaves, is asked elsewhere or is refused in its own format, and no place is lost.

import { afterEach, expect, test } from "bun:test";
import { type Rig, type UpstreamCall, makeRig, readJson } from "../rig.ts";
import { ASK, GOOD_STREAM, completion, isFirst, refusal } from "./failover-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

type Caps = Rig["config"]["caps"];

interface Held {
  call: UpstreamCall;
  answer(response?: Response): void;
}

interface Scene {
  gateway: Rig;
  /** Calls that wait for the test to answer them, oldest first. */
  held: Held[];
  until(count: number): Promise<void>;
}

interface SceneInit {
  caps?: Partial<Caps>;
  cap?: Rig["config"]["providers"][number]["cap"];
  others?: { provider: string; model: string | null }[];
  keepAliveMs?: number;
}

async function open({ caps = {}, cap, others = [], keepAliveMs = 0 }: SceneInit): Promise<Scene> {
  const held: Held[] = [];
  const gateway = await makeRig({
    upstream: (call) => {
      if (call.method === "GET") return Response.json({ data: [] });
      return new Promise((resolve, reject) => {
        call.signal.addEventListener("abort", () => reject(new Error("aborted")));
        held.push({ call, answer: (response = Response.json(completion("Hi"))) => resolve(response) });
      });
    },
    config: (config) => ({
      ...config,
      caps: { ...config.caps, ...caps },
      timeouts: { ...config.timeouts, keepAliveMs },
      travel: { ...config.travel, maxAttempts: 3 },
      providers: config.providers.map((each) =>
        each.name === "openai" && cap !== undefined ? { ...each, cap } : each,
      ),
      routes: [{ pattern: "gpt-4o", targets: [{ provider: "openai", model: null }, ...others], origin: "test" }],
    }),
  });
  rig = gateway;
  return {
    gateway,
    held,
    async until(count) {
      while (held.length < count) await new Promise(setImmediate);
    },
  };
}

async function settle(): Promise<void> {
  for (let round = 0; round < 30; round++) await new Promise(setImmediate);
}

test("a request over the limit waits, and comes in when another is over", async () => {
  const { gateway, held, until } = await open({ cap: { atOnce: 1 } });
  const first = gateway.chat(ASK);
  await until(1);
  const second = gateway.chat(ASK);
  await settle();
  expect(held).toHaveLength(1);
  held[0]?.answer();
  expect((await first).status).toBe(200);
  await until(2);
  held[1]?.answer();
  expect((await second).status).toBe(200);
});

test("a stream keeps its place until its end", async () => {
  const { gateway, held, until } = await open({ cap: { atOnce: 1 } });
  const first = gateway.chat({ ...ASK, stream: true });
  await until(1);
  let control: ReadableStreamDefaultController | null = null;
  const body = new ReadableStream({
    start(controller) {
      control = controller;
    },
  });
  const say = (text: string): void => control?.enqueue(new TextEncoder().encode(text));
  held[0]?.answer(new Response(body, { headers: { "content-type": "text/event-stream" } }));
  say(GOOD_STREAM.slice(0, 2).join(""));
  const stream = await first;
  const second = gateway.chat(ASK);
  await settle();
  expect(held).toHaveLength(1);
  say(GOOD_STREAM.slice(2).join(""));
  expect(await stream.text()).toContain("[DONE]");
  await until(2);
  held[1]?.answer();
  expect((await second).status).toBe(200);
});

const REFUSED: [string, SceneInit, number, RegExp][] = [
  [
    "of a provider",
    { cap: { atOnce: 1 } },
    503,
    /^Provider "openai" has as many.*max_concurrent of \[provider\.openai\]/u,
  ],
  ["of any provider", { caps: { perProvider: 1 } }, 503, /max_concurrent_per_provider/u],
  ["in all", { caps: { total: 1 } }, 503, /^This gateway has as many.*\(max_concurrent\)/u],
  ["of a key", { caps: { perKey: 1 } }, 429, /^This API key has as many.*max_concurrent_per_key/u],
  ["of a user", { caps: { perUser: 1 } }, 429, /^The owner of this API key.*max_concurrent_per_user/u],
];

test.each(REFUSED)("%s: who waited in vain is refused with Retry-After", async (_what, init, status, message) => {
  const { gateway, held, until } = await open(init);
  const first = gateway.chat(ASK);
  await until(1);
  const second = gateway.chat(ASK);
  await settle();
  gateway.clock.advance(5_000);
  const refused = await second;
  expect(refused.status).toBe(status);
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(refused.headers.get("x-should-retry")).toBeNull();
  const { error } = await readJson(refused);
  expect(error).toMatchObject({ code: "concurrency_limit", message: expect.stringMatching(message) });
  held[0]?.answer();
  expect((await first).status).toBe(200);
  const rows = await gateway.rows();
  const found = rows
    .map((row) => [row.status, row.attempts.length])
    .toSorted(([left = 0], [right = 0]) => left - right);
  expect(found).toEqual([
    [200, 1],
    [status, 0],
  ]);
});

test.each([
  [
    "/v1/messages",
    { model: "gpt-4o", max_tokens: 9, messages: ASK.messages },
    { type: "error", error: { type: "rate_limit_error" } },
  ],
  [
    "/v1beta/models/gpt-4o:generateContent",
    { contents: [{ parts: [{ text: "Hi" }] }] },
    { error: { code: 429, status: "RESOURCE_EXHAUSTED" } },
  ],
  ["/v1/responses", { model: "gpt-4o", input: "Hi" }, { error: { code: "concurrency_limit" } }],
  ["/v1/embeddings", { model: "text-embedding-3-small", input: "Hi" }, { error: { code: "concurrency_limit" } }],
  ["/v1/moderations", { model: "omni-moderation-latest", input: "Hi" }, { error: { code: "concurrency_limit" } }],
  ["/passthrough/openai/v1/anything", { any: "thing" }, { error: { code: "concurrency_limit" } }],
])("%s is refused in its own format where nobody may wait", async (path, body, told) => {
  const { gateway, held, until } = await open({ caps: { perKey: 1, queueLength: 0 } });
  const { token } = await gateway.issue("root_admin");
  const first = gateway.chat(ASK, { token });
  await until(1);
  const refused = await gateway.send(path, { body, token });
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(await readJson(refused)).toMatchObject(told);
  held[0]?.answer();
  await first;
});

test("one key at its limit does not stand in another's way", async () => {
  const { gateway, held, until } = await open({ caps: { perKey: 1, total: 2 } });
  const first = gateway.chat(ASK);
  await until(1);
  const second = gateway.chat(ASK);
  await settle();
  const { token } = await gateway.issue();
  const other = gateway.chat(ASK, { token });
  await until(2);
  held[1]?.answer();
  expect((await other).status).toBe(200);
  held[0]?.answer();
  await first;
  await until(3);
  held[2]?.answer();
  expect((await second).status).toBe(200);
});

test("a client that leaves the queue leaves it at once, and its row says so", async () => {
  const { gateway, held, until } = await open({ cap: { atOnce: 1 } });
  const first = gateway.chat(ASK);
  await until(1);
  const client = new AbortController();
  const second = gateway.chat(ASK, { signal: client.signal });
  const third = gateway.chat(ASK);
  await settle();
  client.abort();
  expect((await second).status).toBe(499);
  held[0]?.answer();
  await first;
  await until(2);
  held[1]?.answer();
  expect((await third).status).toBe(200);
  expect(held).toHaveLength(2);
  const left = (await gateway.rows()).find(({ errorKind }) => errorKind === "cancelled");
  expect(left).toMatchObject({ status: 499, attempts: [], costNanos: null });
});

test("a streaming client is sent comments while it waits for its turn", async () => {
  const { gateway, held, until } = await open({ cap: { atOnce: 1, queueMs: 60_000 }, keepAliveMs: 1_000 });
  const first = gateway.chat(ASK);
  await until(1);
  const second = gateway.chat({ ...ASK, stream: true });
  await settle();
  gateway.clock.advance(1_000);
  const response = await second;
  const reader = response.body?.getReader();
  const read = async (): Promise<string> => new TextDecoder().decode((await reader?.read())?.value);
  expect(await read()).toStartWith(": ");
  held[0]?.answer();
  await first;
  await until(2);
  held[1]?.answer(new Response(GOOD_STREAM.join(""), { headers: { "content-type": "text/event-stream" } }));
  let text = "";
  for (let piece = await read(); piece !== ""; piece = await read()) text += piece;
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
});

const SECOND = [{ provider: "local", model: "second" }];

test("where there is another provider for it, a request does not wait for a full one", async () => {
  const { gateway, held, until } = await open({ cap: { atOnce: 1 }, others: SECOND });
  const first = gateway.chat(ASK);
  await until(1);
  const second = gateway.chat(ASK);
  await until(2);
  expect(isFirst(held[1]?.call.url ?? "")).toBe(false);
  held[1]?.answer();
  const response = await second;
  expect(response.headers.get("x-tokligence-provider")).toBe("local");
  expect(response.headers.get("x-tokligence-attempts")).toBe("1");
  held[0]?.answer();
  await first;
});

test("where that one fails, it waits for the full one after all, which is no call until it is made", async () => {
  const { gateway, held, until } = await open({ cap: { atOnce: 1 }, others: SECOND });
  const first = gateway.chat(ASK);
  await until(1);
  const second = gateway.chat(ASK);
  await until(2);
  held[1]?.answer(refusal(401));
  await settle();
  held[0]?.answer();
  await first;
  await until(3);
  expect(isFirst(held[2]?.call.url ?? "")).toBe(true);
  held[2]?.answer();
  const response = await second;
  expect([response.status, response.headers.get("x-tokligence-attempts")]).toEqual([200, "2"]);
});

test("where all are full, one wait is all that a request is made to bear", async () => {
  const { gateway, held, until } = await open({ caps: { perProvider: 1 }, others: SECOND });
  const waiting = [gateway.chat(ASK), gateway.chat(ASK)];
  await until(2);
  const third = gateway.chat(ASK);
  await settle();
  gateway.clock.advance(5_000);
  const response = await third;
  expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
  for (const each of held) each.answer();
  await Promise.all(waiting);
});

test("the metrics tell how full it is", async () => {
  const { gateway, held, until } = await open({ cap: { atOnce: 1 } });
  const { token } = await gateway.issue("gateway_admin");
  const read = async (): Promise<(string | undefined)[]> => {
    const text = await (await gateway.send("/metrics", { token })).text();
    return ["running", "waiting", "turned_away_total"].map(
      (name) => new RegExp(`^tokligence_requests_${name} (\\d+)$`, "mu").exec(text)?.[1],
    );
  };
  const first = gateway.chat(ASK);
  await until(1);
  const second = gateway.chat(ASK);
  await settle();
  expect(await read()).toEqual(["2", "1", "0"]);
  gateway.clock.advance(5_000);
  await second;
  expect(await read()).toEqual(["1", "0", "1"]);
  held[0]?.answer();
  await first;
  expect(await read()).toEqual(["0", "0", "1"]);
});

test("300 requests that hang at one provider keep nobody from another", async () => {
  const { gateway, held, until } = await open({ cap: { atOnce: 200, queueLength: 100 }, caps: { total: 400 } });
  const client = new AbortController();
  const hanging = Array.from({ length: 300 }, () => gateway.chat(ASK, { signal: client.signal }));
  await until(200);
  const over = await gateway.chat(ASK);
  expect(over.status).toBe(503);
  for (let turn = 0; turn < 20; turn++) {
    const quick = gateway.chat({ ...ASK, model: "local/m" });
    await until(201 + turn);
    held.at(-1)?.answer();
    expect((await quick).status).toBe(200);
  }
  client.abort();
  await Promise.all(hanging);
  // Nothing of it stays behind.
  const last = gateway.chat(ASK);
  await until(221);
  held.at(-1)?.answer();
  expect((await last).status).toBe(200);
});
