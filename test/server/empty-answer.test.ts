// Answers with status 200 in which there is no answer: no client is told that it succeeded, and another provider is asked. One that says why it
// says nothing is an answer.

import { afterEach, describe, expect, test } from "bun:test";
import { type Rig, type Upstream, makeProviderSettings, makeRig, makeStream, readJson } from "../rig.ts";
import { GOOD_STREAM, completion } from "./failover-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const HELLO = [{ role: "user", content: "Hello there" }];
const ASKED: Record<string, (stream: boolean) => [path: string, body: object]> = {
  chat: (stream) => ["/v1/chat/completions", { model: "m", messages: HELLO, stream }],
  responses: (stream) => ["/v1/responses", { model: "m", input: "Hello there", stream }],
  messages: (stream) => ["/v1/messages", { model: "m", max_tokens: 99, messages: HELLO, stream }],
  gemini: (stream) => [
    `/v1beta/models/m:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`,
    { contents: [{ role: "user", parts: [{ text: "Hello there" }] }] },
  ],
};

const usageMetadata = { promptTokenCount: 9, totalTokenCount: 9 };
const EMPTY: Record<string, { kind: string; body: object }> = {
  "no choices": { kind: "compatible", body: { ...completion(""), choices: [] } },
  "choices that are none": { kind: "compatible", body: { ...completion(""), choices: [null] } },
  "no candidates": { kind: "gemini", body: { candidates: [], usageMetadata } },
  "nothing but a report": { kind: "gemini", body: { usageMetadata, modelVersion: "g" } },
  "a feedback that blocks nothing": { kind: "gemini", body: { promptFeedback: { safetyRatings: [] }, usageMetadata } },
};

async function open(kind: string, first: Upstream, hasSecond: boolean): Promise<Rig> {
  const at = (name: string, type: string) =>
    makeProviderSettings({ name, kind: type, baseUrl: `http://${name}.test/v1`, apiKey: "key-1234567" });
  const compatible = { formats: "chat" };
  rig = await makeRig({
    upstream: (call) => {
      if (call.method === "GET") return Response.json({ data: [] });
      if (call.url.startsWith("http://first")) return first(call);
      return (call.body as { stream?: boolean }).stream === true
        ? makeStream(GOOD_STREAM)
        : Response.json(completion("from the second"));
    },
    config: (config) => ({
      ...config,
      travel: { ...config.travel, maxAttempts: 2, backoff: { baseMs: 0, capMs: 0 } },
      providers: [
        { ...at("first", kind), options: kind === "compatible" ? compatible : {} },
        { ...at("second", "compatible"), options: compatible },
      ],
      routes: [
        {
          pattern: "m",
          targets: [{ provider: "first", model: null }, ...(hasSecond ? [{ provider: "second", model: null }] : [])],
          origin: "test",
        },
      ],
    }),
  });
  return rig;
}

/** Lets what waits for the clock go on. */
async function ask(gateway: Rig, [path, body]: [string, object]): Promise<Response> {
  let isDone = false;
  const pending = gateway.send(path, { body }).finally(() => (isDone = true));
  while (!isDone) {
    await new Promise(setImmediate);
    gateway.clock.advance(1);
  }
  return pending;
}

describe.each(Object.entries(ASKED))("%s", (_surface, asked) => {
  describe.each(Object.entries(EMPTY))("%s", (_name, { kind, body }) => {
    const chunk = `data: ${JSON.stringify(body)}\n\n${kind === "gemini" ? "" : "data: [DONE]\n\n"}`;
    const say =
      (stream: boolean): Upstream =>
      () =>
        stream ? makeStream([chunk]) : Response.json(body);

    test.each([false, true])("is no success, streamed: %p", async (stream) => {
      const gateway = await open(kind, say(stream), false);
      const response = await ask(gateway, asked(stream));
      expect([response.status, response.headers.get("x-should-retry")]).toEqual([502, "false"]);
      expect(typeof (await readJson(response)).error.message).toBe("string");
      const row = await gateway.row();
      expect(row).toMatchObject({ status: 502, errorKind: "upstream_malformed", freshInputTokens: 18 });
      expect(row.attempts.map(({ status }) => status)).toEqual([200, 200]);
    });

    test.each([false, true])("gives way to another provider, streamed: %p", async (stream) => {
      const gateway = await open(kind, say(stream), true);
      const response = await ask(gateway, asked(stream));
      expect([response.status, response.headers.get("x-tokligence-provider")]).toEqual([200, "second"]);
      expect(await response.text()).toContain("from the second");
    });
  });

  test.each([false, true])("a prompt that is blocked has its answer, streamed: %p", async (stream) => {
    const body = { promptFeedback: { blockReason: "SAFETY" }, usageMetadata };
    const first: Upstream = () => (stream ? makeStream([`data: ${JSON.stringify(body)}\n\n`]) : Response.json(body));
    const gateway = await open("gemini", first, true);
    const response = await ask(gateway, asked(stream));
    expect([response.status, response.headers.get("x-tokligence-provider")]).toEqual([200, "first"]);
    await response.text();
    expect(await gateway.row()).toMatchObject({ status: 200, errorKind: null, freshInputTokens: 9 });
  });
});

test("a model that has nothing to say has said so", async () => {
  const first: Upstream = () => Response.json(completion(""));
  const gateway = await open("compatible", first, true);
  const response = await ask(gateway, ASKED["chat"]?.(false) ?? ["", {}]);
  expect([response.status, (await readJson(response)).choices[0].message.content]).toEqual([200, ""]);
});
