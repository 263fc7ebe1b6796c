// A client that hangs up, over real sockets: the provider is hung up on at once, and what it had produced by then is on the books, once. So is one
// that has said all, and does not hang up itself.

import { afterEach, describe, expect, test } from "bun:test";
import { isDue } from "../clock.ts";
import { type CutScene, PLAIN_HEAD, STREAM_HEAD, chunk, openCutScene, piece } from "./cut-scene.ts";

const LIMIT_MS = 250;

let scene: CutScene | null = null;
afterEach(async () => {
  await scene?.stop();
  scene = null;
});

const HELLO = [{ role: "user", content: "Tell me a story." }];
const CONTENTS = [{ role: "user", parts: [{ text: "Tell me a story." }] }];

/** 16 letters, which are four tokens by our own count, as reasoning; the same as text; and a call with eight of each. */
const REASONED = chunk({ role: "assistant", reasoning_content: "abcdefghijklmnop" });
const SAID = chunk({ content: "abcdefghijklmnop" });
const CALLED = chunk({
  tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "abcdefgh", arguments: '{"a":"bc' } }],
});

interface Case {
  path: string;
  body: object;
  /** What the provider has said before the client leaves; nothing where it keeps the client waiting. */
  says: string;
  /** Our own count of it. */
  output: number;
  /** Our own count of the question; null where the provider told it. */
  input: number;
}

const CASES: Record<string, Case> = {
  "a stream": {
    path: "/v1/chat/completions",
    body: { model: "local/m", stream: true, messages: HELLO },
    says: STREAM_HEAD + REASONED + SAID + CALLED,
    output: 12,
    input: 4,
  },
  "a stream behind a translation": {
    path: "/v1/messages",
    body: { model: "local/m", max_tokens: 99, stream: true, messages: HELLO },
    says: STREAM_HEAD + REASONED + SAID + CALLED,
    output: 12,
    input: 4,
  },
  "a stream framed as a JSON array": {
    path: "/v1beta/models/local/m:streamGenerateContent",
    body: { contents: CONTENTS },
    says: STREAM_HEAD + SAID,
    output: 4,
    input: 4,
  },
  "a stream that has not begun": {
    path: "/v1/chat/completions",
    body: { model: "local/m", stream: true, messages: HELLO },
    says: "",
    output: 0,
    input: 4,
  },
  "a stream whose headers are there": {
    path: "/v1/responses",
    body: { model: "local/m", stream: true, input: "Tell me a story." },
    says: STREAM_HEAD,
    output: 0,
    input: 4,
  },
  "a plain request that waits for headers": {
    path: "/v1/chat/completions",
    body: { model: "local/m", messages: HELLO },
    says: "",
    output: 0,
    input: 4,
  },
  "a plain request in the middle of its answer": {
    path: "/v1/chat/completions",
    body: { model: "local/m", messages: HELLO },
    says: PLAIN_HEAD + piece('{"id":"c","choices":[{"index":0,"mess'),
    output: 0,
    input: 4,
  },
  vectors: {
    path: "/v1/embeddings",
    body: { model: "local/m", input: "Tell me a story." },
    says: "",
    output: 0,
    input: 4,
  },
  "a stream of text completions": {
    path: "/v1/completions",
    body: { model: "local/m", stream: true, prompt: "Tell me a story." },
    says: STREAM_HEAD + piece(`data: ${JSON.stringify({ choices: [{ index: 0, text: "abcdefghijklmnop" }] })}\n\n`),
    output: 4,
    input: 4,
  },
};

