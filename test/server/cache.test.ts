// Answers that are given again: in every dialect as they were, to nobody else, for no longer than allowed, at no cost, and on the books.

import { afterEach, describe, expect, test } from "bun:test";
import { type Rig, makeRig, makeStream, readJson } from "../rig.ts";
import { ASKS, answerAny, listSurfaces, openCounting, streamPieces } from "./cache-scene.ts";
import { broken, completion } from "./failover-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});
async function open(...init: Parameters<typeof openCounting>): Promise<Rig> {
  rig = await openCounting(...init);
  return rig;
}

const ASK = { model: "local/m", messages: [{ role: "user", content: "Hello there" }] };
const wordOf = (response: Response): string | null => response.headers.get("x-tokligence-cache");

/** What the client sees of an answer, comments left out: they are not part of it. */
async function look(response: Response) {
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    word: wordOf(response),
    text: text.replaceAll(/^:.*\n\n/gmu, ""),
  };
}

describe.each(ASKS)("$name", ({ path, body, stream }) => {
  test("is answered as before, without its provider, by a request of its own", async () => {
    const gateway = await open();
    const first = await gateway.send(path, { body });
    const told = await look(first);
    gateway.clock.advance(5_000);
    const second = await gateway.send(path, { body });
    const again = await look(second);
    expect(gateway.calls).toHaveLength(1);
    expect(again).toEqual({ ...told, word: "hit" });
    expect([told.status, told.word, told.text.length > 10]).toEqual([200, "miss", true]);
    expect(second.headers.get("age")).toBe("5");
    expect(first.headers.get("age")).toBeNull();
    expect(second.headers.get("x-request-id")).not.toBe(first.headers.get("x-request-id"));
    expect(second.headers.get("x-tokligence-provider")).toBe("local");
    expect(second.headers.get("x-tokligence-attempts")).toBe("0");
    expect(second.headers.get("x-tokligence-cost-usd")).toBe(stream ? null : "0");
    const [paid, given] = (await gateway.rows()).toSorted((left, right) => Number(left.id > right.id) - 1);
    expect(paid).toMatchObject({ provider: "local", reason: null, status: 200, freshInputTokens: 9 });
    expect(given).toMatchObject({
      kind: "call",
      requestId: second.headers.get("x-request-id"),
      endpoint: paid?.endpoint,
      modelAsked: "local/m",
      modelServed: paid?.modelServed,
      provider: "cache",
      reason: `cache:${paid?.id}`,
      status: 200,
      streamed: stream,
      freshInputTokens: 0,
      outputTokens: 0,
      usageSource: "none",
      costNanos: 0,
      attempts: [],
    });
    expect(given?.units).toMatchObject({
      reused_requests: 1,
      saved_tokens: (paid?.freshInputTokens ?? 0) + (paid?.outputTokens ?? 0),
    });
  });
});

test("a stream is given again as a stream whose cost is told as nothing", async () => {
  const gateway = await makeRig({
    upstream: () => makeStream(streamPieces("dear words")),
    config: (config) => ({ ...config, cache: { ...config.cache, store: "memory" } }),
  });
  rig = gateway;
  const body = { ...ASK, model: "gpt-4o", stream: true };
  const first = await (await gateway.chat(body)).text();
  const response = await gateway.chat(body);
  const again = await response.text();
  expect(first).toMatch(/: x-tokligence-cost-usd: 0\.\d+\n\n/u);
  expect(again).toBe(first.replace(/(x-tokligence-cost-usd: )[\d.]+/u, "$10"));
  const [given, paid] = await gateway.rows();
  expect(paid?.costNanos).toBeGreaterThan(0);
  expect(given?.units).toEqual({ reused_requests: 1, saved_tokens: 12, saved_cost_nanos: paid?.costNanos ?? 0 });
  expect(response.headers.get("x-tokligence-saved-usd")).toBe((Number(paid?.costNanos) / 1e9).toString());
});

describe("another's answer", () => {
  const SECRET = "ana-canary-7731";
  async function openCanary(scope: "global" | "key" | "user") {
    let calls = 0;
    rig = await makeRig({
      upstream: (call) => answerAny(call, call.method === "POST" && calls++ === 0 ? SECRET : "nothing of hers"),
      config: (config) => ({ ...config, cache: { ...config.cache, store: "memory", scope } }),
    });
    const ana = await rig.issue();
    const anaToo = await rig.directory.createKey({ kind: "operator" }, ana.userId, {});
    const ben = await rig.issue();
    return { gateway: rig, ana: ana.token, anaToo: anaToo.token, ben: ben.token };
  }

  test.each([
    ["key", { anaToo: false, ben: false }],
    ["user", { anaToo: true, ben: false }],
    ["global", { anaToo: true, ben: true }],
  ] as const)("with the scope %s reaches who may have it, in no dialect anyone else", async (scope, may) => {
    for (const { path, body } of ASKS.filter(({ name }) => name !== "embeddings")) {
      const { gateway, ana, anaToo, ben } = await openCanary(scope);
      const ask = async (token: string) => (await gateway.send(path, { body, token })).text();
      const isHers = (text: string): boolean => text.includes("canary-7731");
      expect(isHers(await ask(ana))).toBe(true);
      expect([path, isHers(await ask(anaToo))]).toEqual([path, may.anaToo]);
      expect([path, isHers(await ask(ben))]).toEqual([path, may.ben]);
      await gateway.close();
      rig = null;
    }
  });
});

