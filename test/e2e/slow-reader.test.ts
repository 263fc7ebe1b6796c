// The executable before clients that read nothing of what they asked for: its memory hardly grows, and the provider is held back instead.

import { afterAll, expect, test } from "bun:test";
import { type Served, issueKey, serve, waitUntil } from "./binary.ts";

const CLIENTS = 12;
const WARM_UP_ROUNDS = 2;
const ROUNDS = 2;
const OFFERED_BYTES = 256 * 2 ** 20;
const MOST_BYTES_EACH = 10 * 2 ** 20;
/** What the system's own buffers hold on both ways, and no more than a little of ours. */
const MOST_TAKEN_EACH = 32 * 2 ** 20;

const FILLING = "x".repeat(16 * 1024);
const FRAME = `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta: { content: FILLING }, finish_reason: null }] })}\n\n`;

let takenBytes = 0;
let takenMs = 0;

/** As much as anybody takes, of events or of bytes. */
const provider = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  async fetch(request) {
    await request.text();
    if (request.method === "GET" && request.url.endsWith("/models")) return Response.json({ data: [] });
    const isPlain = request.url.includes("plain");
    const piece = new TextEncoder().encode(isPlain ? FILLING : FRAME);
    let left = OFFERED_BYTES;
    const body = new ReadableStream({
      pull(controller) {
        left -= piece.byteLength;
        takenBytes += piece.byteLength;
        takenMs = performance.now();
        controller.enqueue(piece);
        if (left <= 0) controller.close();
      },
    });
    return new Response(body, { headers: { "content-type": isPlain ? "text/plain" : "text/event-stream" } });
  },
});
afterAll(() => provider.stop(true));

const MESSAGES = [{ role: "user", content: "Hi" }];

test.each([
  ["forwarded events", "/v1/chat/completions", { model: "p/m", stream: true, messages: MESSAGES }],
  ["translated events", "/v1/messages", { model: "p/m", max_tokens: 9, stream: true, messages: MESSAGES }],
  ["events in responses", "/v1/responses", { model: "p/m", stream: true, input: "Hi" }],
  ["one array that grows", "/v1beta/models/p/m:streamGenerateContent", { contents: [{ parts: [{ text: "Hi" }] }] }],
  ["events that are only forwarded", "/v1/completions", { model: "p/m", stream: true, prompt: "Hi" }],
  ["bytes that pass through", "/passthrough/p/v1/plain", { any: "thing" }],
])(
  "%s",
  async (_what, path, body) => {
    const gateway = await serve({
      config: `[provider.p]\ntype = openai\napi_key = k\nbase_url = http://127.0.0.1:${provider.port}/v1\n`,
    });
    const { token } = await issueKey(gateway, "root_admin");
    const openAll = async (): Promise<Silent[]> => {
      takenBytes = 0;
      const opened = Array.from({ length: CLIENTS }, () => openSilent(gateway, path, { token, body }));
      const sockets = await Promise.all(opened);
      await standsStill();
      return sockets;
    };
    // What the first ones leave behind for the collector is not what those cost that are there.
    for (let round = 0; round < WARM_UP_ROUNDS; round++) for (const socket of await openAll()) socket.terminate();
    const grown: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const before = readMemory(gateway);
      const sockets = await openAll();
      grown.push((readMemory(gateway) - before) / CLIENTS);
      expect(takenBytes / CLIENTS).toBeLessThan(MOST_TAKEN_EACH);
      for (const socket of sockets) socket.terminate();
    }
    // When the collector comes by is chance; what is held would be there each time.
    expect(Math.min(...grown)).toBeLessThan(MOST_BYTES_EACH);
    await gateway.stop();
  },
  60_000,
);

type Silent = Awaited<ReturnType<typeof openSilent>>;

/** Asks, and reads nothing. */
async function openSilent({ url }: Served, path: string, { token, body }: { token: string; body: object }) {
  const { hostname, port } = new URL(url);
  const text = JSON.stringify(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: ${hostname}:${port}`,
    `authorization: Bearer ${token}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(text)}`,
  ];
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: { open: (opened) => opened.pause(), data: () => undefined },
  });
  socket.write(`${head.join("\r\n")}\r\n\r\n${text}`);
  return socket;
}

/** Nothing more is taken from the provider. */
async function standsStill(): Promise<void> {
  await waitUntil(() => takenBytes > 0 && performance.now() - takenMs > 1_000, "the provider to be held back");
}

function readMemory(gateway: Served): number {
  return Number(Bun.spawnSync(["ps", "-o", "rss=", "-p", String(gateway.pid)]).stdout.toString()) * 1024;
}
