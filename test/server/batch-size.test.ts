// Batches of models whose price goes by the size of a call, and of calls that sell more than tokens: what the totals do not tell, the results do.

import { afterEach, expect, test } from "bun:test";
import { type LedgerEntry, joinPrices } from "../../src/ledger/index.ts";
import { type Rig, makeRig } from "../rig.ts";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

async function untilBooked(gateway: Rig): Promise<LedgerEntry[]> {
  for (;;) {
    const rows = (await gateway.rows()).filter(({ endpoint }) => endpoint.endsWith(".usage"));
    if (rows.length > 0) return rows;
    await new Promise(setImmediate);
  }
}

const chat = (tokens: number) => ({
  object: "chat.completion",
  model: "gpt-5.4-2026-03-05",
  choices: [],
  usage: { prompt_tokens: tokens, completion_tokens: 100, total_tokens: tokens + 100 },
});

/** A batch that is over at once, and what its file holds: answers, or a status that says that there is none. */
async function run(endpoint: string, total: object, results: object[] | number): Promise<LedgerEntry[]> {
  const lines = (list: object[]) =>
    list.map((body, at) => JSON.stringify({ custom_id: String(at), response: { status_code: 200, body } })).join("\n");
  const ended = { id: "batch_1", object: "batch", endpoint, status: "completed", completed_at: 1_793_000_000 };
  rig = await makeRig({
    upstream({ url }) {
      if (!url.endsWith("/content")) return Response.json({ ...ended, output_file_id: "file-out", ...total });
      return typeof results === "number" ? new Response("no", { status: results }) : new Response(lines(results));
    },
  });
  expect((await rig.send("/v1/batches", { body: { endpoint } })).status).toBe(200);
  return untilBooked(rig);
}

const total = (input: number, output: number) => ({
  model: "gpt-5.4-2026-03-05",
  usage: { input_tokens: input, output_tokens: output, total_tokens: input + output },
});
const HALF = { input: 1_250, output: 7_500 };

test("calls that are small each have their price, however many they are", async () => {
  const rows = await run(
    "/v1/chat/completions",
    total(800_000, 400),
    [1, 2, 3, 4].map(() => chat(200_000)),
  );
  expect(rows).toMatchObject([
    { freshInputTokens: 800_000, outputTokens: 400, costNanos: 800_000 * HALF.input + 400 * HALF.output },
  ]);
});

test("of which one is large, nobody knows what they cost together", async () => {
  const rows = await run("/v1/chat/completions", total(400_000, 200), [chat(100_000), chat(300_000)]);
  expect(rows).toMatchObject([{ freshInputTokens: 400_000, costNanos: null }]);
});

test("where the results are gone, the totals are on the books all the same", async () => {
  const rows = await run("/v1/chat/completions", total(800_000, 400), 404);
  expect(rows).toMatchObject([{ freshInputTokens: 800_000, outputTokens: 400, costNanos: null }]);
});

test("searches, of which totals tell nothing, are counted in the answers", async () => {
  const search = { type: "web_search_call", status: "completed", action: { type: "search", query: "a" } };
  const answer = {
    object: "response",
    model: "gpt-5.4-2026-03-05",
    output: [search, search],
    usage: { input_tokens: 1_000, output_tokens: 100, total_tokens: 1_100 },
  };
  const rows = await run("/v1/responses", total(2_000, 200), [answer, answer]);
  expect(rows).toMatchObject([{ freshInputTokens: 2_000, outputTokens: 200, units: { web_search_calls: 4 } }]);
});

test("a video is one call, and has the price of one where an operator says it", async () => {
  const film = { name: "film", model: "sora-2", provider: null, tier: "default", from: null, to: null };
  const video = { id: "video_1", object: "video", model: "sora-2", status: "completed", seconds: "8" };
  rig = await makeRig({
    upstream: () => Response.json({ ...video, completed_at: 1_793_000_000 }),
    config: (config) => ({
      ...config,
      prices: { ...config.prices, overrides: [{ ...film, prices: joinPrices([["request", "0.80"]]) }] },
    }),
  });
  expect((await rig.send("/v1/videos", { body: { model: "sora-2", prompt: "x" } })).status).toBe(200);
  expect(await untilBooked(rig)).toMatchObject([{ units: { video_seconds: 8 }, costNanos: 800_000_000 }]);
});

test("Anthropic's tell it as well", async () => {
  const usage = { input_tokens: 150_000, output_tokens: 100 };
  const message = { id: "msg_1", type: "message", role: "assistant", model: "claude-sonnet-4-5", content: [], usage };
  const line = JSON.stringify({ custom_id: "a", result: { type: "succeeded", message } });
  const batch = { id: "msgbatch_1", processing_status: "ended", ended_at: "2026-10-02T03:04:05Z" };
  rig = await makeRig({
    upstream: ({ url }) => (url.endsWith("/results") ? new Response(`${line}\n${line}`) : Response.json(batch)),
  });
  const headers = { "anthropic-version": "2023-06-01" };
  await rig.send("/v1/messages/batches", { headers, body: { requests: [] } });
  expect(await untilBooked(rig)).toMatchObject([
    { freshInputTokens: 300_000, costNanos: 300_000 * 1_500 + 200 * 7_500 },
  ]);
});
