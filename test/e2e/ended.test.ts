// Two executables on one PostgreSQL database: what one of them does to a user ends what he has under way at the other within a second, streams,
// requests that wait, and sessions over sockets.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { type Served, issueKey, serve, waitUntil } from "./binary.ts";

/** The promise, and what the measuring itself takes on a machine with other things to do. */
const LIMIT_MS = 1_000 + 500;
const DELTA = {
  id: "c",
  object: "chat.completion.chunk",
  model: "m",
  choices: [{ index: 0, delta: { content: "a " } }],
};
const HELLO = [{ role: "user", content: "Tell me a story." }];

function startProvider() {
  const open = new Set<AbortSignal>();
  const server = Bun.serve<unknown>({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request, own): Promise<Response | undefined> {
      if (request.headers.get("upgrade") === "websocket") {
        return own.upgrade(request, { data: {} }) ? undefined : new Response("no", { status: 400 });
      }
      if (request.method === "GET") return Response.json({ object: "list", data: [] });
      open.add(request.signal);
      const gone = new Promise<void>((resolve) =>
        request.signal.addEventListener("abort", () => {
          open.delete(request.signal);
          resolve();
        }),
      );
      if (((await request.json()) as { stream?: boolean }).stream === true) {
        async function* say(): AsyncGenerator<string> {
          yield `data: ${JSON.stringify(DELTA)}\n\n`;
          await gone;
        }
        return new Response(say(), { headers: { "content-type": "text/event-stream" } });
      }
      await gone;
      return Response.json({});
    },
    websocket: { open: (socket) => void socket.send(JSON.stringify({ type: "session.created" })), message() {} },
  });
  return { url: `http://127.0.0.1:${server.port}/v1`, open, stop: () => server.stop(true) };
}

describe.skipIf(!hasPostgres)("what is under way at one gateway ends by what is done at another:", () => {
  let provider: ReturnType<typeof startProvider>;
  let here: Served;
  let there: Served;
  beforeAll(async () => {
    provider = startProvider();
    const settings = `identity_path = ${await createDatabase()}\n\n[provider.openai]\nbase_url = ${provider.url}\napi_key = sk-test\n`;
    [here, there] = [await serve({ config: settings }), await serve({ config: settings })];
  });
  afterAll(async () => {
    await Promise.all([here.stop(), there.stop()]);
    await provider.stop();
  });

  /** All three, by a new key; each tells when it ended, and how. */
  async function begin() {
    const { token, email, keyId } = await issueKey(here);
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const ask = async (body: object): Promise<{ status: number; text: string; atMs: number }> => {
      const sent = { method: "POST", headers, body: JSON.stringify({ model: "gpt-4o", messages: HELLO, ...body }) };
      const response = await fetch(`${here.url}/v1/chat/completions`, sent);
      const text = await response.text();
      return { status: response.status, text, atMs: performance.now() };
    };
    const socket = new WebSocket(`${here.url.replace("http", "ws")}/v1/realtime?model=gpt-realtime`, {
      headers,
    } as never);
    const opened = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<{ code: number; atMs: number }>();
    socket.addEventListener("message", () => opened.resolve());
    socket.addEventListener("close", ({ code }) => closed.resolve({ code, atMs: performance.now() }));
    const [stream, plain] = [ask({ stream: true }), ask({})];
    await opened.promise;
    await waitUntil(() => provider.open.size === 2, "both requests to be on their way");
    return { email, keyId, stream, plain, socket: closed.promise };
  }

  test.each([
    ["a user who is suspended", 403, "The owner of this API key is suspended"],
    ["a key that is revoked", 401, "This API key was revoked"],
  ])("%s", async (what, status, says) => {
    const { email, keyId, stream, plain, socket } = await begin();
    const admin = await issueKey(there, "root_admin");
    const isUser = what.startsWith("a user");
    const path = isUser ? `users/${email}` : `api-keys/${keyId}/revoke`;
    const done = await fetch(`${there.url}/api/v1/admin/${path}`, {
      method: isUser ? "PATCH" : "POST",
      headers: { authorization: `Bearer ${admin.token}`, "content-type": "application/json" },
      body: JSON.stringify(isUser ? { status: "suspended" } : {}),
    });
    expect(done.status).toBe(200);
    const atMs = performance.now();
    const ends = await Promise.all([stream, plain, socket]);
    for (const end of ends) expect(end.atMs - atMs).toBeLessThan(LIMIT_MS);
    const [streamed, waited, session] = ends;
    expect(streamed).toMatchObject({ status: 200, text: expect.stringMatching(new RegExp(`error.*${says}`, "u")) });
    expect(waited).toMatchObject({ status, text: expect.stringContaining(says) });
    expect(session.code).toBe(1008);
    await waitUntil(() => provider.open.size === 0, "the provider to be hung up on");
  });
});