describe("what the request's own headers want", () => {
  test("no-cache is answered anew, and what comes is kept", async () => {
    const gateway = await open();
    await gateway.chat(ASK);
    const fresh = await look(await gateway.chat(ASK, { headers: { "cache-control": "no-cache" } }));
    const after = await look(await gateway.chat(ASK));
    expect([fresh.word, after.word, after.text === fresh.text, gateway.calls.length]).toEqual([
      "refresh",
      "hit",
      true,
      2,
    ]);
  });

  test("no-store is neither looked for nor kept", async () => {
    const gateway = await open();
    const headers = { "cache-control": "no-store" };
    expect(wordOf(await gateway.chat(ASK, { headers }))).toBe("bypass");
    expect(wordOf(await gateway.chat(ASK))).toBe("miss");
    expect(wordOf(await gateway.chat(ASK, { headers }))).toBe("bypass");
    expect(gateway.calls).toHaveLength(3);
  });

  test("max-age is the age beyond which it is not wanted", async () => {
    const gateway = await open();
    await gateway.chat(ASK);
    gateway.clock.advance(10_000);
    const ask = async (seconds: string) =>
      wordOf(await gateway.chat(ASK, { headers: { "cache-control": `max-age=${seconds}` } }));
    expect(await ask("10")).toBe("hit");
    expect(await ask("9")).toBe("miss");
    expect(await ask("0")).toBe("refresh");
    expect(await ask("soon")).toBe("refresh");
    expect(await ask("9")).toBe("hit");
  });
});

test("an answer is given again for as long as cache_ttl says, and a shorter one holds for those that are there", async () => {
  const gateway = await open({ ttlMs: 60_000 });
  await gateway.chat(ASK);
  gateway.clock.advance(59_999);
  expect(wordOf(await gateway.chat(ASK))).toBe("hit");
  gateway.app.reload({ ...gateway.config, cache: { ...gateway.config.cache, ttlMs: 30_000 } });
  expect(wordOf(await gateway.chat(ASK))).toBe("miss");
  gateway.clock.advance(30_001);
  expect(wordOf(await gateway.chat(ASK))).toBe("miss");
});

test("an answer of a time to come, as a clock that is set back leaves it, is none; that of a clock a little ahead is", async () => {
  const gateway = await open({ ttlMs: 120_000 });
  await gateway.chat(ASK);
  gateway.clock.advance(-30_000);
  expect(wordOf(await gateway.chat(ASK))).toBe("hit");
  gateway.clock.advance(-3_600_000);
  expect([wordOf(await gateway.chat(ASK)), wordOf(await gateway.chat(ASK))]).toEqual(["miss", "hit"]);
});

test("a route may say for how long and to whom, or not at all, whatever holds elsewhere", async () => {
  const rule = (pattern: string, policy: object) =>
    ({ pattern, targets: [{ provider: "local", model: "m" }], origin: "test", policy }) as const;
  const gateway = await open({ ttlMs: 0 }, (config) => ({
    ...config,
    routes: [
      rule("short", { cacheTtlMs: 5_000 }),
      rule("never", { cacheTtlMs: 0 }),
      rule("open", { cacheTtlMs: 5_000, cacheScope: "global" }),
    ],
  }));
  const ben = await gateway.issue();
  const ask = async (model: string, token?: string) =>
    wordOf(await gateway.chat({ ...ASK, model }, token === undefined ? {} : { token }));
  expect([await ask("short"), await ask("short"), await ask("short", ben.token)]).toEqual(["miss", "hit", "miss"]);
  gateway.clock.advance(5_001);
  expect(await ask("short")).toBe("miss");
  expect([await ask("open"), await ask("open", ben.token)]).toEqual(["miss", "hit"]);
  expect([await ask("never"), await ask("local/m")]).toEqual(["off", "off"]);
  gateway.app.reload({ ...gateway.config, cache: { ...gateway.config.cache, ttlMs: 60_000 } });
  expect([await ask("never"), await ask("never")]).toEqual(["off", "off"]);
  expect([await ask("local/m"), await ask("local/m")]).toEqual(["miss", "hit"]);
});

