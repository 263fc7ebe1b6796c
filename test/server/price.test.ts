// Prices through the whole gateway: provenance on the row, the operator's prices and discounts, tiers, and calls that nobody can price.

import { afterEach, describe, expect, test } from "bun:test";
import type { Config } from "../../src/config/value.ts";
import { joinPrices } from "../../src/ledger/index.ts";
import { readMarketFile } from "../../src/ledger/price-market.ts";
import { type Rig, makeProviderSettings, makeRig, makeStream, readJson } from "../rig.ts";
import { UPGRADE } from "./socket-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});
async function open(init: Parameters<typeof makeRig>[0] = {}): Promise<Rig> {
  rig = await makeRig(init);
  return rig;
}

const MESSAGES = [{ role: "user", content: "Hello there" }];
const USAGE = { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 };

function answer(over: object = {}): Response {
  return Response.json({
    id: "c",
    object: "chat.completion",
    created: 1,
    model: "gpt-4o-2024-08-06",
    choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
    usage: USAGE,
    ...over,
  });
}

type Prices = Config["prices"];
const withPrices =
  (prices: Partial<Prices>) =>
  (config: Config): Config => ({ ...config, prices: { ...config.prices, ...prices } });

const CONTRACT = {
  name: "contract",
  model: "gpt-4o*",
  provider: "openai",
  tier: "default",
  from: new Date("2023-01-01T00:00:00Z"),
  to: null,
  prices: joinPrices([
    ["input", "1.00"],
    ["output", "4.00"],
  ]),
};

test("a model whose input alone has a price is refused where an unknown one is, and books an unknown cost elsewhere", async () => {
  const half = { ...CONTRACT, prices: joinPrices([["input", "1.00"]]) };
  const upstream = () => answer();
  const refusing = await open({ upstream, config: withPrices({ overrides: [half], onUnknown: "refuse" }) });
  const refused = await refusing.chat({ model: "gpt-4o", messages: MESSAGES });
  expect({ status: refused.status, body: await readJson(refused) }).toMatchObject({
    status: 403,
    body: { error: { code: "price_unknown" } },
  });
  await refusing.close();
  const { chat, row } = await open({ upstream, config: withPrices({ overrides: [half] }) });
  await (await chat({ model: "gpt-4o", messages: MESSAGES })).text();
  expect(await row()).toMatchObject({ costNanos: null, freshInputTokens: 1_000 });
});

