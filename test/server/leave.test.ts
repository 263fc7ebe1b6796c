// A client that leaves, at every stage and on every surface, over real sockets: nothing is asked of a provider for it any more, what was asked is
// called off at once, its place is free, and its row says so, once.

import { afterEach, describe, expect, test } from "bun:test";
import { isDue } from "../clock.ts";
import { OPENAI_KEY, type Rig, makeProviderSettings, makeRig } from "../rig.ts";
import { type FaultyUpstream, type Step, head, openFaulty, piece, whole } from "../upstream/faulty.ts";
import { START, chunk } from "./failover-scene.ts";

const LIMIT_MS = 250;
/** How long it may wait for its turn. */
const QUEUE_MS = 7_000;

const MESSAGES = [{ role: "user", content: "Hello there" }];
const PARTS = { contents: [{ role: "user", parts: [{ text: "Hello there" }] }] };

interface Surface {
  path: string;
  body: object;
  /** Whether another try may follow a first that failed. */
  retries: boolean;
}

const SURFACES: Record<string, Surface> = {
  chat: { path: "/v1/chat/completions", body: { model: "m", messages: MESSAGES }, retries: true },
  "chat, streamed": {
    path: "/v1/chat/completions",
    body: { model: "m", messages: MESSAGES, stream: true },
    retries: true,
  },
  completions: { path: "/v1/completions", body: { model: "m", prompt: "Hello there" }, retries: true },
  embeddings: { path: "/v1/embeddings", body: { model: "m", input: "Hello there" }, retries: true },
  gemini: { path: "/v1beta/models/m:generateContent", body: PARTS, retries: true },
  "gemini, as an array": { path: "/v1beta/models/m:streamGenerateContent", body: PARTS, retries: true },
  messages: { path: "/v1/messages", body: { model: "m", max_tokens: 9, messages: MESSAGES }, retries: true },
  "messages, streamed": {
    path: "/v1/messages",
    body: { model: "m", max_tokens: 9, messages: MESSAGES, stream: true },
    retries: true,
  },
  moderations: { path: "/v1/moderations", body: { model: "m", input: "Hello there" }, retries: true },
  passthrough: { path: "/passthrough/p/v1/anything", body: { any: "thing" }, retries: false },
  responses: { path: "/v1/responses", body: { model: "m", input: "Hello there" }, retries: true },
  "responses, streamed": {
    path: "/v1/responses",
    body: { model: "m", input: "Hello there", stream: true },
    retries: true,
  },
};

interface Scene {
  rig: Rig;
  provider: FaultyUpstream;
  /** Sends it, and leaves once `ready` says so; resolves with how long it took until `gone`. */
  leave(surface: Surface, ready: () => boolean, gone: () => boolean): Promise<number>;
}