/** Models write these in their order. */
function formOf(...fields: string[]): object {
  const properties = Object.fromEntries(fields.map((name) => [name, { type: "string" }]));
  return {
    response_format: { type: "json_schema", json_schema: { name: "f", schema: { type: "object", properties } } },
  };
}

describe("what can change an answer tells requests apart", () => {
  const chat = (more: object, headers: Record<string, string> = {}) => ({ body: { ...ASK, ...more }, headers });
  test.each([
    ["the temperature", chat({ temperature: 0.1 }), chat({ temperature: 0.2 })],
    ["a tool", chat({}), chat({ tools: [{ type: "function", function: { name: "f" } }] })],
    ["a stream's usage", chat({ stream: true }), chat({ stream: true, stream_options: { include_usage: true } })],
    ["strict mode", chat({}), chat({}, { "x-tokligence-strict": "true" })],
    ["a header that goes to the provider", chat({}), chat({}, { "openai-beta": "x" })],
    ["the last digit of a long number", chat({ seed: 1 }), chat({ seed: 2 })],
    ["the order in which a schema has its fields", chat(formOf("why", "answer")), chat(formOf("answer", "why"))],
  ])("%s", async (_what, one, other) => {
    const gateway = await open();
    const words = [];
    for (const { body, headers } of [one, other, one, other]) {
      const response = await gateway.chat(body, { headers });
      words.push(wordOf(response));
      await response.text();
    }
    expect(words).toEqual(["miss", "miss", "hit", "hit"]);
  });

  test("numbers that are one once they are read", async () => {
    const gateway = await open();
    const ask = async (seed: string) => {
      const body = JSON.stringify({ ...ASK, seed: 0 }).replace('"seed":0', `"seed":${seed}`);
      return wordOf(await gateway.send("/v1/chat/completions", { body }));
    };
    expect(await ask("9007199254740993")).toBe("miss");
    expect(await ask("9007199254740992")).toBe("miss");
    expect(await ask("9007199254740993")).toBe("hit");
  });

  test("and the provider that serves the model, and where it is", async () => {
    const gateway = await open();
    const body = { ...ASK, model: "fast" };
    const route = (provider: string) =>
      [{ pattern: "fast", targets: [{ provider, model: "m" }], origin: "test" }] as const;
    const words = [];
    const { config } = gateway;
    const moved = config.providers.map((each) =>
      each.name === "local" ? { ...each, baseUrl: "http://other.test/v1" } : each,
    );
    for (const next of [
      { ...config, routes: route("local") },
      { ...config, routes: route("openai") },
      { ...config, routes: route("local"), providers: moved },
      { ...config, routes: route("local") },
    ]) {
      gateway.app.reload(next);
      words.push(wordOf(await gateway.chat(body)));
    }
    expect(words).toEqual(["miss", "miss", "miss", "hit"]);
  });

  test("but not the order of fields, white space, or who asks", async () => {
    const gateway = await open();
    await gateway.chat(ASK);
    const { model, messages } = ASK;
    const body = JSON.stringify({ messages, user: "u1", metadata: { run: "1" }, model }, null, 2);
    expect(wordOf(await gateway.send("/v1/chat/completions", { body }))).toBe("hit");
  });
});