describe("provenance", () => {
  test("each row says what was priced, by which list, and of which day", async () => {
    const { chat, row } = await open({ upstream: () => answer() });
    await chat({ model: "gpt-4o", messages: MESSAGES });
    expect(await row()).toMatchObject({
      costNanos: 1_000 * 2_500 + 100 * 10_000,
      priceId: "openai/gpt-4o",
      priceSource: "genai-prices@0.1.8",
      priceDate: "2026-09-23",
    });
  });
  test("the tier that was served decides", async () => {
    const { chat, row } = await open({ upstream: () => answer({ service_tier: "priority" }) });
    const response = await chat({ model: "gpt-4o", messages: MESSAGES, service_tier: "auto" });
    expect(response.headers.get("x-tokligence-cost-usd")).toBe("0.00595");
    expect(await row()).toMatchObject({
      costNanos: 1_000 * 4_250 + 100 * 17_000,
      serviceTier: "priority",
      priceSource: "genai-prices@0.1.8 priority",
    });
  });
  test("searches that an answer tells of are paid for besides, and what else is sold by the call is not free", async () => {
    const calls = (...types: string[]) => types.map((type, at) => ({ type, id: `${type}_${at}`, status: "completed" }));
    let output: unknown[] = calls("web_search_call", "web_search_call", "file_search_call");
    const usage = { input_tokens: 1_000, output_tokens: 100, total_tokens: 1_100 };
    const response = { id: "resp_1", object: "response", status: "completed", model: "gpt-4.1", usage };
    const { send, rows } = await open({ upstream: () => Response.json({ ...response, output }) });
    const body = { model: "gpt-4.1", input: "News?", tools: [{ type: "web_search" }] };
    await (await send("/v1/responses", { body })).text();
    output = calls("image_generation_call");
    await (await send("/v1/responses", { body })).text();
    const tokens = 1_000 * 2_000 + 100 * 8_000;
    const [last, first] = await rows();
    expect([first?.costNanos, last?.costNanos]).toEqual([tokens + 20_000_000 + 2_500_000, null]);
  });
  test("what a provider sells beside its tokens is paid for where it has a price, and is not free elsewhere", async () => {
    const told = {
      "sonar-deep-research": {
        prompt_tokens: 33,
        completion_tokens: 7_163,
        total_tokens: 7_196,
        citation_tokens: 20_016,
        num_search_queries: 30,
        reasoning_tokens: 73_284,
      },
      "voxtral-small-latest": {
        prompt_tokens: 4,
        completion_tokens: 635,
        total_tokens: 3_264,
        prompt_audio_seconds: 203,
      },
    } as const;
    const { chat, rows } = await open({
      upstream: ({ body }) => {
        const { model } = body as { model: keyof typeof told };
        return answer({ model, usage: told[model] });
      },
      config: (config) => ({
        ...config,
        providers: (["mistral", "perplexity"] as const).map((name) =>
          makeProviderSettings({ name, kind: name, baseUrl: `http://${name}.test/v1`, options: { formats: "chat" } }),
        ),
      }),
    });
    await (await chat({ model: "perplexity/sonar-deep-research", messages: MESSAGES })).text();
    await (await chat({ model: "mistral/voxtral-small-latest", messages: MESSAGES })).text();
    const [heard, researched] = await rows();
    const cost = 33 * 2_000 + 7_163 * 8_000 + 73_284 * 3_000 + 20_016 * 2_000 + 30 * 5_000_000;
    expect([researched?.costNanos, heard?.costNanos]).toEqual([cost, null]);
  });
  test("a tier that nobody has a price for is not booked at the usual one", async () => {
    const { chat, row, send } = await open({ upstream: () => answer({ service_tier: "scale" }) });
    const response = await chat({ model: "gpt-4o", messages: MESSAGES });
    expect(response.headers.has("x-tokligence-cost-usd")).toBe(false);
    expect(await row()).toMatchObject({ costNanos: null, priceId: null, priceSource: null, freshInputTokens: 1_000 });
    const { summary } = await readJson(await send("/api/v1/usage/summary"));
    expect(summary).toMatchObject({ requests: 1, cost_nanos: 0, unpriced_requests: 1 });
  });
  test("where and how fast it was served has its price, as the provider tells", async () => {
    const usage = { input_tokens: 1_000, output_tokens: 100, service_tier: "standard" };
    const told: Record<string, object> = {
      "claude-opus-4-6": { inference_geo: "us" },
      "claude-opus-4-7": { inference_geo: "global" },
      "claude-opus-4-8": { speed: "fast" },
    };
    const { send, rows } = await open({
      upstream: ({ body }) => {
        const { model } = body as { model: string };
        const content = [{ type: "text", text: "Hi" }];
        const answered = { id: "m", type: "message", role: "assistant", model, content, stop_reason: "end_turn" };
        return Response.json({ ...answered, stop_sequence: null, usage: { ...usage, ...told[model] } });
      },
    });
    for (const model of Object.keys(told)) {
      await send("/v1/messages", { body: { model, max_tokens: 9, messages: MESSAGES } });
    }
    const usual = 1_000 * 5_000 + 100 * 25_000;
    expect((await rows()).map(({ costNanos }) => costNanos).toReversed()).toEqual([(usual * 11) / 10, usual, null]);
  });
  test("the operator's price is above the list, and a discount is taken off it", async () => {
    const { chat, rows } = await open({
      upstream: ({ body }) => answer({ model: (body as { model: string }).model }),
      config: (config) => ({
        ...withPrices({ overrides: [CONTRACT] })(config),
        providers: config.providers.map((provider) =>
          provider.name === "openai" ? { ...provider, discount: "10" } : provider,
        ),
      }),
    });
    await chat({ model: "gpt-4o", messages: MESSAGES });
    await chat({ model: "gpt-4.1", messages: MESSAGES });
    const [listed, agreed] = await rows();
    expect(agreed).toMatchObject({
      costNanos: 1_000 * 1_000 + 100 * 4_000,
      priceId: "contract/gpt-4o*",
      priceSource: "operator",
      priceDate: "2023-01-01",
    });
    expect(listed).toMatchObject({
      costNanos: ((1_000 * 2_000 + 100 * 8_000) * 9) / 10,
      priceSource: "operator -10% genai-prices@0.1.8",
    });
  });
});

