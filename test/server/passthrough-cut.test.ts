// Streams that only pass by, and break off: the provider's figures are its last word where nothing was said behind them, and else where our count goes on from.

import { afterEach, describe, expect, test } from "bun:test";
import type { LedgerEntry } from "../../src/ledger/index.ts";
import { type Rig, makeProviderSettings, makeRig, makeStream } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const PLACES = {
  anthropic: "/passthrough/anthropic/v1/messages",
  gemini: "/passthrough/gemini/v1beta/models/m:streamGenerateContent?alt=sse",
  openai: "/passthrough/openai/v1/chat/completions",
} as const;

/** The row of a call there whose provider streams these events and then breaks off; `isWhole`: ends as it should. */
async function book(place: keyof typeof PLACES, events: readonly object[], isWhole = false): Promise<LedgerEntry> {
  const frames = events.map((event) => `data: ${JSON.stringify(event)}\n\n`);
  async function* breakOff(): AsyncGenerator<string> {
    yield* frames;
    // What is not read by then is gone with it.
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    throw new Error("ECONNRESET");
  }
  const headers = { "content-type": "text/event-stream" };
  rig = await makeRig({
    upstream: () => (isWhole ? makeStream(frames) : new Response(breakOff(), { headers })),
    config: (config) => ({
      ...config,
      providers: [
        ...config.providers,
        makeProviderSettings({ name: "gemini", kind: "gemini", baseUrl: "http://google.test", apiKey: "k" }),
      ],
    }),
  });
  const { token } = await rig.issue("gateway_user", { scopes: ["passthrough"] });
  await (await rig.send(PLACES[place], { token, body: { model: "m", stream: true } })).text();
  return rig.row();
}

const LONG = "a".repeat(400);
const START = { type: "message_start", message: { id: "m", usage: { input_tokens: 20, output_tokens: 1 } } };
const write = (text: string) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } });
const END = { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 7 } };
const say = (text: string, output: number) => ({
  candidates: [{ content: { parts: [{ text }] } }],
  usageMetadata: { promptTokenCount: 20, candidatesTokenCount: output, totalTokenCount: 20 + output },
});
const totals = (output: number) => ({ prompt_tokens: 20, completion_tokens: output, total_tokens: 20 + output });
const chunk = (content: string, output: number) => ({
  choices: [{ index: 0, delta: { content } }],
  usage: totals(output),
});

describe("a stream that breaks off", () => {
  test.each<[string, keyof typeof PLACES, object[], number]>([
    ["of figures at the beginning", "anthropic", [START, write(LONG)], 100],
    ["of figures for what was written so far", "gemini", [say(LONG, 60), say(LONG, 120)], 120],
    ["and of what was said behind them", "openai", [chunk(LONG, 60), { choices: [{ delta: { content: LONG } }] }], 160],
  ])("is counted on from the provider's own count: %s", async (_, place, events, outputTokens) => {
    const row = await book(place, events);
    expect(row).toMatchObject({ usageSource: "estimate", freshInputTokens: 20, outputTokens });
    expect(row.errorKind).toBe("upstream_malformed");
  });

  test("is booked as its provider says where that has said its last word", async () => {
    const row = await book("anthropic", [START, write(LONG), END]);
    expect(row).toMatchObject({ usageSource: "provider", freshInputTokens: 20, outputTokens: 7 });
  });
});

test("a whole one is booked as its provider says, unless that did not say what it wrote", async () => {
  expect(await book("gemini", [say(LONG, 60), say("", 61)], true)).toMatchObject({
    usageSource: "provider",
    outputTokens: 61,
  });
  await rig?.close();
  const garbled = { ...END, usage: { output_tokens: "7" } };
  expect(await book("anthropic", [START, write(LONG), garbled, { type: "message_stop" }], true)).toMatchObject({
    usageSource: "estimate",
    freshInputTokens: 20,
    outputTokens: 100,
  });
});