let close: (() => Promise<void>) | null = null;
afterEach(async () => {
  await close?.();
  close = null;
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

async function open(steps: readonly Step[], atOnce = 0): Promise<Scene> {
  const provider = openFaulty([steps]);
  const rig = await makeRig({
    upstream: ({ url, method, headers, text, signal }) => {
      if (method === "GET") return Response.json({ data: [] });
      return fetch(url, { method, headers, body: text, signal, keepalive: false });
    },
    config: (config) => ({
      ...config,
      travel: { ...config.travel, maxAttempts: 2 },
      caps: { ...config.caps, perProvider: atOnce, queueMs: QUEUE_MS },
      providers: [
        makeProviderSettings({
          name: "p",
          kind: "openai",
          baseUrl: `http://127.0.0.1:${provider.port}/v1`,
          apiKey: OPENAI_KEY,
          needsApiKey: true,
        }),
      ],
      routes: [{ pattern: "m", targets: [{ provider: "p", model: null }], origin: "test" }],
    }),
  });
  const gateway = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 60,
    fetch: (request, server) => rig.app.fetch(request, server as never),
  });
  const { token } = await rig.issue("root_admin");
  close = async () => {
    await gateway.stop(true);
    provider.stop();
    await rig.close();
  };
  return {
    rig,
    provider,
    async leave({ path, body }, ready, gone) {
      const client = new AbortController();
      const pending = fetch(`http://127.0.0.1:${gateway.port}${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: client.signal,
      }).catch(() => null);
      await until(ready);
      // Whatever was to be said has gone through to the gateway.
      for (let round = 0; round < 20; round++) await new Promise(setImmediate);
      const leftMs = performance.now();
      client.abort();
      await until(gone);
      const tookMs = performance.now() - leftMs;
      await pending;
      return tookMs;
    },
  };
}

async function expectRow(rig: Rig, attempts: number): Promise<void> {
  while ((await rig.rows()).length === 0) await new Promise(setImmediate);
  const row = await rig.row();
  expect(row).toMatchObject({ status: 499, errorKind: "cancelled" });
  expect(row.attempts).toHaveLength(attempts);
}

describe.each(Object.entries(SURFACES))("%s", (_name, surface) => {
  test("while it waits for its turn", async () => {
    const { rig, provider, leave } = await open(["stall"], 1);
    // Whoever has the only place.
    const other = new AbortController();
    const first = rig.send("/v1/chat/completions", { body: { model: "m", messages: MESSAGES }, signal: other.signal });
    await until(() => provider.asked() === 1);
    const isWritten = watchRows(rig);
    const tookMs = await leave(surface, () => isDue(rig.clock, QUEUE_MS), isWritten);
    expect(tookMs).toBeLessThan(LIMIT_MS);
    expect(provider.asked()).toBe(1);
    await expectRow(rig, 0);
    other.abort();
    await first;
  });

  test("while it waits for headers", async () => {
    const { rig, provider, leave } = await open(["stall"]);
    const tookMs = await leave(
      surface,
      () => provider.asked() === 1,
      () => provider.hungUp() === 1,
    );
    expect(tookMs).toBeLessThan(LIMIT_MS);
    await expectRow(rig, 1);
  });

  test("in the middle of an answer", async () => {
    const half =
      head("200 OK", { "content-type": "application/json", "transfer-encoding": "chunked" }) + piece('{"a":');
    const { rig, provider, leave } = await open([half, "stall"]);
    const tookMs = await leave(
      surface,
      () => provider.asked() === 1,
      () => provider.hungUp() === 1,
    );
    expect(tookMs).toBeLessThan(LIMIT_MS);
    await expectRow(rig, 1);
  });
});

const RETRIED = Object.entries(SURFACES).filter(([, { retries }]) => retries);

test.each(RETRIED)("%s, while it waits for another try", async (_name, surface) => {
  const busy = whole("503 Busy", "application/json", '{"error":{"message":"busy"}}', { "retry-after": "47" });
  const { rig, provider, leave } = await open(busy);
  // A time that nothing else of the gateway waits for.
  const tookMs = await leave(surface, () => isDue(rig.clock, 47_000), watchRows(rig));
  expect(tookMs).toBeLessThan(LIMIT_MS);
  expect(provider.asked()).toBe(1);
  await expectRow(rig, 1);
});

const STREAMED = Object.entries(SURFACES).filter(([name]) => name.includes(","));
const STREAM_HEAD = head("200 OK", { "content-type": "text/event-stream", "transfer-encoding": "chunked" });

test.each(STREAMED)("%s, before the first output of the stream", async (_name, surface) => {
  const { rig, provider, leave } = await open([STREAM_HEAD + piece(START), "stall"]);
  const tookMs = await leave(
    surface,
    () => provider.asked() === 1,
    () => provider.hungUp() === 1,
  );
  expect(tookMs).toBeLessThan(LIMIT_MS);
  await expectRow(rig, 1);
});

test.each(STREAMED)("%s, in the middle of the stream", async (_name, surface) => {
  const said = piece(START) + piece(chunk({ delta: { content: "so far" } }));
  const { rig, provider, leave } = await open([STREAM_HEAD + said, "stall"]);
  const tookMs = await leave(
    surface,
    () => provider.asked() === 1,
    () => provider.hungUp() === 1,
  );
  expect(tookMs).toBeLessThan(LIMIT_MS);
  await expectRow(rig, 1);
});

/** Whether a row is there: asked for anew each time that the last answer has come. */
function watchRows(rig: Rig): () => boolean {
  let isThere = false;
  let isAsking = false;
  return () => {
    if (isAsking || isThere) return isThere;
    isAsking = true;
    void rig.rows().then((rows) => {
      isThere = rows.length > 0;
      isAsking = false;
    });
    return false;
  };
}