test.each(Object.entries(CASES))("%s", async (_name, { path, body, says, output, input }) => {
  scene = await openCutScene();
  const { rig, url, token, provider } = scene;
  const client = new AbortController();
  const pending = fetch(`${url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: client.signal,
  });
  const read = pending.then((response) => response.body?.getReader().read()).catch(() => undefined);
  await provider.asked;
  if (says !== "") provider.say(says);
  // Until what was said has gone through to the client. A head alone, or half an answer, reaches nobody.
  if (output > 0) await read;
  const leftMs = performance.now();
  client.abort();
  const tookMs = (await provider.closed) - leftMs;
  expect(tookMs).toBeLessThan(LIMIT_MS);
  await read;
  // It is written at once, which here may be after the provider has noticed.
  while ((await rig.rows()).length === 0) await new Promise(setImmediate);
  const row = await rig.row();
  expect(row).toMatchObject({
    status: 499,
    errorKind: "cancelled",
    usageSource: "estimate",
    freshInputTokens: input,
    outputTokens: output,
  });
  expect(row.attempts).toHaveLength(1);
});

test("what a cut answer had cost by then is on the row, and is told to be estimated", async () => {
  scene = await openCutScene();
  const { rig, url, token, provider } = scene;
  const client = new AbortController();
  const pending = fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt-4o", stream: true, messages: HELLO }),
    signal: client.signal,
  });
  const read = pending.then((response) => response.body?.getReader().read()).catch(() => undefined);
  await provider.asked;
  provider.say(STREAM_HEAD + SAID);
  await read;
  client.abort();
  await provider.closed;
  while ((await rig.rows()).length === 0) await new Promise(setImmediate);
  // Four tokens in at $2.50 a million, four out at $10.
  expect(await rig.row()).toMatchObject({
    errorKind: "cancelled",
    usageSource: "estimate",
    freshInputTokens: 4,
    outputTokens: 4,
    costNanos: 4 * 2_500 + 4 * 10_000,
    priceId: "openai/gpt-4o",
  });
});

describe("a provider that has said all", () => {
  const END = piece("data: [DONE]\n\n");

  const ask = ({ url, token }: CutScene): Promise<Response> =>
    fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "local/m", stream: true, messages: HELLO }),
    });
  /** Until the body's own end is waited for, or is no more. */
  const untilWaiting = async ({ rig }: CutScene, isWaiting: boolean): Promise<void> => {
    while (isDue(rig.clock, 1_000) !== isWaiting) await new Promise(setImmediate);
  };

  test.each([1, 2])("in pieces of %i, and stays there, is hung up on after a moment", async (count) => {
    scene = await openCutScene();
    const { rig, provider } = scene;
    const pending = ask(scene);
    await provider.asked;
    provider.say(STREAM_HEAD + SAID + (count === 1 ? END : ""));
    const answer = await pending;
    if (count > 1) provider.say(END);
    expect(await answer.text()).toEndWith("data: [DONE]\n\n");
    await untilWaiting(scene, true);
    rig.clock.advance(1_000);
    await provider.closed;
    expect(await rig.row()).toMatchObject({ status: 200, errorKind: null, outputTokens: 4 });
  });

  test("and ends in that moment is asked over the same connection once more", async () => {
    scene = await openCutScene();
    const { provider } = scene;
    for (const requests of [1, 2]) {
      const pending = ask(scene);
      while (provider.count().requests < requests) await new Promise(setImmediate);
      provider.say(STREAM_HEAD + SAID + END);
      expect(await (await pending).text()).toEndWith("data: [DONE]\n\n");
      await untilWaiting(scene, true);
      provider.say("0\r\n\r\n");
      await untilWaiting(scene, false);
    }
    expect(provider.count()).toEqual({ requests: 2, sockets: 1 });
  });
});

test("a count of tokens, which uses none", async () => {
  scene = await openCutScene();
  const { rig, url, token, provider } = scene;
  const client = new AbortController();
  const pending = fetch(`${url}/v1/messages/count_tokens`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "claude-sonnet-4-5", messages: HELLO }),
    signal: client.signal,
  }).catch(() => undefined);
  await provider.asked;
  client.abort();
  await Promise.all([pending, provider.closed]);
  while ((await rig.rows()).length === 0) await new Promise(setImmediate);
  expect(await rig.row()).toMatchObject({ status: 499, usageSource: "none", freshInputTokens: null, costNanos: null });
});
