// When a stream's figures are the provider's last word, and when they are not: what comes behind them, and in which of its ways it ends.

import { afterEach, describe, expect, test } from "bun:test";
import type { LedgerEntry } from "../../src/ledger/index.ts";
import { type Rig, makeRig, makeStream } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const HELLO = [{ role: "user", content: "Hello there" }];

function chunk(over: object): string {
  return `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", ...over })}\n\n`;
}

function say(content: string, over: object = {}): string {
  return chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null }], ...over });
}

const STOP = chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
const report = (prompt: number, completion: number) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
});
const TOTALS = chunk({ choices: [], usage: report(9, 2) });
const DONE = "data: [DONE]\n\n";
const ERROR = `data: ${JSON.stringify({ error: { message: "Out of memory", type: "server_error" } })}\n\n`;

async function book(frames: string[], body: object = {}): Promise<{ row: LedgerEntry; text: string }> {
  rig = await makeRig({ upstream: () => makeStream(frames) });
  const response = await rig.chat({ model: "local/m", stream: true, messages: HELLO, ...body });
  const text = await response.text();
  return { row: await rig.row(), text };
}

const PROVIDERS = { usageSource: "provider", freshInputTokens: 9, outputTokens: 2 } as const;

describe("the provider's figures count", () => {
  test.each<[string, string[], Partial<LedgerEntry>]>([
    ["as a chunk of their own", [say("Hi"), STOP, TOTALS, DONE], PROVIDERS],
    [
      "in the chunk that ends the answer",
      [say("Hi"), chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage: report(9, 2) }), DONE],
      PROVIDERS,
    ],
    ["without the mark of the end", [say("Hi"), STOP, TOTALS], PROVIDERS],
    ["without a reason for the end", [say("Hi"), TOTALS, DONE], PROVIDERS],
    ["without either", [say("Hi"), TOTALS], { ...PROVIDERS, errorKind: null }],
    [
      "of which every chunk tells as far as it goes",
      [say("H", { usage: report(9, 1) }), say("i", { usage: report(9, 2) }), STOP, DONE],
      PROVIDERS,
    ],
    [
      "of which the input comes first and the output last",
      [say("Hi", { usage: { prompt_tokens: 9 } }), STOP, chunk({ choices: [], usage: { completion_tokens: 2 } }), DONE],
      PROVIDERS,
    ],
    ["behind chunks in which they are null", [say("Hi", { usage: null }), STOP, TOTALS, DONE], PROVIDERS],
    ["before an error", [say("Hi"), STOP, TOTALS, ERROR], { ...PROVIDERS, errorKind: "upstream_rejected" }],
    [
      "in the chunk of an error",
      [say("Hi"), chunk({ choices: [], error: { message: "no" }, usage: report(9, 2) })],
      { ...PROVIDERS, errorKind: "upstream_rejected" },
    ],
    ["before what nobody can read", [say("Hi"), STOP, TOTALS, "data: {broken\n\n"], PROVIDERS],
  ])("%s", async (_, frames, wanted) => {
    const { row } = await book(frames);
    expect(row).toMatchObject(wanted);
    expect(JSON.parse(row.attempts[0]?.usageRaw ?? "null")).toMatchObject({ completion_tokens: 2 });
  });

  test.each<[string, string]>([
    ["that came behind the end", STOP + TOTALS + say("")],
    [
      "that came with the end",
      chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage: report(9, 2) }) + say(""),
    ],
  ])("where the client hangs up behind those %s", async (_, end) => {
    async function* pieces(): AsyncGenerator<string> {
      yield say("Hi");
      yield end;
      await new Promise(() => undefined);
    }
    const client = new AbortController();
    const gateway = await makeRig({
      upstream: () => new Response(pieces(), { headers: { "content-type": "text/event-stream" } }),
    });
    rig = gateway;
    const body = { model: "local/m", stream: true, messages: HELLO, stream_options: { include_usage: true } };
    const response = await gateway.chat(body, { signal: client.signal });
    const reader = response.body?.getReader();
    let text = "";
    // What follows the end of all choices is held back until the row is written: only the first piece arrives.
    while (!text.includes("Hi")) text += new TextDecoder().decode((await reader?.read())?.value);
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    client.abort();
    while ((await gateway.rows()).length === 0) await new Promise(setImmediate);
    expect(await gateway.row()).toMatchObject({ ...PROVIDERS, status: 499, errorKind: "cancelled" });
  });
});

