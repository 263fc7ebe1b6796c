// What is reserved of a budget before a provider answers is what the request itself says that it may cost.

import { afterEach, expect, test } from "bun:test";
import { makeBudget } from "../ledger/budget/sample.ts";
import { type Rig, makeRig } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const MODEL = "claude-sonnet-4-5";
/** About 7,500 tokens, at $6 a million. */
const TEXT = "word ".repeat(6_000);
const COST_NANOS = 7_500 * 6_000;
const LIMIT_NANOS = 300_000_000;

const answer = (): Response =>
  Response.json({
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: MODEL,
    content: [{ type: "text", text: "" }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: {
      input_tokens: 0,
      output_tokens: 0,
      cache_creation_input_tokens: 7_500,
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 7_500 },
    },
  });

test("calls at once whose input is to be kept in a cache for an hour overshoot by one at most", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const gateway = await makeRig({
    async upstream({ method }) {
      if (method === "GET") return Response.json({ data: [] });
      await promise;
      return answer();
    },
  });
  rig = gateway;
  const budget = makeBudget({ unit: "usd", hardLimit: LIMIT_NANOS });
  await gateway.store.budgets.create(budget);
  await gateway.budgets.refresh();
  const content = [{ type: "text", text: TEXT, cache_control: { type: "ephemeral", ttl: "1h" } }];
  const body = { model: MODEL, max_tokens: 1, messages: [{ role: "user", content }] };
  const asked = Array.from({ length: 20 }, () => gateway.send("/v1/messages", { body }));
  while (gateway.calls.length === 0) await new Promise(setImmediate);
  resolve();
  let isOver = false;
  const all = Promise.all(asked).finally(() => (isOver = true));
  while (!isOver) {
    gateway.clock.advance(100);
    await new Promise(setImmediate);
  }
  const statuses = (await all).map(({ status }) => status);
  expect(statuses).toContain(429);
  const spent = (await gateway.budgets.look(budget, null))?.spent;
  expect(spent).toBe(statuses.filter((status) => status === 200).length * COST_NANOS);
  expect(spent).toBeLessThanOrEqual(LIMIT_NANOS + COST_NANOS);
});

const URL_PART = { type: "image_url", image_url: { url: "https://example.com/a.png" } };

test.each<[string, string, object, number]>([
  [
    "pictures that are named by their address",
    "/v1/chat/completions",
    { messages: [{ role: "user", content: Array.from({ length: 10 }, () => URL_PART) }] },
    16_000,
  ],
  [
    "files of Google's that are named by theirs",
    "/v1beta/models/gpt-4o:generateContent",
    {
      contents: [{ role: "user", parts: [{ fileData: { mimeType: "image/png", fileUri: "https://example.com/a" } }] }],
    },
    1_600,
  ],
  [
    "a text in a language without blanks",
    "/v1/chat/completions",
    { messages: [{ role: "user", content: "长".repeat(20_000) }] },
    20_000,
  ],
  [
    "a text that only begins like encoded data",
    "/v1/chat/completions",
    { messages: [{ role: "user", content: `data: ${"word ".repeat(10_000)}` }] },
    10_000,
  ],
])("%s", async (_what, path, body, least) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const gateway = await makeRig({
    async upstream({ method }) {
      if (method === "GET") return Response.json({ data: [] });
      await promise;
      return Response.json({}, { status: 500 });
    },
  });
  rig = gateway;
  const budget = makeBudget({ hardLimit: 1_000_000 });
  await gateway.store.budgets.create(budget);
  await gateway.budgets.refresh();
  const pending = gateway.send(path, { body: { model: "gpt-4o", max_tokens: 1, ...body } });
  while (gateway.calls.length === 0) await new Promise(setImmediate);
  expect((await gateway.budgets.look(budget, null))?.held).toBeGreaterThanOrEqual(least);
  resolve();
  let isOver = false;
  void pending.finally(() => (isOver = true));
  while (!isOver) {
    gateway.clock.advance(1_000);
    await new Promise(setImmediate);
  }
});
