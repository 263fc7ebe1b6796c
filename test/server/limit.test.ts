// Rate limits through HTTP: who is refused and in whose words, what is given back, and that many at once never get more than there is.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { makeStream, readJson } from "../rig.ts";
import { listSurfaces } from "./cache-scene.ts";
import { GOOD_STREAM } from "./failover-scene.ts";
import { ASK, answerChat, later, openLimited, settle } from "./limit-scene.ts";

const MESSAGES = { model: "claude-sonnet-4-5", max_tokens: 50, messages: ASK.messages };

describe("requests a minute", () => {
  test("the one beyond them is refused as OpenAI does it, is on the books, and costs nothing", async () => {
    const rig = await openLimited({ limits: { team: { requests: 2 } } });
    const first = await rig.chat(ASK);
    expect(first.status).toBe(200);
    expect(first.headers.get("x-ratelimit-limit-requests")).toBe("2");
    expect(first.headers.get("x-ratelimit-remaining-requests")).toBe("1");
    expect(first.headers.get("x-ratelimit-reset-requests")).toMatch(/^(?:1m0s|59s)$/u);
    expect(first.headers.get("x-ratelimit-limit-tokens")).toBeNull();
    expect((await rig.chat(ASK)).headers.get("x-ratelimit-remaining-requests")).toBe("0");
    const refused = await rig.chat(ASK);
    expect(refused.status).toBe(429);
    const { error } = await readJson(refused);
    expect(error).toMatchObject({ type: "requests", code: "rate_limit_exceeded", param: null });
    expect(error.message).toMatch(
      /^Rate limit "team" reached: 2 requests a minute for all calls together; 0 left\. It begins anew in (?:59|60) s, at \d{4}-/u,
    );
    expect(Number(refused.headers.get("retry-after"))).toBeWithin(59, 61);
    expect(Number(refused.headers.get("retry-after-ms"))).toBeWithin(58_000, 60_001);
    expect(refused.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    expect(refused.headers.get("x-should-retry")).toBeNull();
    expect(rig.calls).toHaveLength(2);
    const [row] = await rig.rows();
    expect(row).toMatchObject({
      status: 429,
      errorKind: "rate_limited",
      provider: null,
      attempts: [],
      costNanos: null,
    });
    expect(row).toMatchObject({ modelAsked: "gpt-4o", usageSource: "none" });
    later(60_001);
    expect((await rig.chat(ASK)).status).toBe(200);
  });

  test("are told to each client in its own dialect", async () => {
    const rig = await openLimited({ limits: { all: { requests: 1 } } });
    await rig.chat(ASK);
    const messages = await rig.send("/v1/messages", { body: MESSAGES });
    expect(messages.status).toBe(429);
    expect(await readJson(messages)).toMatchObject({ type: "error", error: { type: "rate_limit_error" } });
    expect(messages.headers.get("anthropic-ratelimit-requests-limit")).toBe("1");
    expect(messages.headers.get("anthropic-ratelimit-requests-remaining")).toBe("0");
    expect(messages.headers.get("anthropic-ratelimit-requests-reset")).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/u);
    expect(messages.headers.get("x-ratelimit-limit-requests")).toBeNull();
    expect(messages.headers.get("retry-after")).not.toBeNull();
    const gemini = await rig.send("/v1beta/models/gpt-4o:generateContent", {
      body: { contents: [{ parts: [{ text: "Hi" }] }] },
    });
    expect(gemini.status).toBe(429);
    expect((await readJson(gemini)).error).toMatchObject({ code: 429, status: "RESOURCE_EXHAUSTED" });
    const responses = await rig.send("/v1/responses", { body: { model: "gpt-4o", input: "Hi" } });
    expect((await readJson(responses)).error).toMatchObject({ type: "requests", code: "rate_limit_exceeded" });
  });

  test.each(Object.entries(listSurfaces()))("hold on every surface: %s", async (_name, { path, body }) => {
    const rig = await openLimited({ limits: { all: { requests: 1 } } });
    expect((await rig.chat(ASK)).status).toBe(200);
    const refused = await rig.send(path, { body });
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after-ms")).not.toBeNull();
    expect((await rig.rows())[0]).toMatchObject({ status: 429, errorKind: "rate_limited", attempts: [] });
    expect(rig.calls).toHaveLength(1);
  });

  const OTHERS: [string, string, { method?: string; body?: unknown }][] = [
    ["moderations", "/v1/moderations", { body: { input: "Hi", model: "gpt-4o" } }],
    ["batches", "/v1/batches", { body: { input_file_id: "file-1", endpoint: "/v1/chat/completions" } }],
    ["lists", "/v1/files", {}],
    ["passthrough", "/passthrough/openai/v1/new", { body: {} }],
    ["reading through", "/passthrough/openai/v1/new", { method: "GET" }],
    ["counting", "/v1/messages/count_tokens", { body: { model: "claude-sonnet-4-5", messages: ASK.messages } }],
  ];

  test.each(OTHERS)("hold where there is no chat: %s", async (_name, path, init) => {
    const rig = await openLimited({ limits: { all: { requests: 1 } } });
    const { token } = await rig.issue("gateway_admin");
    expect((await rig.chat(ASK)).status).toBe(200);
    const refused = await rig.send(path, { ...init, token });
    expect(refused.status).toBe(429);
    expect((await readJson(refused)).error.message).toStartWith('Rate limit "all" reached: ');
    expect(rig.calls).toHaveLength(1);
  });

  test("each key has its own, and a named user's concern nobody else", async () => {
    const rig = await openLimited({ limits: { each: { requests: 1, per: ["key"] } } });
    const [ana, bob] = [await rig.issue(), await rig.issue()];
    await rig.set("bob", { requests_per_minute: 1, user: bob.email });
    for (const { token } of [ana, bob]) expect((await rig.chat(ASK, { token })).status).toBe(200);
    expect((await rig.chat(ASK, { token: ana.token })).status).toBe(429);
    await rig.set("other", { requests_per_minute: 9 });
    const refused = await rig.chat(ASK, { token: bob.token });
    const { error } = await readJson(refused);
    expect(error.message).not.toContain(bob.keyId);
    expect(error.message).toMatch(/"(?:each|bob)"/u);
    // All or nothing: what stood in nobody's way was not used up by the refusals.
    expect((await rig.look("other")).states).toMatchObject([{ requests: { used: 0, remaining: 9 } }]);
    expect((await rig.look("each")).states).toHaveLength(2);
  });

  test("by model and by provider: another target is asked where one is used up", async () => {
    const rig = await openLimited({
      limits: { first: { requests: 1, provider: "openai" }, model: { requests: 3, per: ["model"] } },
      config: (config) => ({
        ...config,
        routes: [
          {
            pattern: "gpt-4o",
            targets: [
              { provider: "openai", model: null },
              { provider: "local", model: "second" },
            ],
            origin: "test",
          },
        ],
      }),
    });
    const served = async (): Promise<unknown> => {
      const response = await rig.chat(ASK);
      return response.headers.get("x-tokligence-provider") ?? response.status;
    };
    expect([await served(), await served(), await served(), await served()]).toEqual([
      "openai",
      "local",
      "local",
      "local",
    ]);
    const refused = await rig.chat(ASK);
    expect(refused.status).toBe(429);
    expect((await rig.look("model")).states).toMatchObject([
      { model: "gpt-4o", requests: { used: 1 } },
      { model: "second", requests: { used: 3 } },
    ]);
    expect((await rig.rows())[0]).toMatchObject({ status: 429, errorKind: "rate_limited" });
  });

  test("a provider's own figures are not taken for ours", async () => {
    const own = { "x-ratelimit-remaining-requests": "4999", "x-ratelimit-remaining-tokens": "77" };
    const upstream = (): Response => {
      const response = answerChat();
      for (const [name, value] of Object.entries(own)) response.headers.set(name, value);
      return response;
    };
    const rig = await openLimited({ limits: { all: { requests: 5 } }, upstream });
    const { token } = await rig.issue("gateway_admin");
    for (const response of [await rig.chat(ASK), await rig.send("/passthrough/openai/v1/x", { body: {}, token })]) {
      expect(response.status).toBe(200);
      expect(response.headers.get("x-ratelimit-remaining-requests")).toMatch(/^[34]$/u);
      expect(response.headers.get("x-ratelimit-remaining-tokens")).toBeNull();
      expect(response.headers.get("x-tokligence-upstream-x-ratelimit-remaining-requests")).toBe("4999");
      expect(response.headers.get("x-tokligence-upstream-x-ratelimit-remaining-tokens")).toBe("77");
    }
  });

  test("an answer that is given again counts as a request and uses no tokens", async () => {
    const rig = await openLimited({ limits: { all: { requests: 2, tokens: 10_000 } } });
    const headers = { "idempotency-key": "one" };
    const first = await rig.chat(ASK, { headers });
    const used = first.headers.get("x-ratelimit-remaining-tokens");
    const again = await rig.chat(ASK, { headers });
    expect([again.status, again.headers.get("idempotent-replayed")]).toEqual([200, "true"]);
    expect(again.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    expect(again.headers.get("x-ratelimit-remaining-tokens")).toBe(used);
    const refused = await rig.chat(ASK, { headers });
    expect(refused.status).toBe(429);
    expect((await rig.rows()).map(({ status }) => status)).toEqual([429, 200, 200]);
  });

  test("nobody is told to wait longer than a window is, also where the clock was set back", async () => {
    const rig = await openLimited({ limits: { all: { requests: 1 } } });
    await rig.chat(ASK);
    later(-3_600_000);
    const refused = await rig.chat(ASK);
    expect([refused.status, Number(refused.headers.get("retry-after"))]).toEqual([429, 60]);
    expect(refused.headers.get("x-ratelimit-reset-requests")).toBe("1m0s");
  });

  test("whoever asks for an answer that is under way, and is refused, is on the books once", async () => {
    const rig = await openLimited({ limits: { all: { requests: 1 } }, holds: true });
    const headers = { "idempotency-key": "one" };
    const first = rig.chat(ASK, { headers });
    await rig.until(1);
    expect((await rig.chat(ASK, { headers })).status).toBe(429);
    rig.held[0]?.answer();
    await (await first).text();
    expect((await rig.rows()).map(({ status }) => status)).toEqual([429, 200]);
    const text = await (await rig.send("/metrics", { token: rig.admin })).text();
    const counted = [...text.matchAll(/^tokligence_requests_total\{.*status="(\d+)"\} (\d+)$/gmu)];
    expect(counted.map(([, status, count]) => `${count} of ${status}`)).toEqual(["1 of 429", "1 of 200"]);
    expect(text).toMatch(/^tokligence_ledger_rows_settled_total 2$/mu);
  });
});

describe("tokens a minute", () => {
  test("are reserved before the call and settled with the truth", async () => {
    const rig = await openLimited({ limits: { all: { tokens: 1_000 } }, holds: true });
    const first = rig.chat({ ...ASK, max_tokens: 600 });
    await rig.until(1);
    // What the first may still take is not there for a second one.
    const second = await rig.chat({ ...ASK, max_tokens: 600 });
    expect(second.status).toBe(429);
    const { error } = await readJson(second);
    expect(error).toMatchObject({ type: "tokens", code: "rate_limit_exceeded" });
    expect(error.message).toMatch(
      /1000 tokens a minute for all calls together; \d+ left, and this request may take 6\d\d\./u,
    );
    rig.held[0]?.answer(answerChat(40, 60));
    const answered = await first;
    expect(answered.headers.get("x-ratelimit-remaining-tokens")).toBe("900");
    expect((await rig.look("all")).states).toMatchObject([{ tokens: { limit: 1_000, used: 100, remaining: 900 } }]);
    const third = rig.chat({ ...ASK, max_tokens: 600 });
    await rig.until(2);
    rig.held[1]?.answer(answerChat(400, 2_000));
    expect((await third).status).toBe(200);
    // More than there was: nothing is left until it begins anew.
    expect((await rig.look("all")).states).toMatchObject([{ tokens: { used: 2_500, remaining: 0 } }]);
    expect((await rig.chat(ASK)).status).toBe(429);
    later(60_001);
    const fourth = rig.chat(ASK);
    await rig.until(3);
    rig.held[2]?.answer();
    expect((await fourth).status).toBe(200);
  });

  test("come back where the call fails", async () => {
    const rig = await openLimited({ limits: { all: { tokens: 1_000, requests: 10 } }, holds: true });
    const failing = rig.chat({ ...ASK, max_tokens: 900 });
    await rig.until(1);
    rig.held[0]?.fail();
    expect((await failing).status).toBe(502);
    expect((await rig.look("all")).states).toMatchObject([{ tokens: { used: 0 }, requests: { used: 1 } }]);
  });

  test("nothing of a minute that is over comes back in the next one", async () => {
    const rig = await openLimited({ limits: { all: { tokens: 1_000 } }, holds: true });
    const first = rig.chat({ ...ASK, max_tokens: 900 });
    await rig.until(1);
    later(60_001);
    const second = rig.chat({ ...ASK, max_tokens: 900 });
    await rig.until(2);
    rig.held[0]?.answer(answerChat(1, 1));
    expect((await first).status).toBe(200);
    const { states } = await rig.look("all");
    expect(states[0].tokens.used).toBeGreaterThan(900);
    rig.held[1]?.answer(answerChat(1, 1));
    await second;
    expect((await rig.look("all")).states).toMatchObject([{ tokens: { used: 2 } }]);
  });

  test("a request that no minute has room for is told so", async () => {
    const rig = await openLimited({ limits: { all: { tokens: 100 } } });
    const refused = await rig.chat({ ...ASK, messages: [{ role: "user", content: "word ".repeat(200) }] });
    expect(refused.status).toBe(429);
    expect((await readJson(refused)).error.message).toMatch(
      /^This request is too large for the rate limit "all": it has about \d+ tokens/u,
    );
    expect(refused.headers.get("retry-after")).toBeNull();
    expect(refused.headers.get("x-should-retry")).toBe("false");
    // One that merely may write more than that has the whole minute.
    expect((await rig.chat({ ...ASK, max_tokens: 50_000 })).status).toBe(200);
    expect((await rig.look("all")).states).toMatchObject([{ tokens: { used: 12 } }]);
  });

  test("to count them is free, to embed is not", async () => {
    const rig = await openLimited({
      limits: { all: { tokens: 10_000 } },
      upstream: ({ url }) =>
        url.endsWith("embeddings")
          ? Response.json({ object: "list", data: [], model: "m", usage: { prompt_tokens: 70, total_tokens: 70 } })
          : Response.json({ input_tokens: 5 }),
    });
    const counted = await rig.send("/v1/messages/count_tokens", {
      body: { model: MESSAGES.model, messages: ASK.messages },
    });
    expect(counted.status).toBe(200);
    expect(counted.headers.get("anthropic-ratelimit-tokens-remaining")).toBe("10000");
    expect((await rig.send("/v1/embeddings", { body: { model: "text-embedding-3-small", input: "hi" } })).status).toBe(
      200,
    );
    expect((await rig.look("all")).states).toMatchObject([{ tokens: { used: 70 } }]);
  });
});

describe("requests at once", () => {
  test("a stream has its place until its end, and a client that leaves gives it back", async () => {
    const rig = await openLimited({ limits: { all: { slots: 1 } }, holds: true });
    const streaming = rig.chat({ ...ASK, stream: true });
    await rig.until(1);
    const refused = await rig.chat(ASK);
    expect(refused.status).toBe(429);
    expect((await readJson(refused)).error.message).toMatch(
      /1 request at once for all calls together; 0 left\. Try again when/u,
    );
    expect(refused.headers.get("retry-after")).toBe("1");
    rig.held[0]?.answer(makeStream(GOOD_STREAM));
    const stream = await streaming;
    expect((await rig.look("all")).states).toMatchObject([{ concurrent: { limit: 1, used: 1, remaining: 0 } }]);
    expect(await stream.text()).toContain("[DONE]");
    expect((await rig.look("all")).states).toMatchObject([{ concurrent: { used: 0 } }]);
    const gone = new AbortController();
    const leaving = rig.chat(ASK, { signal: gone.signal }).catch(() => null);
    await rig.until(2);
    gone.abort();
    await leaving;
    await settle();
    const last = rig.chat(ASK);
    await rig.until(3);
    rig.held[2]?.answer();
    expect((await last).status).toBe(200);
  });

  test("a refusal by a budget takes nothing of any limit", async () => {
    const rig = await openLimited({
      limits: { all: { slots: 1, requests: 5, tokens: 9_000 }, out: { requests: 5, provider: "openai" } },
    });
    const budget = { name: "spent", limit_tokens: 0 };
    expect((await rig.send("/api/v1/admin/budgets", { body: budget, token: rig.admin })).status).toBe(201);
    expect((await rig.chat(ASK)).status).toBe(429);
    expect((await rig.look("all")).states).toMatchObject([
      { requests: { used: 0 }, tokens: { used: 0 }, concurrent: { used: 0 } },
    ]);
    expect((await rig.look("out")).states).toMatchObject([{ requests: { used: 0 } }]);
  });
});

test("however many come at once, no more than the limit get through", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        count: fc.integer({ min: 1, max: 40 }),
        requests: fc.option(fc.integer({ min: 1, max: 30 })),
        slots: fc.option(fc.integer({ min: 1, max: 30 })),
        perKey: fc.option(fc.integer({ min: 1, max: 20 })),
        tokens: fc.option(fc.integer({ min: 100, max: 3_000 })),
      }),
      async ({ count, requests, slots, perKey, tokens }) => {
        const rig = await openLimited({
          holds: true,
          limits: {
            ...(requests === null ? {} : { requests: { requests } }),
            ...(slots === null ? {} : { slots: { slots } }),
            ...(perKey === null ? {} : { key: { requests: perKey, per: ["key" as const] } }),
            ...(tokens === null ? {} : { tokens: { tokens } }),
          },
        });
        const asked = Array.from({ length: count }, () => rig.chat({ ...ASK, max_tokens: 80 }));
        await settle();
        // Each may take 80 tokens and a few for its words; one that fits into no window alone has a whole one.
        const most = Math.min(
          count,
          requests ?? count,
          slots ?? count,
          perKey ?? count,
          tokens === null ? count : Math.ceil(tokens / 80),
        );
        const least = Math.min(
          count,
          requests ?? count,
          slots ?? count,
          perKey ?? count,
          tokens === null ? count : Math.max(1, Math.floor(tokens / 110)),
        );
        expect(rig.held.length).toBeWithin(least, most + 1);
        for (const { answer } of rig.held) answer(answerChat(1, 1));
        const statuses = await Promise.all(asked.map(async (each) => (await each).status));
        expect(statuses.filter((status) => status === 200)).toHaveLength(rig.held.length);
        expect(statuses.filter((status) => status === 429)).toHaveLength(count - rig.held.length);
        // The refused took nothing, and all that ran gave back what it held.
        if (requests !== null)
          expect((await rig.look("requests")).states).toMatchObject([{ requests: { used: rig.held.length } }]);
        if (slots !== null) expect((await rig.look("slots")).states).toMatchObject([{ concurrent: { used: 0 } }]);
        if (tokens !== null)
          expect((await rig.look("tokens")).states).toMatchObject([{ tokens: { used: 2 * rig.held.length } }]);
      },
    ),
    { numRuns: 12 },
  );
});
