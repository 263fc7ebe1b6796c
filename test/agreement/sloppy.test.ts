// Streams of servers that keep no order, as some of them are known to send: whichever surface's SDK reads them through the gateway, nothing of
// the answer is lost and nothing is told twice.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Rig, makeProviderSettings, makeRig, makeStream } from "../rig.ts";
import type { Reading } from "./reading.ts";
import { SURFACES, type SurfaceId, ask } from "./surface.ts";

let rig: Rig;
let key = "";
let frames: string[] = [];

beforeAll(async () => {
  rig = await makeRig({
    upstream: (call) => (call.method === "GET" ? Response.json({ data: [] }) : makeStream(frames)),
    config: (config) => ({
      ...config,
      providers: [
        ...config.providers.filter(({ name }) => name !== "local"),
        makeProviderSettings({ name: "google", kind: "gemini", baseUrl: "http://google.test", apiKey: "AIza-test" }),
        makeProviderSettings({ name: "local", kind: "compatible", baseUrl: "http://local.test/v1" }),
      ],
    }),
  });
  key = (await rig.issue()).token;
});
afterAll(() => rig.close());

function frame(body: object): string {
  return `data: ${JSON.stringify(body)}\n\n`;
}

function chunk(delta: object, finish: string | null = null): string {
  const head = { id: "c", object: "chat.completion.chunk", created: 1, model: "m" };
  return frame({ ...head, choices: [{ index: 0, delta: { role: "assistant", ...delta }, finish_reason: finish }] });
}

function piece(call: object, finish: string | null = null): string {
  return chunk({ tool_calls: [{ type: "function", ...call }] }, finish);
}

function candidate(parts: object[], finishReason?: string): string {
  const told = { candidates: [{ index: 0, content: { role: "model", parts }, finishReason }], modelVersion: "m" };
  return frame({ ...told, usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 2, totalTokenCount: 11 } });
}

const TOTALS = frame({
  id: "c",
  object: "chat.completion.chunk",
  created: 1,
  model: "m",
  choices: [],
  usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 },
});
const END = [TOTALS, "data: [DONE]\n\n"];
const CALL = piece({ index: 0, id: "call_a", function: { name: "look", arguments: '{"at":' } });

const TEXT: Partial<Reading> = { text: "Hello there", calls: [], stop: "stop" };
const LOOKED: Partial<Reading> = { text: "", calls: [{ name: "look", input: { at: "sea" } }], stop: "tool-calls" };

const STREAMS: Record<string, { model: string; frames: string[]; read: Partial<Reading> }> = {
  "text behind the reason for its end": {
    model: "local/m",
    frames: [chunk({ content: "Hello" }, "stop"), chunk({ content: " there" }), ...END],
    read: TEXT,
  },
  "the reason on every chunk": {
    model: "local/m",
    frames: [chunk({ content: "Hello" }, "stop"), chunk({ content: " there" }, "stop"), chunk({}, "stop"), ...END],
    read: TEXT,
  },
  "a call behind the reason": {
    model: "local/m",
    frames: [chunk({}, "tool_calls"), CALL, piece({ index: 0, function: { arguments: '"sea"}' } }), ...END],
    read: LOOKED,
  },
  "the reason within a call": {
    model: "local/m",
    frames: [CALL, chunk({}, "tool_calls"), piece({ index: 0, function: { arguments: '"sea"}' } }), ...END],
    read: LOOKED,
  },
  "a call with another id on every piece": {
    model: "local/m",
    frames: [
      CALL,
      piece({ index: 0, id: "call_b", function: { arguments: '"se' } }),
      piece({ index: 0, id: "call_c", function: { name: "", arguments: 'a"}' } }),
      chunk({}, "tool_calls"),
      ...END,
    ],
    read: LOOKED,
  },
  "Google's, with the reason on every chunk": {
    model: "google/m",
    frames: [candidate([{ text: "Hello" }], "STOP"), candidate([{ text: " there" }], "STOP")],
    read: TEXT,
  },
  "Google's, with the reason before all that is said": {
    model: "google/m",
    frames: [
      candidate([], "STOP"),
      candidate([{ functionCall: { id: "a", name: "look", args: { at: "sea" } } }]),
      candidate([], "STOP"),
    ],
    read: LOOKED,
  },
};

describe.each(Object.keys(SURFACES) as SurfaceId[])("%s", (surface) => {
  test.each(Object.entries(STREAMS))("%s", async (_name, { model, frames: told, read }) => {
    frames = told;
    const reading = await ask(surface, { fetch: (request) => rig.app.fetch(request), key, model, stream: true });
    expect(reading).toEqual({ input: 9, output: 2, error: null, ...read } as Reading);
  });
});

test("a long answer with the reason on every chunk is forwarded as it comes", async () => {
  const text = "x".repeat(64 * 1024);
  frames = Array.from({ length: 20 }, () => candidate([{ text }], "STOP"));
  const reading = await ask("gemini", {
    fetch: (request) => rig.app.fetch(request),
    key,
    model: "google/m",
    stream: true,
  });
  expect(reading).toMatchObject({ error: null, stop: "stop", text: text.repeat(20) });
});
