// A call that lost, over a real socket: its provider is hung up on at once, whatever stage it was at, and nothing of it is left.

import type { Socket } from "bun";
import { afterEach, expect, test } from "bun:test";
import { makeClock } from "../clock.ts";
import { PLAIN_HEAD, STREAM_HEAD, piece } from "./cut-scene.ts";
import { hostOf, openRouted, sayMessage } from "./route-scene.ts";

const LIMIT_MS = 250;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A provider that says so much, and then nothing. */
function listen(says: string) {
  const asked = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<number>();
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket: Socket, bytes) {
        if (!bytes.toString().trimEnd().endsWith("}")) return;
        socket.write(says);
        asked.resolve();
      },
      close: () => closed.resolve(performance.now()),
    },
  });
  cleanups.push(() => server.stop(true));
  return { url: `http://127.0.0.1:${server.port}`, asked: asked.promise, closed: closed.promise };
}

const BEGUN = piece(
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "gpt-4o", choices: [{ index: 0, delta: { role: "assistant" }, finish_reason: null }] })}\n\n`,
);

test.each([
  ["waiting for headers", ""],
  ["in the middle of a whole answer", PLAIN_HEAD + piece('{"id":"c",')],
  ["a stream that has only begun", STREAM_HEAD + BEGUN],
])("%s", async (stage, says) => {
  const isStream = stage.includes("stream");
  const slow = listen(says);
  const clock = makeClock();
  const events = [
    [
      "message_start",
      {
        message: {
          id: "m",
          type: "message",
          role: "assistant",
          model: "claude",
          content: [],
          usage: { input_tokens: 10, output_tokens: 1 },
        },
      },
    ],
    ["content_block_start", { index: 0, content_block: { type: "text", text: "" } }],
    ["content_block_delta", { index: 0, delta: { type: "text_delta", text: "hi" } }],
    ["content_block_stop", { index: 0 }],
    ["message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } }],
    ["message_stop", {}],
  ] as const;
  const frames = events
    .map(([type, more]) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`)
    .join("");
  const rig = await openRouted({
    clock,
    maxAttempts: 2,
    routes: { smart: { targets: "openai/gpt-4o, anthropic/claude-sonnet-4-5", hedge: "400ms" } },
    upstream: ({ url, method, headers, text, signal }) => {
      if (method === "GET") return Response.json({ data: [] });
      if (hostOf(url) !== "anthropic")
        return fetch(`${slow.url}${new URL(url).pathname}`, { method, headers, body: text, signal });
      if (!isStream) return sayMessage("hi");
      return new Response(frames, { headers: { "content-type": "text/event-stream" } });
    },
  });
  cleanups.push(() => rig.close());
  const response = rig.chat({ model: "smart", stream: isStream, messages: [{ role: "user", content: "Hello there" }] });
  await slow.asked;
  const startedMs = performance.now();
  clock.advance(400);
  const got = await response;
  expect([got.status, await got.text()]).toEqual([200, expect.stringContaining("hi")]);
  expect((await slow.closed) - startedMs).toBeLessThan(LIMIT_MS);
  const row = await rig.row();
  expect(row.attempts.map(({ provider, errorKind }) => [provider, errorKind])).toEqual([
    ["openai", "cancelled"],
    ["anthropic", null],
  ]);
});
