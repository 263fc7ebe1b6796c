// What the gateway tells of itself: who may read it, that it adds up to the books, and that nobody can make it grow without bound.

import { afterEach, expect, test } from "bun:test";
import { joinPrices } from "../../src/ledger/index.ts";
import { type Metrics, createMetrics } from "../../src/telemetry/metric.ts";
import { type Rig, makeRig } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const HELLO = [{ role: "user", content: "Hello there" }];
const COMPLETION = {
  id: "c",
  object: "chat.completion",
  created: 1,
  model: "gpt-4o-2024-08-06",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi." }, finish_reason: "stop" }],
  usage: {
    prompt_tokens: 1_000,
    completion_tokens: 100,
    total_tokens: 1_100,
    prompt_tokens_details: { cached_tokens: 400 },
    completion_tokens_details: { reasoning_tokens: 30 },
  },
};

const SPEECH = {
  name: "speech",
  model: "scribe",
  provider: "openai",
  tier: "default",
  from: new Date("2023-01-01T00:00:00Z"),
  to: null,
  prices: joinPrices([["audio_hours", "0.36"]]),
};

async function open(init: Parameters<typeof makeRig>[0] = {}): Promise<Rig> {
  rig = await makeRig({ upstream: () => Response.json(COMPLETION), ...init });
  return rig;
}

