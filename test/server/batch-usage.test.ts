// What batches cost whose own object does not say it: added up from their results, once, a row for each model.

import { afterEach, expect, test } from "bun:test";
import { type Rig, makeProviderSettings, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const MESSAGE = {
  type: "message",
  role: "assistant",
  content: [{ type: "text", text: "Hi." }],
  stop_reason: "end_turn",
};
const succeed = (id: string, model: string, usage: object): string =>
  JSON.stringify({
    custom_id: id,
    result: { type: "succeeded", message: { id: `msg_${id}`, ...MESSAGE, model, usage } },
  });

const RESULTS = [
  succeed("a", "claude-sonnet-4-5", { input_tokens: 10, output_tokens: 5, service_tier: "batch" }),
  succeed("b", "claude-haiku-4-5", { input_tokens: 7, output_tokens: 3, cache_read_input_tokens: 100 }),
  JSON.stringify({ custom_id: "c", result: { type: "errored", error: { type: "error" } } }),
  succeed("d", "claude-sonnet-4-5", {
    input_tokens: 1,
    output_tokens: 2,
    cache_creation_input_tokens: 50,
    cache_creation: { ephemeral_1h_input_tokens: 50 },
  }),
].join("\n");

async function untilBooked(gateway: Rig, count: number) {
  for (;;) {
    const rows = (await gateway.rows()).filter(({ endpoint }) => endpoint.endsWith(".usage"));
    if (rows.length >= count) return rows;
    await new Promise(setImmediate);
  }
}

test("Anthropic's, by model, whoever looks how often", async () => {
  const batch: Record<string, unknown> = { id: "msgbatch_1", type: "message_batch", processing_status: "in_progress" };
  const gateway = await makeRig({
    upstream: ({ url }) =>
      url.endsWith("/results")
        ? new Response(RESULTS, { headers: { "content-type": "application/x-jsonl" } })
        : Response.json(batch),
  });
  rig = gateway;
  const headers = { "anthropic-version": "2023-06-01" };
  const look = async () => readJson(await gateway.send("/v1/messages/batches/msgbatch_1", { headers }));
  expect((await gateway.send("/v1/messages/batches", { headers, body: { requests: [] } })).status).toBe(200);
  await look();
  const ended = { processing_status: "ended", ended_at: "2026-01-02T03:04:05Z", results_url: "https://api/results" };
  Object.assign(batch, ended);
  for (let round = 0; round < 3; round++) await look();
  const rows = await untilBooked(gateway, 2);
  await look();
  expect(gateway.calls.filter(({ url }) => url.endsWith("/results"))).toHaveLength(1);
  const common = { endpoint: "messages.batches.usage", usageSource: "provider", serviceTier: "batch" } as const;
  expect(rows.toSorted((left, right) => (left.modelServed ?? "").localeCompare(right.modelServed ?? ""))).toMatchObject(
    [
      { ...common, modelServed: "claude-haiku-4-5", freshInputTokens: 7, cacheReadTokens: 100, outputTokens: 3 },
      {
        ...common,
        modelServed: "claude-sonnet-4-5",
        freshInputTokens: 11,
        cacheWriteTokens: 50,
        longCacheWriteTokens: 50,
        outputTokens: 7,
        createdAt: new Date("2026-01-02T03:04:05Z"),
      },
    ],
  );
});

test("Anthropic's, of which some is priced apart: what ran in one country, and what another model was asked", async () => {
  const usage = { input_tokens: 1_000, output_tokens: 100, service_tier: "batch" };
  const advice = { type: "advisor_message", model: "claude-opus-4-8", input_tokens: 800, output_tokens: 90 };
  const results = [
    succeed("a", "claude-sonnet-4-6", usage),
    succeed("b", "claude-sonnet-4-6", { ...usage, inference_geo: "us" }),
    succeed("c", "claude-sonnet-4-6", { ...usage, inference_geo: "us" }),
    succeed("d", "claude-sonnet-4-6", { ...usage, iterations: [{ type: "message", ...usage }, advice] }),
  ].join("\n");
  const ended = { processing_status: "ended", ended_at: "2026-01-02T03:04:05Z", results_url: "https://api/results" };
  const gateway = await makeRig({
    upstream: ({ url }) =>
      url.endsWith("/results")
        ? new Response(results)
        : Response.json({ id: "msgbatch_1", type: "message_batch", ...ended }),
  });
  rig = gateway;
  const headers = { "anthropic-version": "2023-06-01" };
  await gateway.send("/v1/messages/batches", { headers, body: { requests: [] } });
  const rows = await untilBooked(gateway, 3);
  const half = (1_000 * 3_000 + 100 * 15_000) / 2;
  expect(Object.fromEntries(rows.map((row) => [Object.keys(row.units ?? {})[0] ?? "", row.costNanos]))).toEqual({
    "": half,
    advisor_input_tokens: null,
    us_inference: (2 * half * 11) / 10,
  });
});

test.each([
  ["https://gateway.example.com", "https://gateway.example.com"],
  ["https://example.com/llm", "https://example.com/llm"],
  [null, "http://gateway.test"],
])("whose results lie at the address by which people reach the gateway: %p", async (publicUrl, told) => {
  const ended = { processing_status: "ended", ended_at: "2026-01-02T03:04:05Z", results_url: "https://api/results" };
  rig = await makeRig({
    upstream: () => Response.json({ id: "msgbatch_1", type: "message_batch", ...ended }),
    config: (config) => ({ ...config, signIn: { ...config.signIn, publicUrl } }),
  });
  const headers = { "anthropic-version": "2023-06-01" };
  const made = await readJson(await rig.send("/v1/messages/batches", { headers, body: { requests: [] } }));
  expect(made.results_url).toBe(`${told}/v1/messages/batches/msgbatch_1/results`);
});

test("of which somebody fetches the results and never asks for the batch", async () => {
  const ended = { processing_status: "ended", ended_at: "2026-01-02T03:04:05Z", results_url: "https://api/results" };
  const gateway = await makeRig({
    upstream({ url, method }) {
      const made = { id: "msgbatch_1", type: "message_batch", processing_status: "in_progress" };
      if (method === "POST") return Response.json(made);
      return url.endsWith("/results") ? new Response(RESULTS) : Response.json({ ...made, ...ended });
    },
  });
  rig = gateway;
  const headers = { "anthropic-version": "2023-06-01" };
  await gateway.send("/v1/messages/batches", { headers, body: { requests: [] } });
  for (let round = 0; round < 2; round++) {
    const response = await gateway.send("/v1/messages/batches/msgbatch_1/results", { headers });
    expect(await response.text()).toBe(RESULTS);
  }
  expect(await untilBooked(gateway, 2)).toHaveLength(2);
  const asked = gateway.calls.map(({ url, method }) => `${method} ${url.slice(url.indexOf("/v1"))}`);
  expect(asked.filter((line) => line === "GET /v1/messages/batches/msgbatch_1")).toHaveLength(1);
});

test("that somebody removes without having looked, or fetched anything", async () => {
  const ended = { processing_status: "ended", ended_at: "2026-01-02T03:04:05Z", results_url: "https://api/results" };
  let isGone = false;
  let isRefused = true;
  const gateway = await makeRig({
    upstream({ url, method }) {
      const made = { id: "msgbatch_1", type: "message_batch", processing_status: "in_progress" };
      if (method === "POST") return Response.json(made);
      if (method === "DELETE") isGone = true;
      if (isGone)
        return Response.json(
          { type: "message_batch_deleted", id: "msgbatch_1" },
          { status: method === "DELETE" ? 200 : 404 },
        );
      if (url.endsWith("/results")) return isRefused ? new Response("no", { status: 500 }) : new Response(RESULTS);
      return Response.json({ ...made, ...ended });
    },
  });
  rig = gateway;
  const headers = { "anthropic-version": "2023-06-01" };
  await gateway.send("/v1/messages/batches", { headers, body: { requests: [] } });
  const remove = (): Promise<Response> =>
    gateway.send("/v1/messages/batches/msgbatch_1", { headers, method: "DELETE" });
  const refused = await remove();
  expect([refused.status, isGone]).toEqual([502, false]);
  expect((await readJson(refused)).error.message).toContain('did not tell what "msgbatch_1" cost');
  isRefused = false;
  expect((await remove()).status).toBe(200);
  expect(await untilBooked(gateway, 2)).toHaveLength(2);
  expect((await remove()).status).toBe(404);
});

test.each([404, 405, 410, 501])("that its provider does not show (%d) is removed all the same", async (status) => {
  const gateway = await makeRig({
    upstream: ({ method }) => Response.json({ id: "video_1" }, { status: method === "GET" ? status : 200 }),
  });
  rig = gateway;
  await gateway.send("/v1/videos", { body: { model: "sora-2", prompt: "x" } });
  expect((await gateway.send("/v1/videos/video_1", { method: "DELETE" })).status).toBe(200);
});

test("whose results cannot be read, which is told; once they can be, it is booked", async () => {
  let isRefused = true;
  const ended = { processing_status: "ended", ended_at: "2026-01-02T03:04:05Z", results_url: "https://api/results" };
  const gateway = await makeRig({
    upstream: ({ url }) => {
      if (!url.endsWith("/results")) return Response.json({ id: "msgbatch_1", type: "message_batch", ...ended });
      return isRefused ? new Response("no", { status: 403 }) : new Response(RESULTS);
    },
  });
  rig = gateway;
  const headers = { "anthropic-version": "2023-06-01" };
  await gateway.send("/v1/messages/batches", { headers, body: { requests: [] } });
  while (!gateway.log.some((line) => line.includes("msgbatch_1"))) await new Promise(setImmediate);
  expect(gateway.log.find((line) => line.includes("msgbatch_1"))).toContain("what it cost is not on the books yet");
  isRefused = false;
  await gateway.send("/v1/messages/batches/msgbatch_1", { headers });
  expect(await untilBooked(gateway, 2)).toHaveLength(2);
});

test("of which one part cannot be announced: none of them stays open, and all are booked once they can be", async () => {
  let isFull = true;
  const ended = { processing_status: "ended", ended_at: "2026-01-02T03:04:05Z", results_url: "https://api/results" };
  const gateway = await makeRig({
    upstream: ({ url }) =>
      url.endsWith("/results")
        ? new Response(RESULTS)
        : Response.json({ id: "msgbatch_1", type: "message_batch", ...ended }),
    ledger: (writer) => ({
      ...writer,
      intend(intent, before) {
        const announced = writer.intend(intent, before);
        if (!isFull || intent.modelAsked !== "claude-haiku-4-5") return announced;
        writer.withdraw(announced.ticket);
        return { ...announced, durable: Promise.reject(new Error("the disk is full")) };
      },
    }),
  });
  rig = gateway;
  const headers = { "anthropic-version": "2023-06-01" };
  await gateway.send("/v1/messages/batches", { headers, body: { requests: [] } });
  while (!gateway.log.some((line) => line.includes("not on the books yet"))) await new Promise(setImmediate);
  expect(gateway.ledger.figures().openIntents).toBe(0);
  await gateway.ledger.settled(1);
  isFull = false;
  await gateway.send("/v1/messages/batches/msgbatch_1", { headers });
  await untilBooked(gateway, 2);
  expect(gateway.ledger.figures().openIntents).toBe(0);
});

test("of servers that imitate OpenAI and say nothing in the batch itself", async () => {
  const line = (id: string) => ({
    custom_id: id,
    response: {
      status_code: 200,
      body: {
        model: "m-1",
        choices: [],
        usage: { prompt_tokens: 10, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 3 } },
      },
    },
  });
  let isReachable = false;
  const gateway = await makeRig({
    upstream: ({ url }) => {
      if (!url.endsWith("/content")) {
        return Response.json({
          id: "batch_1",
          object: "batch",
          completed_at: 1_700_000_100,
          output_file_id: "file_out",
        });
      }
      if (!isReachable) return Response.json({ error: { message: "not yet" } }, { status: 503 });
      return new Response(`${JSON.stringify(line("a"))}\n${JSON.stringify(line("b"))}\n`);
    },
    config: (config) => ({
      ...config,
      providers: [
        ...config.providers.filter(({ name }) => name !== "openai"),
        makeProviderSettings({ name: "groq", kind: "groq", baseUrl: "http://groq.test/openai/v1", apiKey: "gsk-test" }),
      ],
    }),
  });
  rig = gateway;
  const headers = { "x-tokligence-provider": "groq" };
  const body = { input_file_id: "f", endpoint: "/v1/chat/completions", completion_window: "24h" };
  const made = await gateway.send("/v1/batches", { headers, body: { ...body, input_file_id: undefined } });
  expect(made.status).toBe(200);
  const asked = (): number => gateway.calls.filter(({ url }) => url.endsWith("/content")).length;
  while (asked() < 1) await new Promise(setImmediate);
  isReachable = true;
  // What could not be had is asked for again by the next who looks.
  while (asked() < 2) await (await gateway.send("/v1/batches/batch_1")).text();
  expect(await untilBooked(gateway, 1)).toMatchObject([
    { endpoint: "batches.usage", modelServed: "m-1", freshInputTokens: 14, cacheReadTokens: 6, outputTokens: 8 },
  ]);
});
