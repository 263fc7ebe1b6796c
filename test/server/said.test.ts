// Output that no canonical event stands for: it goes to the client as it comes, and whoever has begun to say it is not left for another. And how
// long a stream's opening took, as the answer tells it.

import { afterEach, expect, test } from "bun:test";
import { type Rig, makeProviderSettings, makeRig } from "../rig.ts";
import { START, chunk } from "./failover-scene.ts";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

const HELLO = [{ role: "user", content: "Hello there" }];
const event = (type: string, more: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;

interface Scene {
  gateway: Rig;
  say(text: string): void;
  fail(): void;
}

/** A provider that says what the test has it say, and `two`, which fails. */
async function open(kind: string): Promise<Scene> {
  let control: ReadableStreamDefaultController | null = null;
  const body = new ReadableStream({
    start(controller) {
      control = controller;
    },
  });
  const at = (name: string) =>
    makeProviderSettings({ name, kind, baseUrl: `http://${name}.test/v1`, apiKey: `sk-canary-${name}` });
  const options = kind === "compatible" ? { formats: "chat, responses, messages" } : {};
  rig = await makeRig({
    upstream: ({ method, url }) => {
      if (method === "GET") return Response.json({ data: [] });
      if (url.startsWith("http://two")) return new Response("no", { status: 500 });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    },
    config: (config) => ({
      ...config,
      travel: { ...config.travel, maxAttempts: 2 },
      timeouts: { ...config.timeouts, keepAliveMs: 0 },
      providers: [
        { ...at("one"), options },
        { ...at("two"), options },
      ],
      routes: [
        {
          pattern: "m",
          targets: [
            { provider: "one", model: null },
            { provider: "two", model: null },
          ],
          origin: "test",
        },
      ],
    }),
  });
  return {
    gateway: rig,
    say: (text) => control?.enqueue(new TextEncoder().encode(text)),
    fail: () => control?.error(new Error("reset")),
  };
}

const CHAT = ["/v1/chat/completions", { model: "m", messages: HELLO, stream: true }] as const;
const MESSAGES = ["/v1/messages", { model: "m", max_tokens: 9, messages: HELLO, stream: true }] as const;
const RESPONSES = ["/v1/responses", { model: "m", input: "Hello there", stream: true, store: false }] as const;
const GEMINI = [
  "/v1beta/models/m:streamGenerateContent?alt=sse",
  { contents: [{ role: "user", parts: [{ text: "Hello there" }] }] },
] as const;

const candidate = (part: object): string =>
  `data: ${JSON.stringify({ candidates: [{ content: { role: "model", parts: [part] }, index: 0 }] })}\n\n`;
const block = (content_block: object): string => event("content_block_start", { index: 0, content_block });
const item = (type: string): string =>
  event("response.output_item.added", { output_index: 0, item: { id: "i1", type } });
const CREATED = event("response.created", { response: { id: "r1", model: "m", status: "in_progress", output: [] } });
const BEGUN = event("message_start", { message: { id: "m1", role: "assistant", model: "m", content: [] } });

test.each([
  ["sound", "compatible", CHAT, START, chunk({ delta: { audio: { id: "a1", transcript: "Hi" } } })],
  [
    "a server's tool",
    "compatible",
    MESSAGES,
    BEGUN,
    block({ type: "server_tool_use", id: "t1", name: "web_search", input: {} }),
  ],
  ["sealed thinking", "compatible", MESSAGES, BEGUN, block({ type: "redacted_thinking", data: "c2VhbGVk" })],
  ["a search", "compatible", RESPONSES, CREATED, item("web_search_call")],
  ["a picture that is made", "compatible", RESPONSES, CREATED, item("image_generation_call")],
  [
    "code that is run",
    "gemini",
    GEMINI,
    candidate({ text: "" }),
    candidate({ executable_code: { language: "PYTHON", code: "1" } }),
  ],
])("%s is not held back, and nobody else is asked for it", async (_name, kind, [path, body], begin, output) => {
  const { gateway, say, fail } = await open(kind);
  const pending = gateway.send(path, { body });
  while (gateway.calls.length === 0) await new Promise(setImmediate);
  say(begin);
  say(output);
  // Else this would wait for the end of the stream.
  const response = await pending;
  fail();
  const text = await response.text();
  expect(response.status).toBe(200);
  expect(text).toContain(output.slice(output.indexOf("data: "), -2));
  expect((await gateway.row()).attempts).toHaveLength(1);
});

test.each([
  ["an item of a message", RESPONSES, CREATED + item("message")],
  ["an item of reasoning", RESPONSES, CREATED + item("reasoning")],
  ["an empty text", MESSAGES, BEGUN + block({ type: "text", text: "" })],
])("%s only begins an answer, which another may give", async (_name, [path, body], begin) => {
  const { gateway, say, fail } = await open("compatible");
  const pending = gateway.send(path, { body });
  while (gateway.calls.length === 0) await new Promise(setImmediate);
  say(begin);
  fail();
  expect((await pending).status).toBe(500);
  expect((await gateway.row()).attempts).toHaveLength(2);
});

test("the time until the first output is the provider's, not the gateway's", async () => {
  const { gateway, say, fail } = await open("compatible");
  const pending = gateway.send(CHAT[0], { body: CHAT[1] });
  while (gateway.calls.length === 0) await new Promise(setImmediate);
  say(START);
  for (let round = 0; round < 20; round++) await new Promise(setImmediate);
  gateway.clock.advance(4_000);
  say(chunk({ delta: { content: "Hi" } }));
  const { headers } = await pending;
  fail();
  expect(Number(headers.get("x-tokligence-overhead-ms"))).toBeLessThan(1_000);
  expect(headers.get("server-timing")).toMatch(/^upstream;dur=4\d{3}\.\d, /u);
});
