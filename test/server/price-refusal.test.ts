// Where no call without a price is wanted, none is made: tried on every address of the route table, so that a new one is refused until
// somebody says that it costs nothing.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Route } from "../../src/server/route.ts";
import { makeBudget } from "../ledger/budget/sample.ts";
import { type Rig, makeProviderSettings, makeRig, readJson } from "../rig.ts";

const MODEL = "gpt-unheard-of";
const OBJECT = "obj-1";
const TAILS = ["", "/cancel", "/pause", "/resume", "/search", "/files", "/remix", "/something/x-1/new"];

/** What may be posted without a price, by address, and what may follow an object's id there: it costs nothing. */
const FREE: Readonly<Record<string, readonly string[]>> = {
  "/anthropic/v1/files": TAILS,
  "/anthropic/v1/messages/batches": ["/cancel"],
  "/v1/batches": ["/cancel"],
  "/v1/containers": ["/files"],
  "/v1/conversations": TAILS,
  "/v1/files": TAILS,
  "/v1/fine_tuning/jobs": ["/cancel", "/pause"],
  "/v1/messages/batches": ["/cancel"],
  "/v1/uploads": TAILS,
  "/v1/vector_stores": ["", "/cancel"],
};
/** Judgements are free, and so is counting; what is called off costs no more. */
const FREE_CALLS = /\/moderations$|\/count_tokens$|:countTokens$|\/input_tokens$|\/responses\/:id\/cancel$/u;
const FREE_ROOTS = /\/(?:conversations|files|uploads)$/u;

const makeBody = (model: string) => ({
  model,
  input: "x",
  prompt: "x",
  messages: [{ role: "user", content: "x" }],
  max_tokens: 9,
  contents: [{ role: "user", parts: [{ text: "x" }] }],
  content: { parts: [{ text: "x" }] },
  requests: [
    {
      custom_id: "1",
      model: `models/${MODEL}`,
      content: { parts: [{ text: "x" }] },
      params: { model, messages: [{ role: "user", content: "x" }], max_tokens: 9 },
    },
  ],
  query: "x",
  documents: ["x"],
});
const BODY = makeBody(MODEL);

/** One that leads to a provider of what is asked for. */
function modelFor(path: string): string {
  if (path.includes("/messages/batches")) return "claude-unheard-of";
  return path.endsWith("/rerank") ? "ranker/unheard-of" : MODEL;
}

let rig: Rig;
let token = "";
beforeAll(async () => {
  rig = await makeRig({
    upstream: () => Response.json({ id: "made", object: "thing", model: MODEL, results: [{ flagged: false }] }),
    config: (config) => ({
      ...config,
      prices: { ...config.prices, onUnknown: "refuse" },
      providers: [
        ...config.providers,
        makeProviderSettings({ name: "ranker", kind: "cohere", baseUrl: "http://ranker.test", apiKey: "sk-ranker-1" }),
      ],
    }),
  });
  const user = await rig.issue("root_admin");
  ({ token } = user);
  const own = (objectId: string, provider: string, family: string) =>
    rig.store.bindings.bind([{ objectId, provider, userId: user.userId, family, createdAt: new Date(0) }]);
  await own(OBJECT, "openai", "batches");
  await own("obj-2", "anthropic", "message_batches");
});
afterAll(() => rig.close());

interface Attempt {
  method: string;
  path: string;
  isFree: boolean;
}

function listAttempts(routes: readonly Route[]): Attempt[] {
  return routes
    .filter(({ method, path }) => !["DELETE", "GET", "OPTIONS"].includes(method) && !path.startsWith("/api/"))
    .flatMap(({ method, path }): Attempt[] => {
      const named = path.replace("{model}", MODEL).replace(":provider", "openai");
      if (path.startsWith("/passthrough/")) {
        return [{ method, path: named.replace(/:id.*$/u, "v1/anything"), isFree: false }];
      }
      const root = path.replace(/\/:id\{\.\+\}$/u, "");
      if (root === path) return [{ method, path: named, isFree: FREE_CALLS.test(path) || FREE_ROOTS.test(path) }];
      const id = root.endsWith("/messages/batches") ? "obj-2" : OBJECT;
      const free = FREE[root] ?? [];
      return TAILS.map((tail) => ({ method, path: `${root}/${id}${tail}`, isFree: free.includes(tail) }));
    });
}