describe("our estimate counts", () => {
  const LONG = "a".repeat(400);

  test.each<[string, string[], Partial<LedgerEntry>]>([
    ["where nothing is reported", [say(LONG), STOP, DONE], { outputTokens: 100, freshInputTokens: 3 }],
    [
      "where what was reported is behind what was said",
      [say("Hi", { usage: report(9, 1) }), say(LONG), ERROR],
      { outputTokens: 101, freshInputTokens: 9, errorKind: "upstream_rejected" },
    ],
    [
      "where the stream breaks off in the middle",
      [say("Hi", { usage: report(9, 1) }), say(LONG)],
      { outputTokens: 101, freshInputTokens: 9, errorKind: "upstream_malformed" },
    ],
    [
      "where it breaks off behind totals that came too early",
      [say("H"), TOTALS, say(LONG)],
      { outputTokens: 102, freshInputTokens: 9, errorKind: "upstream_malformed" },
    ],
    [
      "only what came behind figures that told of all before",
      [say(LONG, { usage: report(9, 60) }), say("a".repeat(40))],
      { outputTokens: 70, freshInputTokens: 9, errorKind: "upstream_malformed" },
    ],
    [
      "all of it where the figures stay the same meanwhile",
      [say(LONG, { usage: report(9, 0) }), say(LONG, { usage: report(9, 0) })],
      { outputTokens: 200, freshInputTokens: 9, errorKind: "upstream_malformed" },
    ],
    [
      "where the figures are beyond anything that can have been counted",
      [say(LONG), STOP, chunk({ choices: [], usage: report(9, 1e12) }), DONE],
      { outputTokens: 100, freshInputTokens: 3, errorKind: null },
    ],
  ])("%s", async (_, frames, wanted) => {
    const { row } = await book(frames);
    expect(row).toMatchObject({ usageSource: "estimate", ...wanted });
  });

  test("and none where the provider refuses in the place of its answer", async () => {
    const { row } = await book([chunk({ choices: [{ index: 0, delta: { role: "assistant" } }] }), ERROR]);
    expect(row).toMatchObject({ usageSource: "none", outputTokens: null, errorKind: "upstream_rejected" });
  });
});

describe("usage that we ask for", () => {
  test("is not shown to a client that did not ask", async () => {
    const { row, text } = await book([say("Hi", { usage: null }), STOP, TOTALS, DONE]);
    expect(rig?.calls[0]?.body).toMatchObject({ stream_options: { include_usage: true } });
    expect(text).not.toContain("usage");
    expect(row).toMatchObject(PROVIDERS);
  });

  test("is shown to one that did", async () => {
    const { text } = await book([say("Hi"), STOP, TOTALS, DONE], { stream_options: { include_usage: true } });
    expect(text).toContain(TOTALS);
  });
});

test("an answer that ends incomplete is booked by its figures, and so is one that fails", async () => {
  const usage = { input_tokens: 9, output_tokens: 2, total_tokens: 11 };
  for (const status of ["incomplete", "failed"]) {
    const response = { id: "r", object: "response", status, model: "m", output: [], usage };
    const frames = [
      { type: "response.created", response: { ...response, status: "in_progress", usage: null } },
      { type: `response.${status}`, response },
    ].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    rig = await makeRig({ upstream: () => makeStream(frames) });
    await (await rig.send("/v1/responses", { body: { model: "gpt-4o", input: "Hi", stream: true } })).text();
    expect(await rig.row()).toMatchObject(PROVIDERS);
    await rig.close();
    rig = null;
  }
});

test("a report that is too long is kept as far as it counts", async () => {
  const long = { ...report(9, 2), notes: { text: "x".repeat(3_000) } };
  const { row } = await book([say("Hi"), STOP, chunk({ choices: [], usage: long }), DONE]);
  expect(row.attempts[0]?.usageRaw).toBe(JSON.stringify(report(9, 2)));
});

test("an answer that came whole although a stream was asked for is booked at each attempt, for it will be billed", async () => {
  const whole = {
    id: "c",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
    usage: report(9, 2),
  };
  rig = await makeRig({ upstream: () => Response.json(whole) });
  const response = await rig.chat({ model: "local/m", stream: true, messages: HELLO });
  expect([response.status, await response.text()]).toEqual([
    502,
    expect.stringContaining("answered with application/json"),
  ]);
  const row = await rig.row();
  expect(row).toMatchObject({ ...PROVIDERS, status: 502, errorKind: "upstream_malformed" });
  expect(row.attempts.map(({ usageRaw }) => usageRaw)).toEqual([JSON.stringify(report(9, 2))]);
});