test("a call that is bought as a service has that service's price on its row, whatever its tier and its cache", async () => {
  const { chat, row } = await open({
    upstream: () => answer({ model: "own-large-2026-01-01", service_tier: "priority" }),
    config: (config) => ({
      ...config,
      providers: config.providers.map((each) => (each.name === "local" ? { ...each, services: ["svc_2"] } : each)),
    }),
    prices: ({ providers }) => [
      readMarketFile(
        {
          location: "services.json",
          bytes: Buffer.from('{"services":[{"id":"svc_2","model_family":"own-large","price_per_1k_tokens":"0.002"}]}'),
          modifiedAt: new Date("2026-11-01T00:00:00Z"),
        },
        (name) => providers.find((each) => each.name === name)?.services ?? [],
      ).layer,
    ],
  });
  await chat({ model: "local/own-large", messages: MESSAGES });
  expect(await row()).toMatchObject({
    costNanos: 1_100 * 2_000,
    priceId: "market/svc_2/own-large",
    priceSource: "market",
    priceDate: "2026-11-01",
  });
});

describe("a call that nobody can price", () => {
  const unknown = { model: "gpt-unheard-of", messages: MESSAGES };

  test("is answered, and its row has no cost", async () => {
    const { chat, row } = await open({ upstream: () => answer({ model: "gpt-unheard-of" }) });
    const response = await chat(unknown);
    expect([response.status, response.headers.get("x-tokligence-warning")]).toEqual([200, null]);
    expect(await row()).toMatchObject({ costNanos: null, priceSource: null });
  });
  test("is told of where the operator wants to know, in the log once", async () => {
    const { chat, log } = await open({
      upstream: () => answer({ model: "gpt-unheard-of" }),
      config: withPrices({ onUnknown: "warn" }),
    });
    for (let round = 0; round < 3; round++) {
      const response = await chat(unknown);
      expect([response.status, response.headers.get("x-tokligence-warning")]).toEqual([200, "price_unknown"]);
    }
    expect(log.filter((line) => line.includes("gpt-unheard-of"))).toHaveLength(1);
    const known = await chat({ ...unknown, model: "gpt-4o" });
    expect(known.headers.has("x-tokligence-warning")).toBe(false);
  });
  test("is refused before the provider is called, in the client's own format", async () => {
    const { chat, send, calls, rows } = await open({
      upstream: () => answer(),
      config: withPrices({ onUnknown: "refuse" }),
    });
    const refused = await chat(unknown);
    expect(refused.status).toBe(403);
    const { error } = await readJson(refused);
    expect(error).toMatchObject({ code: "price_unknown", param: "model" });
    expect(error.message).toContain("gpt-unheard-of");
    const streamed = await send("/v1/messages", { body: { ...unknown, max_tokens: 9, stream: true } });
    expect([streamed.status, (await readJson(streamed)).error.type]).toEqual([403, "permission_error"]);
    const tier = await chat({ model: "gpt-4o", messages: MESSAGES, service_tier: "flex" });
    expect((await readJson(tier)).error.code).toBe("price_unknown");
    expect(calls).toHaveLength(0);
    expect((await chat({ model: "gpt-4o", messages: MESSAGES })).status).toBe(200);
    expect((await rows()).map(({ status }) => status)).toEqual([200, 403, 403, 403]);
  });
  test("is each provider's own affair", async () => {
    const { chat } = await open({
      upstream: () => makeStream([]),
      config: (config) => ({
        ...config,
        providers: config.providers.map((provider) =>
          provider.name === "local" ? { ...provider, onUnknownPrice: "refuse" as const } : provider,
        ),
      }),
    });
    expect((await chat({ ...unknown, model: "local/anything" })).status).toBe(403);
    expect((await chat({ ...unknown, model: "loopback" })).status).toBe(200);
  });
  test("is a route's affair before it is its provider's", async () => {
    const route = { targets: [{ provider: "local", model: null }] as const, origin: "test" };
    const { chat } = await open({
      upstream: () => makeStream([]),
      config: (config) => ({
        ...config,
        prices: { ...config.prices, onUnknown: "refuse" },
        routes: [
          { ...route, pattern: "lenient", name: "lenient", onUnknownPrice: "allow" },
          { ...route, pattern: "careful", name: "careful", onUnknownPrice: "warn" },
          { ...route, pattern: "plain", name: "plain" },
        ],
      }),
    });
    const told = async (model: string) => {
      const { status, headers } = await chat({ ...unknown, model });
      return [status === 403, headers.get("x-tokligence-warning")];
    };
    expect(await told("lenient")).toEqual([false, null]);
    expect(await told("careful")).toEqual([false, "price_unknown"]);
    expect(await told("plain")).toEqual([true, null]);
  });
  test("of a session is refused before its provider is called", async () => {
    const { send, rows } = await open({ config: withPrices({ onUnknown: "refuse" }) });
    const response = await send("/v1/realtime?model=gpt-unheard-of", { headers: UPGRADE });
    expect((await readJson(response)).error.code).toBe("price_unknown");
    expect(await rows()).toMatchObject([{ status: 403, attempts: [] }]);
  });
  test("is not refused where calls are free", async () => {
    const { send } = await open({
      upstream: () => Response.json({ id: "m", model: "omni-moderation-latest", results: [{ flagged: false }] }),
      config: withPrices({ onUnknown: "refuse" }),
    });
    const response = await send("/v1/moderations", { body: { input: "hello", model: "omni-moderation-latest" } });
    expect(response.status).toBe(200);
  });
});

