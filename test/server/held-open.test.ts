// Streams of a format that has no last frame, which the provider leaves open behind the end of the answer: the answer is complete all the same.

import { afterEach, expect, test } from "bun:test";
import { type Rig, makeProviderSettings, makeRig } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

/** A provider that says what the test tells it, and never ends by itself. */
async function open() {
  let control: ReadableStreamDefaultController | null = null;
  let isLeft = false;
  const settings = { name: "google", kind: "gemini", baseUrl: "http://google.test", apiKey: "AIza-test" } as const;
  const gateway = await makeRig({
    upstream({ method, signal }) {
      if (method !== "POST") return Response.json({});
      signal.addEventListener("abort", () => {
        isLeft = true;
        control?.error(new Error("aborted"));
      });
      const body = new ReadableStream({
        start(controller) {
          control = controller;
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    },
    config: (config) => ({ ...config, providers: [...config.providers, makeProviderSettings(settings)] }),
  });
  rig = gateway;
  return {
    gateway,
    say: (piece: object) => control?.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(piece)}\r\n\r\n`)),
    isLeft: () => isLeft,
  };
}

const MODEL = "google/gemini-3-pro-preview";
const HEAD = { responseId: "r", modelVersion: "gemini-3-pro-preview" };
const USAGE = { promptTokenCount: 5, candidatesTokenCount: 3, totalTokenCount: 8 };
const say = (text: string, finishReason?: string): object => ({
  candidates: [{ content: { role: "model", parts: [{ text }] }, index: 0, ...(finishReason && { finishReason }) }],
  ...HEAD,
});
const CONTENTS = { contents: [{ role: "user", parts: [{ text: "Hi" }] }] };
const MESSAGES = { model: MODEL, stream: true, messages: [{ role: "user", content: "Hi" }] };

const ASKED: [path: string, body: object, end: string][] = [
  [`/v1beta/models/${MODEL}:streamGenerateContent?alt=sse`, CONTENTS, '"finishReason":"STOP"'],
  [`/v1beta/models/${MODEL}:streamGenerateContent`, CONTENTS, '"finishReason":"STOP"'],
  ["/v1/chat/completions", MESSAGES, "[DONE]"],
  ["/v1/messages", { ...MESSAGES, max_tokens: 9 }, "message_stop"],
  ["/v1/responses", { model: MODEL, stream: true, input: "Hi" }, "response.completed"],
];

/** As rigs have it. */
const IDLE_MS = 30_000;

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 30; turn++) await new Promise(setImmediate);
};

/** What is there so far, and whether that is all. */
function follow(response: Response) {
  const seen = { text: "", isOver: false };
  void (async () => {
    for await (const piece of response.body ?? []) seen.text += new TextDecoder().decode(piece);
    seen.isOver = true;
  })();
  return seen;
}

test.each(ASKED)(
  "%s: it ends once it has been silent for a moment, with the usage behind it",
  async (path, body, end) => {
    const { gateway, say: tell, isLeft } = await open();
    const asking = gateway.send(path, { body });
    await turns();
    tell(say("one"));
    const seen = follow(await asking);
    tell(say(" two", "STOP"));
    await turns();
    gateway.clock.advance(4_000);
    tell({ usageMetadata: USAGE, ...HEAD });
    await turns();
    gateway.clock.advance(4_000);
    await turns();
    expect([seen.isOver, isLeft()]).toEqual([false, false]);
    gateway.clock.advance(1_000);
    await turns();
    expect([seen.isOver, isLeft()]).toEqual([true, true]);
    expect(seen.text).toContain(" two");
    expect(seen.text).toContain(end);
    expect(seen.text).not.toContain('"error":{');
    expect(await gateway.row()).toMatchObject({
      status: 200,
      errorKind: null,
      usageSource: "provider",
      freshInputTokens: 5,
      outputTokens: 3,
    });
  },
);

test("one that says the reason with each piece is not held to a moment between them", async () => {
  const { gateway, say: tell } = await open();
  const asking = gateway.send("/v1/chat/completions", { body: MESSAGES });
  await turns();
  tell(say("one", "STOP"));
  const seen = follow(await asking);
  tell(say(" two", "STOP"));
  await turns();
  gateway.clock.advance(20_000);
  await turns();
  expect(seen.isOver).toBeFalse();
  tell({ ...say(" three", "STOP"), usageMetadata: USAGE });
  await turns();
  expect(seen.text).toContain(" three");
  // Where nothing comes for as long as anything is waited for, that was the end.
  gateway.clock.advance(IDLE_MS);
  await turns();
  expect(seen.isOver).toBeTrue();
  expect(seen.text).toContain("[DONE]");
  expect(await gateway.row()).toMatchObject({ status: 200, errorKind: null, outputTokens: 3 });
});

test("one that falls silent before its end is cut, as before", async () => {
  const { gateway, say: tell } = await open();
  const asking = gateway.send("/v1/chat/completions", { body: MESSAGES });
  await turns();
  tell(say("one"));
  const seen = follow(await asking);
  await turns();
  gateway.clock.advance(5_000);
  await turns();
  expect(seen.isOver).toBeFalse();
  gateway.clock.advance(IDLE_MS);
  await turns();
  expect(seen.text).toContain("sent nothing for");
  expect(await gateway.row()).toMatchObject({ status: 200, errorKind: "timeout" });
});