describe("is never given again", () => {
  const openWith = async (upstream: () => Response, over: object = {}): Promise<Rig> => {
    rig = await makeRig({
      upstream,
      config: (config) => ({ ...config, cache: { ...config.cache, store: "memory", ...over } }),
    });
    return rig;
  };

  test.each([
    ["an error", () => Response.json({ error: { message: "no" } }, { status: 400 }), {}],
    ["an answer that is none", () => new Response("<html>"), {}],
    ["a stream that broke", () => broken(streamPieces("half of it").slice(0, 2)), { stream: true }],
    ["a stream without an end", () => makeStream(streamPieces("half of it").slice(0, 2)), { stream: true }],
    [
      "a stream that ended in an error",
      () => makeStream([...streamPieces("half").slice(0, 2), `data: {"error":{"message":"lost"}}\n\n`]),
      { stream: true },
    ],
  ])("%s", async (_what, upstream, more) => {
    const gateway = await openWith(upstream);
    for (let round = 0; round < 2; round++) {
      const response = await gateway.chat({ ...ASK, ...more });
      expect(wordOf(response)).not.toBe("hit");
      await response.text();
    }
    expect(gateway.calls).toHaveLength(2);
  });

  test("a stream whose client left", async () => {
    const gateway = await openWith(() => makeStream(streamPieces("all of it")));
    const response = await gateway.chat({ ...ASK, stream: true });
    await response.body?.cancel();
    expect(wordOf(await gateway.chat({ ...ASK, stream: true }))).toBe("miss");
  });

  test("an answer beyond cache_max_entry, whole or streamed", async () => {
    const long = "x".repeat(3_000);
    const gateway = await openWith(() => Response.json(completion(long)), { maxEntryBytes: 2_000 });
    await gateway.chat(ASK);
    expect(wordOf(await gateway.chat(ASK))).toBe("miss");
    const stream = await openWith(() => makeStream(streamPieces(long)), { maxEntryBytes: 2_000 });
    expect(await (await stream.chat({ ...ASK, stream: true })).text()).toContain(long.slice(10));
    expect(wordOf(await stream.chat({ ...ASK, stream: true }))).toBe("miss");
    await gateway.close();
  });

  const responses = listSurfaces()["responses"]?.body ?? {};
  const messages = listSurfaces()["messages"]?.body ?? {};
  test.each([
    ["what is stored", "/v1/responses", { ...responses, store: undefined }],
    ["what is stored by Chat", "/v1/chat/completions", { ...ASK, store: true }],
    ["what a remote tool did", "/v1/responses", { ...responses, tools: [{ type: "mcp", server_label: "x" }] }],
    ["what a container holds", "/v1/messages", { ...messages, container: "c_1" }],
    ["a count of tokens", "/v1/messages/count_tokens", messages],
  ])("%s", async (_what, path, body) => {
    const gateway = await open();
    for (let round = 0; round < 2; round++) {
      const response = await gateway.send(path, { body });
      expect(["bypass", "off", null]).toContain(wordOf(response));
      await response.text();
    }
  });

  test("a request in which a field stands twice", async () => {
    const gateway = await open();
    const body = JSON.stringify(ASK).replace('{"model"', '{"temperature":1,"temperature":0,"model"');
    for (let round = 0; round < 2; round++)
      expect(wordOf(await gateway.send("/v1/chat/completions", { body }))).toBe("bypass");
    expect(gateway.calls).toHaveLength(2);
  });
});

test("off, every request is its provider's to answer", async () => {
  const gateway = await open({ store: "off" });
  for (let round = 0; round < 2; round++) expect(wordOf(await gateway.chat(ASK))).toBe("off");
  expect(gateway.calls).toHaveLength(2);
});

test("what was not used the longest makes room for what is new", async () => {
  const gateway = await open({ maxBytes: 3_000 });
  const ask = async (content: string) => wordOf(await gateway.chat({ ...ASK, messages: [{ role: "user", content }] }));
  for (const content of ["one", "two", "three"]) await ask(content);
  expect(await ask("one")).toBe("hit");
  for (const content of ["four", "five"]) await ask(content);
  expect(await ask("one")).toBe("hit");
  expect(await ask("two")).toBe("miss");
});

test("bad requests are refused as ever, and stand on the books", async () => {
  const gateway = await open();
  const bad = await gateway.send("/v1/chat/completions", { body: '{"model":' });
  expect([bad.status, (await readJson(bad)).error.code]).toEqual([400, "invalid_json"]);
  const tags = await gateway.chat(ASK, { headers: { "x-tokligence-tags": "a b" } });
  expect(tags.status).toBe(400);
  expect((await gateway.rows()).map(({ status }) => status)).toEqual([400, 400]);
});

test("an answer given again is charged to no budget, and there also where one is spent", async () => {
  const gateway = await open();
  const { token } = await gateway.issue("gateway_admin");
  const body = { name: "team", limit_tokens: 60, period: "day" };
  const { budget } = await readJson(await gateway.send("/api/v1/admin/budgets", { body, token }));
  const ask = async (content: string) => {
    const response = await gateway.chat({ ...ASK, max_tokens: 3, messages: [{ role: "user", content }] }, { token });
    return response.status === 200 ? wordOf(response) : response.status;
  };
  const words = [];
  for (const content of ["one", "two", "three", "four", "five", "six", "one", "one"]) words.push(await ask(content));
  expect([words[0], words.at(-3), words.at(-2), words.at(-1)]).toEqual(["miss", 429, "hit", "hit"]);
  const shown = await readJson(await gateway.send(`/api/v1/admin/budgets/${budget.id}`, { token }));
  expect(shown.budget.state.spent_tokens).toBe(12 * words.filter((word) => word === "miss").length);
});

test("an answer given again is counted again by nobody", async () => {
  const gateway = await open({}, (config) => ({ ...config, recount: { ...config.recount, isOn: true } }));
  await gateway.chat(ASK);
  await gateway.chat(ASK);
  expect(gateway.recounter.stats().skipped).toMatchObject({ given_again: 1 });
});