describe("thinking with a price of its own, of which nobody says beforehand how much there will be", () => {
  const thinking = (output: string, thought: string) => ({
    ...CONTRACT,
    name: "thinking",
    prices: joinPrices([
      ["input", "1.00"],
      ["output", output],
      ["output_reasoning", thought],
    ]),
  });
  const ASK = { model: "gpt-4o", max_tokens: 10_000, messages: MESSAGES };

  test.each([
    ["4.00", "20.00"],
    ["20.00", "4.00"],
  ])("is reserved as what is dearer: %s or %s", async (output, thought) => {
    let held = "";
    const { chat, send, issue } = await open({
      async upstream() {
        const { budgets } = await readJson(await send("/api/v1/admin/budgets", { token }));
        held = budgets[0].state.reserved_usd;
        return answer();
      },
      config: withPrices({ overrides: [thinking(output, thought)] }),
    });
    const { token } = await issue("gateway_admin");
    await send("/api/v1/admin/budgets", { token, body: { name: "all", limit_usd: 100 } });
    await chat(ASK);
    expect(held).toMatch(/^0\.2000/u);
  });

  test("is chosen by as what is dearer", async () => {
    const { chat, calls } = await open({
      upstream: () => answer(),
      config: (config) => ({
        ...withPrices({ overrides: [thinking("1.00", "2.00")] })(config),
        routes: [
          {
            pattern: "gpt-4o",
            targets: [
              { provider: "openai", model: "o1" },
              { provider: "openai", model: "gpt-4o" },
            ],
            strategy: "least-cost",
            origin: "test",
          },
        ],
      }),
    });
    await chat(ASK);
    expect(calls[0]?.body).toMatchObject({ model: "gpt-4o" });
  });
});
