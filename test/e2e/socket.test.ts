// A realtime session through the executable: both ends real, its row readable by its owner, and a shutdown that waits for nobody idle.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Served, issueKey, serve, waitUntil } from "./binary.ts";

const USAGE = { total_tokens: 30, input_tokens: 20, output_tokens: 10 };

const provider = Bun.serve<unknown>({
  port: 0,
  hostname: "127.0.0.1",
  fetch(request, server) {
    if (server.upgrade(request, { data: {} })) return undefined;
    return Response.json({ object: "list", data: [] });
  },
  websocket: {
    open: (socket) => void socket.send('{"type":"session.created"}'),
    message(socket) {
      socket.send('{"type":"response.created","response":{"id":"r"}}');
      socket.send(JSON.stringify({ type: "response.done", response: { id: "r", usage: USAGE } }));
    },
  },
});

let gateway: Served;
let token = "";
beforeAll(async () => {
  gateway = await serve({
    env: { OPENAI_API_KEY: "sk-test-openai-key", OPENAI_BASE_URL: `http://127.0.0.1:${provider.port}/v1` },
  });
  token = (await issueKey(gateway)).token;
});
afterAll(async () => {
  await gateway.stop();
  await provider.stop(true);
});

test("is carried, booked, and ended by a shutdown", async () => {
  const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/v1/realtime?model=gpt-realtime`, [
    "realtime",
    `openai-insecure-api-key.${token}`,
  ]);
  const told: string[] = [];
  let code = 0;
  socket.addEventListener("message", ({ data }) => told.push(JSON.parse(data).type));
  socket.addEventListener("close", (event) => (code = event.code));
  await waitUntil(() => told.length === 1, "the session to be made");
  socket.send('{"type":"response.create"}');
  await waitUntil(() => told.length === 3, "the answer");
  expect(told).toEqual(["session.created", "response.created", "response.done"]);
  const headers = { authorization: `Bearer ${token}` };
  const logs = await fetch(`${gateway.url}/api/v1/usage/logs?endpoint=realtime`, { headers });
  const { entries } = (await logs.json()) as { entries: Record<string, unknown>[] };
  expect(entries).toMatchObject([{ fresh_input_tokens: 20, output_tokens: 10, status: 200, model: "gpt-realtime" }]);
  gateway.signal("SIGTERM");
  await waitUntil(() => code !== 0, "the session to end");
  expect([code, await gateway.exited]).toEqual([1001, 0]);
});
