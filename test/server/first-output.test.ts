// Streams that are only forwarded, and how long they may say nothing of their answer: signs of life keep nobody waiting for ever, and are no answer
// that ties a client to one provider.

import { afterEach, describe, expect, test } from "bun:test";
import { readRoute } from "../../src/config/route.ts";
import { type Rig, type UpstreamCall, makeProviderSettings, makeRig, makeStream, readJson } from "../rig.ts";
import { hostOf } from "./route-scene.ts";

const FIRST_OUTPUT_MS = 120_000;
const STEP_MS = 20_000;
const KEEP_ALIVE_MS = 15_000;
const PING = ": still there\n\n";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

async function settle(): Promise<void> {
  for (let round = 0; round < 30; round++) await new Promise(setImmediate);
}

interface Scene {
  gateway: Rig;
  say(text: string): void;
  end(): void;
}

/** A provider `one`, which says what the test has it say, and `two`, which answers at once. */
async function open(type = "text/event-stream", { targets = "one/m", keepAliveMs = 0 } = {}): Promise<Scene> {
  let control: ReadableStreamDefaultController | null = null;
  const body = new ReadableStream({
    start(controller) {
      control = controller;
    },
  });
  const one = ({ signal }: UpstreamCall): Response => {
    signal.addEventListener("abort", () => control?.error(new Error("aborted")));
    return new Response(body, { headers: { "content-type": type } });
  };
  const { rules, faults } = readRoute("m", new Map([["targets", targets]]), {
    providers: ["one", "two"],
    origin: "test",
  });
  expect(faults).toEqual([]);
  const provider = (name: string) =>
    makeProviderSettings({ name, kind: "compatible", baseUrl: `http://${name}.test/v1`, apiKey: `sk-canary-${name}` });
  const gateway = await makeRig({
    upstream: (call) => {
      if (call.method === "GET") return Response.json({ data: [] });
      return hostOf(call.url) === "one" ? one(call) : makeStream([word("from the second"), DONE]);
    },
    config: (config) => ({
      ...config,
      travel: { ...config.travel, maxAttempts: 2 },
      timeouts: { ...config.timeouts, keepAliveMs },
      providers: [provider("one"), provider("two")],
      routes: rules,
    }),
  });
  rig = gateway;
  const encoder = new TextEncoder();
  return { gateway, say: (text) => control?.enqueue(encoder.encode(text)), end: () => control?.close() };
}

const word = (text: string): string => `data: ${JSON.stringify({ id: "c", choices: [{ index: 0, text }] })}\n\n`;
const DONE = "data: [DONE]\n\n";
const COMPLETION = { path: "/v1/completions", body: { model: "m", prompt: "Say hello", stream: true } };
const PICTURE = { path: "/v1/images/generations", body: { model: "m", prompt: "A fox", stream: true } };
const SPEECH = { path: "/v1/audio/speech", body: { model: "m", input: "four" } };
const ANYTHING = { path: "/passthrough/one/v1/anything", body: { any: "thing" } };

async function begin(
  { gateway }: Scene,
  { path, body }: { path: string; body: object },
): Promise<{ response: Promise<Response> }> {
  const { token } = await gateway.issue("root_admin");
  const response = gateway.send(path, { body, token });
  response.catch(() => undefined);
  while (gateway.calls.length === 0) await new Promise(setImmediate);
  await settle();
  return { response };
}

/** Signs of life, and time goes by. */
async function wait({ gateway, say }: Scene, ms: number, sign = PING): Promise<void> {
  for (let spentMs = 0; spentMs < ms; spentMs += STEP_MS) {
    say(sign);
    await settle();
    gateway.clock.advance(STEP_MS);
    await settle();
  }
}

const MESSAGE = "said nothing of the answer within 120 s (upstream_first_output_timeout)";