describe("on_unknown_price = refuse", () => {
  test("no address makes a provider work that the books cannot price, and what costs nothing goes on", async () => {
    const attempts = listAttempts(rig.app.routes);
    expect(attempts.length).toBeGreaterThan(150);
    for (const { method, path, isFree } of attempts) {
      const before = rig.calls.length;
      const response = await rig.send(path.replace(":id", "no-such-id"), {
        method,
        token,
        body: makeBody(modelFor(path)),
      });
      const code = response.ok ? null : (await readJson(response)).error?.code;
      const isRefused = code === "price_unknown" || code === "PERMISSION_DENIED" || response.status === 403;
      const seen = [method, path, isRefused, rig.calls.length - before > 0 && !isFree];
      expect(seen).toEqual([method, path, !isFree, false]);
    }
  });
  test("the row of what was refused says why, and nobody was called", async () => {
    const response = await rig.send("/passthrough/openai/v1/new/thing", { token, body: BODY });
    const { error } = await readJson(response);
    expect([response.status, error.code]).toEqual([403, "price_unknown"]);
    expect(error.message).toContain("on_unknown_price=allow in [provider.openai]");
    const [row] = await rig.rows();
    expect(row).toMatchObject({ endpoint: "passthrough", status: 403, attempts: [] });
  });
  test("and whose call it would have been, which nobody counts as running", async () => {
    const body = { model: "ranker/unheard-of", query: "x", documents: ["y"] };
    const response = await rig.send("/v1/rerank", { token, body });
    expect([response.status, response.headers.get("x-tokligence-provider")]).toEqual([403, "ranker"]);
    const admin = await rig.issue("root_admin");
    const health = await readJson(await rig.send("/api/v1/admin/health/providers", { token: admin.token }));
    const places = health.providers.flatMap(({ models }: { models: { in_flight: number }[] }) => models);
    expect(places.every(({ in_flight: running }: { in_flight: number }) => running === 0)).toBe(true);
  });
  test("to read through is never refused", async () => {
    const before = rig.calls.length;
    const response = await rig.send("/passthrough/openai/v1/anything", { token });
    expect([response.status, rig.calls.length]).toEqual([200, before + 1]);
  });
  test("a batch whose models all have a price is made, and one with a model that has none is not", async () => {
    const ask = (...models: string[]) =>
      rig.send("/v1/messages/batches", {
        token,
        body: { requests: models.map((model, place) => ({ custom_id: `${place}`, params: { ...BODY, model } })) },
      });
    expect((await ask("claude-sonnet-4-5", "claude-haiku-4-5")).status).toBe(200);
    expect((await ask("claude-sonnet-4-5", "claude-sonnet-4-5-thinking")).status).toBe(403);
  });
  test("the next model is not taken for the one that its name begins like", async () => {
    for (const model of ["claude-sonnet-5-5", "claude-sonnet-4-5-thinking", "gpt-4.1x"]) {
      const response = await rig.send("/v1/messages", { token, body: { ...BODY, model } });
      expect([model, response.status]).toEqual([model, 403]);
    }
  });
});

test("a price of the input alone is the whole price of vectors, and none of a text", async () => {
  const usage = { prompt_tokens: 1, completion_tokens: 0, total_tokens: 1 };
  const data = [{ object: "embedding", index: 0, embedding: [0.5] }];
  const gateway = await makeRig({
    upstream: () => Response.json({ object: "list", data, choices: [{ text: "x", finish_reason: "stop" }], usage }),
    config: (config) => ({ ...config, prices: { ...config.prices, onUnknown: "refuse" } }),
  });
  const model = "text-embedding-3-small";
  const send = async (path: string, body: object) => (await gateway.send(path, { body: { model, ...body } })).status;
  expect(await send("/v1/embeddings", { input: "x" })).toBe(200);
  expect(await send("/v1/chat/completions", { messages: [{ role: "user", content: "x" }] })).toBe(403);
  expect(await send("/v1/completions", { prompt: "x" })).toBe(403);
  await gateway.close();
});

test("a faster answer of which nobody knows the price is refused, also under a budget in money", async () => {
  const ask = async (onUnknown: "allow" | "refuse", hasBudget: boolean) => {
    const gateway = await makeRig({
      config: (config) => ({ ...config, prices: { ...config.prices, onUnknown } }),
    });
    if (hasBudget) await gateway.store.budgets.create(makeBudget({ unit: "usd", hardLimit: 1_000_000_000_000 }));
    await gateway.budgets.refresh();
    const body = { model: "claude-opus-4-8", speed: "fast", max_tokens: 9, messages: BODY.messages };
    const response = await gateway.send("/v1/messages", { body });
    const result = [response.status, (await readJson(response)).error.type, gateway.calls.length];
    await gateway.close();
    return result;
  };
  expect(await ask("refuse", false)).toEqual([403, "permission_error", 0]);
  expect((await ask("allow", true)).at(-1)).toBe(0);
});

test("on_unknown_price = warn tells of it and goes on", async () => {
  const warned = await makeRig({
    upstream: () => Response.json({ id: "x" }),
    config: (config) => ({ ...config, prices: { ...config.prices, onUnknown: "warn" } }),
  });
  const { token: other } = await warned.issue("root_admin");
  const response = await warned.send("/passthrough/openai/v1/anything", { token: other, body: {} });
  expect([response.status, response.headers.get("x-tokligence-warning")]).toEqual([200, "price_unknown"]);
  const batch = await warned.send("/v1/batches", { body: { endpoint: "/v1/chat/completions" } });
  expect([batch.status, batch.headers.get("x-tokligence-warning")]).toEqual([200, "price_unknown"]);
  await warned.close();
});
