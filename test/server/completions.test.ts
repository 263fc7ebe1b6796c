// Text completions: the built-in model's own, those of a provider as they come, and a plain refusal where there are none.

import { afterEach, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { type Rig, makeRig, makeStream, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

async function open(init: Parameters<typeof makeRig>[0] = {}): Promise<{ gateway: Rig; client: OpenAI }> {
  rig = await makeRig(init);
  const { token } = await rig.issue();
  const client = new OpenAI({ apiKey: token, baseURL: "http://gateway.test/v1", maxRetries: 0, fetch: rig.fetch });
  return { gateway: rig, client };
}

describe("the built-in model", () => {
  test("echoes each prompt, as often as it is asked", async () => {
    const { gateway, client } = await open();
    const answer = await client.completions.create({ model: "loopback", prompt: ["one", "two"], n: 2 });
    expect(answer.choices.map(({ index, text }) => [index, text])).toEqual([
      [0, "[loopback] one"],
      [1, "[loopback] one"],
      [2, "[loopback] two"],
      [3, "[loopback] two"],
    ]);
    expect(answer.usage).toEqual({ prompt_tokens: 2, completion_tokens: 16, total_tokens: 18 });
    expect(await gateway.row()).toMatchObject({
      endpoint: "completions",
      freshInputTokens: 2,
      outputTokens: 16,
      costNanos: 0,
    });
  });

  test.each([
    ["unknown", { model: "gpt-9" }, 404, "model_not_found"],
    ["missing", {}, 400, "missing_required_parameter"],
  ])("answers in nobody's place: a model that is %s", async (_name, named, status, code) => {
    const only = (name: string): boolean => name === "loopback";
    const { gateway } = await open({
      config: (config) => ({
        ...config,
        providers: config.providers.filter(({ name }) => only(name)),
        defaultRoutes: config.defaultRoutes.filter(({ targets }) => only(targets[0].provider)),
      }),
    });
    const response = await gateway.send("/v1/completions", { body: { ...named, prompt: "x" } });
    expect(response.status).toBe(status);
    expect((await readJson(response)).error).toMatchObject({ code, param: "model" });
  });

  test.each([true, false])("streams, with usage where it is asked for: %p", async (asks) => {
    const { gateway, client } = await open();
    const options = asks ? { stream_options: { include_usage: true } } : {};
    const stream = await client.completions.create({ model: "loopback", prompt: "a  b\n", stream: true, ...options });
    const chunks: OpenAI.Completion[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map((chunk) => chunk.choices[0]?.text ?? "").join("")).toBe("[loopback] a  b");
    expect(chunks.filter((chunk) => chunk.choices.length === 0).length).toBe(asks ? 1 : 0);
    expect(await gateway.row()).toMatchObject({
      streamed: true,
      freshInputTokens: 2,
      outputTokens: 4,
      usageSource: "provider",
    });
  });
});

const CHUNK = { id: "c", object: "text_completion", created: 1, model: "gpt-3.5-turbo-instruct-0914" };
const frame = (over: object): string => `data: ${JSON.stringify({ ...CHUNK, ...over })}\n\n`;
const WORD = frame({ choices: [{ text: "Hello", index: 0, logprobs: null, finish_reason: null }] });
const USAGE = frame({ choices: [], usage: { prompt_tokens: 4, completion_tokens: 9, total_tokens: 13 } });
const DONE = "data: [DONE]\n\n";
const ASK = { model: "gpt-3.5-turbo-instruct", prompt: "Say hello to the world", stream: true };

describe("a provider's stream", () => {
  test("is asked for its usage, which a client that did not ask never sees", async () => {
    const { gateway } = await open({ upstream: () => makeStream([WORD, USAGE, DONE]) });
    const response = await gateway.send("/v1/completions", { body: { ...ASK, own_field: [1] } });
    expect(await response.text()).toBe(`${WORD}: x-tokligence-cost-usd: 0.000024\n\n${DONE}`);
    expect(gateway.calls[0]?.url).toBe("http://openai.test/v1/completions");
    expect(gateway.calls[0]?.text).toBe(
      JSON.stringify({ ...ASK, own_field: [1], stream_options: { include_usage: true } }),
    );
    expect(await gateway.row()).toMatchObject({
      modelServed: "gpt-3.5-turbo-instruct-0914",
      freshInputTokens: 4,
      outputTokens: 9,
      usageSource: "provider",
      costNanos: 4 * 1_500 + 9 * 2_000,
    });
  });

  test("that reports nothing is estimated, and so is one that breaks off", async () => {
    const { gateway } = await open({
      upstream: ({ text }) => (text.includes("break off") ? makeBroken([WORD]) : makeStream([WORD, DONE])),
    });
    await (await gateway.send("/v1/completions", { body: ASK })).text();
    const fatal = { ...ASK, prompt: "Say hello and break off" };
    const broken = await (await gateway.send("/v1/completions", { body: fatal })).text();
    expect(broken).toStartWith(WORD);
    expect(JSON.parse(broken.slice(WORD.length + 6))).toMatchObject({ error: { code: "stream_broken" } });
    const seen = (await gateway.rows()).toReversed();
    expect(seen.map((row) => [row.usageSource, row.freshInputTokens, row.outputTokens, row.errorKind])).toEqual([
      ["estimate", 6, 2, null],
      ["estimate", 6, 2, "upstream_malformed"],
    ]);
  });

  test.each([
    ["as it should", DONE],
    ["without its blank line", DONE.trimEnd()],
    ["with something behind it", `${DONE}: bye\n\n`],
  ])("ends on the books before it ends for the client: %s", async (_, end) => {
    const { gateway } = await open({ upstream: () => makeStream([WORD, USAGE, end]) });
    const reader = (await gateway.send("/v1/completions", { body: ASK })).body?.getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done) break;
      text += decoder.decode(value);
      if (text.includes("[DONE]")) expect(await gateway.rows()).toHaveLength(1);
    }
    expect(text).toEndWith(DONE);
  });

  test.each([
    ["that breaks off within an event", [WORD, WORD.slice(0, 40)]],
    ["with an event that is none", [WORD, `${WORD.slice(0, 40)}\n\n`, WORD, DONE]],
  ])("%s ends in an error that can be read", async (_, pieces) => {
    const { gateway } = await open({ upstream: () => makeStream(pieces) });
    const text = await (await gateway.send("/v1/completions", { body: ASK })).text();
    const events = text.split("\n\n").filter((each) => each.startsWith("data: "));
    expect(events.map((event) => JSON.parse(event.slice(6)))).toMatchObject([
      { choices: [{ text: "Hello" }] },
      { error: { code: "upstream_malformed" } },
    ]);
    expect(await gateway.row()).toMatchObject({ errorKind: "upstream_malformed", usageSource: "estimate" });
  });

  test.each([
    { name: "all of them", ends: [0, 1], last: "", failed: null },
    { name: "one of them", ends: [1], last: "", failed: "upstream_malformed" },
    { name: "one of them, and tells what all used", ends: [1], last: USAGE, failed: null },
  ])("of several choices that stops without a word once it has ended $name", async ({ ends, last, failed }) => {
    const say = (index: number, more: object): string =>
      frame({ choices: [{ text: "Hello", index, logprobs: null, finish_reason: null, ...more }] });
    const pieces = [
      say(0, {}),
      say(1, {}),
      ...ends.map((index) => say(index, { text: "", finish_reason: "stop" })),
      last,
    ];
    const { gateway } = await open({ upstream: () => makeStream(pieces) });
    const text = await (await gateway.send("/v1/completions", { body: { ...ASK, n: 2 } })).text();
    expect(text.includes("ended before the answer was complete")).toBe(failed !== null);
    expect(await gateway.row()).toMatchObject({ errorKind: failed });
  });

  test.each([
    ["an answer that came whole", { outputTokens: 9, usageSource: "provider" }],
    ["text", { usageSource: "none" }],
  ])("that comes as %s is refused, and what it cost is on the books", async (what, booked) => {
    const usage = { prompt_tokens: 4, completion_tokens: 9, total_tokens: 13 };
    const choices = [{ text: "Hello", index: 0, logprobs: null, finish_reason: "stop" }];
    const { gateway } = await open({
      upstream: () =>
        what === "text"
          ? new Response("Hello", { headers: { "content-type": "text/plain" } })
          : Response.json({ ...CHUNK, choices, usage }),
    });
    const response = await gateway.send("/v1/completions", { body: ASK });
    expect(response.status).toBe(502);
    expect((await readJson(response)).error.message).toContain("was asked for an event stream and answered with");
    expect(await gateway.row()).toMatchObject({ status: 502, errorKind: "upstream_malformed", ...booked });
  });

  test("is over once it says so, wherever its provider stays", async () => {
    const all = Buffer.from(WORD + USAGE + DONE);
    const { gateway } = await open({
      upstream: () =>
        new Response(new ReadableStream({ start: (controller) => controller.enqueue(all) }), {
          headers: { "content-type": "text/event-stream" },
        }),
    });
    const text = await (await gateway.send("/v1/completions", { body: ASK })).text();
    expect(text).toEndWith(DONE);
    expect(await gateway.row()).toMatchObject({ errorKind: null, outputTokens: 9, usageSource: "provider" });
  });

  test("whose client leaves is cancelled, and booked for what had come", async () => {
    let signal: AbortSignal | null = null;
    const { gateway } = await open({
      upstream(call) {
        if (call.method === "POST") signal = call.signal;
        return new Response(new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from(WORD)) }), {
          headers: { "content-type": "text/event-stream" },
        });
      },
    });
    const controller = new AbortController();
    const response = await gateway.send("/v1/completions", { body: ASK, signal: controller.signal });
    const reader = response.body?.getReader();
    await reader?.read();
    controller.abort();
    while ((await gateway.rows()).length === 0) await new Promise(setImmediate);
    expect(signal).toMatchObject({ aborted: true });
    expect(await gateway.row()).toMatchObject({
      status: 499,
      errorKind: "cancelled",
      outputTokens: 2,
      usageSource: "estimate",
    });
  });
});

test("a provider without them refuses by name, and says what there is instead", async () => {
  const { gateway } = await open();
  const response = await gateway.send("/v1/completions", { body: { model: "claude-sonnet-4-5", prompt: "x" } });
  expect(response.status).toBe(400);
  const { error } = await readJson(response);
  expect(error.message).toContain('Provider "anthropic" offers no completions.');
  expect(error.message).toContain("/v1/chat/completions");
});

/** A stream that its upstream breaks off. */
function makeBroken(pieces: readonly string[]): Response {
  const left = [...pieces];
  return new Response(
    new ReadableStream({
      pull(controller) {
        const piece = left.shift();
        if (piece === undefined) controller.error(new Error("reset"));
        else controller.enqueue(Buffer.from(piece));
      },
    }),
    { headers: { "content-type": "text/event-stream" } },
  );
}