describe("who only shows signs of life is given up on", () => {
  test.each([
    ["completions", COMPLETION, PING],
    ["completions, with words that are none", COMPLETION, word("")],
    ["pictures", PICTURE, PING],
  ])("%s", async (_what, ask, sign) => {
    const scene = await open();
    const { response } = await begin(scene, ask);
    await wait(scene, FIRST_OUTPUT_MS - STEP_MS, sign);
    expect(scene.gateway.calls[0]?.signal.aborted).toBe(false);
    await wait(scene, STEP_MS, sign);
    expect([(await response).status, (await readJson(await response)).error.message]).toEqual([
      504,
      `Provider "one" began its stream, and ${MESSAGE}.`,
    ]);
    expect(await scene.gateway.row()).toMatchObject({ status: 504, errorKind: "timeout", latencyMs: FIRST_OUTPUT_MS });
  });

  test("what is passed through", async () => {
    const scene = await open();
    const { response } = await begin(scene, ANYTHING);
    const text = (await response).text();
    await wait(scene, FIRST_OUTPUT_MS);
    expect(await text).toContain(MESSAGE);
    expect(await scene.gateway.row()).toMatchObject({ status: 200, errorKind: "timeout", latencyMs: FIRST_OUTPUT_MS });
  });

  test("and another one is asked", async () => {
    const scene = await open("text/event-stream", { targets: "one/m, two/m" });
    const { response } = await begin(scene, COMPLETION);
    await wait(scene, FIRST_OUTPUT_MS);
    expect(await (await response).text()).toBe(word("from the second") + DONE);
    expect((await scene.gateway.row()).attempts.map(({ errorKind }) => errorKind)).toEqual(["timeout", null]);
  });
});

describe("who has said something may take longer for the rest", () => {
  test.each([
    ["completions", COMPLETION, "text/event-stream", word("slowly"), PING],
    ["pictures", PICTURE, "text/event-stream", 'data: {"type":"image_generation.partial_image"}\n\n', PING],
    ["sound", SPEECH, "audio/mpeg", "sound", "more"],
    ["anything", ANYTHING, "text/event-stream", "data: hello\n\n", PING],
  ])("%s", async (_what, ask, type, first, sign) => {
    const scene = await open(type);
    const { response } = await begin(scene, ask);
    scene.say(first);
    const text = (await response).text();
    await wait(scene, 2 * FIRST_OUTPUT_MS, sign);
    scene.say(type === "audio/mpeg" ? "end" : DONE);
    scene.end();
    expect(await text).toStartWith(first);
    expect(await scene.gateway.row()).toMatchObject({ status: 200, errorKind: null });
  });
});

test("what a provider says before it fails is not what the client gets, where another one answers", async () => {
  const scene = await open("text/event-stream", { targets: "one/m, two/m" });
  const { response } = await begin(scene, COMPLETION);
  scene.say(PING + word(""));
  scene.say(`data: ${JSON.stringify({ error: { message: "overloaded", type: "server_error" } })}\n\n`);
  scene.end();
  expect(await (await response).text()).toBe(word("from the second") + DONE);
});

test("a whole answer to who asked for a stream has the time of whole answers", async () => {
  const scene = await open("application/json");
  const { response } = await begin(scene, COMPLETION);
  await wait(scene, 2 * FIRST_OUTPUT_MS, "\n");
  scene.say('{"id":"c","choices":[{"text":""}]}');
  scene.end();
  // It is none that he can read; that it came too late is not what he is told.
  expect(await (await response).text()).toContain("was asked for an event stream and answered with application/json");
});

test("a client that waits is sent comments, then the stream", async () => {
  const scene = await open("text/event-stream", { keepAliveMs: KEEP_ALIVE_MS });
  const { response } = await begin(scene, COMPLETION);
  scene.gateway.clock.advance(KEEP_ALIVE_MS);
  const text = (await response).text();
  scene.say(word("at last"));
  scene.say(DONE);
  scene.end();
  expect(await text).toBe(`: waiting for the provider\n\n${word("at last")}${DONE}`);
});

test("a client that was sent comments is told of a failure in the stream, and the row has it", async () => {
  const scene = await open("text/event-stream", { keepAliveMs: KEEP_ALIVE_MS });
  const { response } = await begin(scene, COMPLETION);
  scene.gateway.clock.advance(KEEP_ALIVE_MS);
  const text = (await response).text();
  await wait(scene, FIRST_OUTPUT_MS);
  expect(await text).toContain(MESSAGE);
  expect(await scene.gateway.row()).toMatchObject({ status: 200, errorKind: "timeout" });
});