/** Value by name and labels, as they are printed. */
async function read(gateway: Rig, token?: string | null): Promise<Map<string, number>> {
  const admin = token === undefined ? (await gateway.issue("gateway_admin")).token : token;
  const response = await gateway.send("/metrics", { token: admin });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const lines = (await response.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

test("an administrator reads them, or a key with their scope; open to all only where the operator says so", async () => {
  const gateway = await open();
  expect((await gateway.send("/metrics", { token: null })).status).toBe(401);
  expect((await gateway.send("/metrics")).status).toBe(403);
  const { token } = await gateway.issue("gateway_admin", { scopes: ["metrics:read"] });
  await read(gateway, token);
  expect((await gateway.send("/api/v1/usage/summary", { token })).status).toBe(403);
  await gateway.close();
  rig = null;
  const opened = await open({ config: (config) => ({ ...config, metrics: { isPublic: true } }) });
  await read(opened, null);
});

test("they add up to the books", async () => {
  const gateway = await open({
    upstream: ({ body }) =>
      (body as { model: string }).model === "gpt-refused"
        ? Response.json({ error: { message: "no" } }, { status: 400 })
        : Response.json(COMPLETION),
  });
  for (let round = 0; round < 3; round++) await (await gateway.chat({ model: "gpt-4o", messages: HELLO })).text();
  await gateway.chat({ model: "gpt-refused", messages: HELLO });
  await gateway.chat({ model: "gpt-4o", messages: "no list" });
  const rows = await gateway.rows();
  const cost = rows.reduce((sum, row) => sum + (row.costNanos ?? 0), 0);
  expect(cost).toBeGreaterThan(0);
  const found = await read(gateway);
  const labels = (kind: string): string =>
    `tokligence_tokens_total{provider="openai",model="gpt-4o-2024-08-06",kind="${kind}",source="provider"}`;
  expect(Object.fromEntries(found)).toMatchObject({
    'tokligence_requests_total{endpoint="chat.completions",provider="openai",status="200"}': 3,
    'tokligence_requests_total{endpoint="chat.completions",provider="openai",status="400"}': 1,
    [labels("fresh_input")]: 1_800,
    [labels("cache_read")]: 1_200,
    [labels("output")]: 300,
    [labels("reasoning")]: 90,
    'tokligence_cost_nanodollars_total{provider="openai"}': cost,
    tokligence_ledger_rows_settled_total: rows.length,
    tokligence_ledger_requests_acknowledged_total: rows.length,
    tokligence_ledger_rows_per_acknowledged_request: 1,
    tokligence_ledger_intents_open: 0,
    tokligence_ledger_fault: 0,
  });
  expect(found.get("tokligence_ledger_commit_duration_seconds_count")).toBeGreaterThan(0);
  expect(found.get('tokligence_ledger_commit_rows_bucket{le="+Inf"}')).toBe(
    found.get("tokligence_ledger_commit_rows_count"),
  );
});

test("what is counted in seconds alone costs what the books say, and is missed where its price is", async () => {
  const gateway = await open({
    config: (config) => ({ ...config, prices: { ...config.prices, overrides: [SPEECH] } }),
    upstream: () => Response.json({ text: "Hello", usage: { type: "duration", seconds: 10 } }),
  });
  for (const model of ["scribe", "scribe", "nobody-knows"]) {
    const form = new FormData();
    form.append("model", model);
    form.append("file", new Blob(["sound"]), "hello.wav");
    await (await gateway.send("/v1/audio/transcriptions", { body: form })).text();
  }
  const rows = await gateway.rows();
  expect(rows.map(({ costNanos, freshInputTokens }) => [costNanos, freshInputTokens])).toEqual([
    [null, null],
    [1_000_000, null],
    [1_000_000, null],
  ]);
  expect(Object.fromEntries(await read(gateway))).toMatchObject({
    'tokligence_cost_nanodollars_total{provider="openai"}': 2_000_000,
    'tokligence_requests_unpriced_total{provider="openai"}': 1,
  });
});

test("a ledger that cannot be written shows, and so do the rows that wait for it", async () => {
  const gateway = await open({
    append: () => {
      throw new Error("database or disk is full");
    },
  });
  expect((await gateway.chat({ model: "gpt-4o", messages: HELLO })).status).toBe(503);
  const found = await read(gateway);
  expect(found.get("tokligence_ledger_fault")).toBe(1);
  expect(found.get("tokligence_ledger_rows_kept")).toBe(1);
  expect(found.get("tokligence_ledger_commits_failed_total")).toBeGreaterThan(0);
  expect(found.get("tokligence_ledger_requests_acknowledged_total")).toBe(0);
});

function count(metrics: Metrics, row: Partial<Parameters<Metrics["settled"]>[0]>): void {
  metrics.settled({
    endpoint: "chat.completions",
    provider: "openai",
    modelServed: "gpt-4o",
    status: 200,
    usageSource: "provider",
    freshInputTokens: 10,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 5,
    reasoningTokens: null,
    costNanos: null,
    errorKind: null,
    attempts: [{ provider: "openai", errorKind: null }],
    ...row,
  });
}

test("names that others choose are bounded, and nothing is lost by it", async () => {
  const metrics = createMetrics();
  for (let index = 0; index < 5_000; index++) count(metrics, { modelServed: `model-${index}` });
  // What was only asked for, and never answered, is no name.
  count(metrics, { modelServed: "made-up", status: 499, usageSource: "estimate" });
  const text = await metrics.print();
  const lines = text.split("\n").filter((line) => line.startsWith("tokligence_tokens_total{"));
  expect(lines.length).toBeLessThan(2_100);
  const output = lines.filter((line) => /kind="(?:output|other)"/u.test(line));
  expect(text).not.toContain("made-up");
  expect(lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0)).toBe(5_001 * 15);
  expect(output.length).toBeGreaterThan(0);
});

test("names that others choose break no line, and steer no terminal", async () => {
  const served = 'm\0"}\r\n1\u001B[2J\u009B\u202E';
  const metrics = createMetrics();
  count(metrics, { modelServed: served });
  metrics.watch([{ name: "tokligence_x", about: "x", points: () => [{ labels: { model: served }, value: 1 }] }]);
  const lines = (await metrics.print()).split("\n").filter((line) => line.includes("202e"));
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line).toMatch(/^tokligence_\w+\{[^\p{Cc}\u202E]*\} \d+$/u);
});

test("counting a row is no search among all that were counted", () => {
  const metrics = createMetrics();
  for (let index = 0; index < 10_000; index++) count(metrics, {});
  const started = performance.now();
  for (let index = 0; index < 100_000; index++) count(metrics, { costNanos: 100 });
  expect(((performance.now() - started) / 100_000) * 1_000).toBeLessThan(100);
});
