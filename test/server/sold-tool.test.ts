// Tools of a provider's own that are sold by the call: where they have a price they are reserved and booked, and where they have none, a request that may
// use them is one without a price.

import { afterEach, beforeEach, expect, test } from "bun:test";
import type { JsonObject } from "../../src/ir/index.ts";
import { makeBudget } from "../ledger/budget/sample.ts";
import { type Rig, makeProviderSettings, makeRig, readJson } from "../rig.ts";

const GEMINI_KEY = "AIza-canary-gemini-key-0123456789";

let rig: Rig;
beforeEach(async () => {
  rig = await makeRig({
    upstream: ({ method }) =>
      Response.json(method === "GET" ? { data: [], models: [] } : { error: { message: "no" } }, {
        status: method === "GET" ? 200 : 400,
      }),
    config: (config) => ({
      ...config,
      providers: [
        ...config.providers,
        makeProviderSettings({
          name: "gemini",
          kind: "gemini",
          baseUrl: "http://gemini.test/v1beta",
          apiKey: GEMINI_KEY,
        }),
      ],
    }),
  });
});
afterEach(() => rig.close());

const ask = (path: string, body: JsonObject): Promise<Response> => rig.send(path, { body });
const responses = (model: string, ...tools: JsonObject[]) =>
  ask("/v1/responses", { model, input: "Hi", max_output_tokens: 10, tools, store: false });
const messages = (model: string, ...tools: JsonObject[]) =>
  ask("/v1/messages", { model, max_tokens: 10, messages: [{ role: "user", content: "Hi" }], tools });
const gemini = (model: string, ...tools: JsonObject[]) =>
  ask(`/v1beta/models/${model}:generateContent`, { contents: [{ role: "user", parts: [{ text: "Hi" }] }], tools });

const FUNCTION = { type: "function", name: "f", parameters: { type: "object", properties: {} } };
const SEARCH = { type: "web_search_20250305", name: "web_search" };

/** 400: the provider was asked, and refuses all. */
test.each<[string, () => Promise<Response>, number]>([
  ["pictures made in between", () => responses("gpt-4o", FUNCTION, { type: "image_generation" }), 429],
  ["Google's search", () => gemini("gemini/gemini-2.5-flash", { googleSearch: {} }), 429],
  ["Google's search, written otherwise", () => gemini("gemini/gemini-2.5-flash", { google_search: {} }), 429],
  ["a search that the provider is not told of", () => messages("gemini/gemini-2.5-flash", SEARCH), 400],
  [
    "pictures that the provider cannot be told of",
    () => responses("claude-sonnet-4-5", { type: "image_generation" }),
    400,
  ],
  ["Anthropic's search, which has a price", () => messages("claude-sonnet-4-5", SEARCH), 400],
  ["functions of the client's own", () => responses("gpt-4o", FUNCTION), 400],
])("under a hard limit in money: %s", async (_what, send, status) => {
  await rig.store.budgets.create(makeBudget({ unit: "usd", hardLimit: 5_000_000_000 }));
  await rig.budgets.refresh();
  const before = rig.calls.length;
  const response = await send();
  const { error } = await readJson(response);
  expect([response.status, rig.calls.length - before, error]).toEqual([
    status,
    status === 400 ? 1 : 0,
    status === 400
      ? expect.anything()
      : expect.objectContaining({ message: expect.stringContaining("or a tool that it may use") }),
  ]);
});

test("on_unknown_price = refuse names the tools, and goes by the provider's format", async () => {
  await rig.close();
  rig = await makeRig({
    upstream: () => Response.json({ error: { message: "no" } }, { status: 400 }),
    config: (config) => ({ ...config, prices: { ...config.prices, onUnknown: "refuse" } }),
  });
  const refused = await responses(
    "gpt-4o",
    { type: "image_generation" },
    { type: "code_interpreter", container: { type: "auto" } },
  );
  expect([refused.status, (await readJson(refused)).error]).toEqual([
    403,
    expect.objectContaining({
      code: "price_unknown",
      param: "tools",
      message: expect.stringContaining("(image_generation_calls, code_interpreter_calls)"),
    }),
  ]);
  expect((await messages("claude-sonnet-4-5", SEARCH)).status).toBe(400);
});
