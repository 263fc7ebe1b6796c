// A client that leaves in the middle of its upload, over real sockets: whatever the provider does meanwhile, its call is ended at once, and the row says so.

import { afterEach, describe, expect, test } from "bun:test";
import type { Socket } from "bun";
import { OPENAI_KEY, type Rig, makeProviderSettings, makeRig } from "../rig.ts";

const LIMIT_MS = 250;

const part = (name: string, value: string): string =>
  `--edge\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const file = (name: string): string =>
  `--edge\r\nContent-Disposition: form-data; name="${name}"; filename="a.bin"\r\n\r\n`;

const FORM = "multipart/form-data; boundary=edge";
/** What is sent of a body before its bulk, by the addresses that take uploads. */
const UPLOADS: Record<string, { path: string; type: string; start: string }> = {
  "a clip to be written down": {
    path: "/v1/audio/transcriptions",
    type: FORM,
    start: part("model", "m") + file("file"),
  },
  "a picture to be changed": { path: "/v1/images/edits", type: FORM, start: part("model", "m") + file("image") },
  "a file to be kept": { path: "/v1/files", type: FORM, start: part("purpose", "batch") + file("file") },
  "anything else": { path: "/passthrough/p/v1/anything", type: "application/octet-stream", start: "" },
};

/** In order, or without a word. */
const WAYS: Record<string, (socket: Socket<ClientState>) => void> = {
  "closes the connection": (socket) => void socket.end(),
  "breaks the connection": (socket) => socket.terminate(),
};

interface Provider {
  port: number;
  asked: number;
  bytes: number;
  hungUp: number;
  /** Reads what it has not read yet. */
  listen(): void;
  stop(): void;
}

interface ClientState {
  left: Buffer;
}

let close: (() => Promise<void>) | null = null;
afterEach(async () => {
  await close?.();
  close = null;
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

/** Takes requests and never answers; where it is deaf, it reads nothing of them. */
function openProvider(isDeaf: boolean): Provider {
  const sockets = new Set<Socket<undefined>>();
  const listener = Bun.listen<undefined>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        provider.asked++;
        sockets.add(socket);
        if (isDeaf) socket.pause();
      },
      data(_socket, bytes) {
        provider.bytes += bytes.byteLength;
      },
      close(socket) {
        sockets.delete(socket);
        provider.hungUp++;
      },
      error: () => undefined,
    },
  });
  const provider: Provider = {
    port: listener.port,
    asked: 0,
    bytes: 0,
    hungUp: 0,
    listen: () => sockets.forEach((socket) => socket.resume()),
    stop: () => listener.stop(true),
  };
  return provider;
}

interface Scene {
  rig: Rig;
  provider: Provider;
  /** Begins an upload, of which more is to come than is ever sent. */
  begin(upload: { path: string; type: string }, body: string | Buffer): Promise<Socket<ClientState>>;
}

async function open(isDeaf = false): Promise<Scene> {
  const provider = openProvider(isDeaf);
  const rig = await makeRig({
    fetch: async (url, init) => {
      if (init.method === "GET") return Response.json({ data: [] });
      return fetch(url, init as RequestInit);
    },
    config: (config) => ({
      ...config,
      http: { ...config.http, maxBodyBytes: 2 ** 30 },
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
    maxRequestBodySize: 2 ** 30,
    fetch: (request, server) => rig.app.fetch(request, server as never),
  });
  const { token } = await rig.issue("root_admin");
  close = async () => {
    provider.stop();
    await gateway.stop(true);
    await rig.close();
  };
  return {
    rig,
    provider,
    begin({ path, type }, body) {
      const lines = [
        `POST ${path} HTTP/1.1`,
        "host: gateway",
        `authorization: Bearer ${token}`,
        `content-type: ${type}`,
        `content-length: ${2 ** 29}`,
      ];
      const left = Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), Buffer.from(body)]);
      const write = (socket: Socket<ClientState>): void => {
        socket.data.left = socket.data.left.subarray(Math.max(0, socket.write(socket.data.left)));
      };
      return Bun.connect<ClientState>({
        hostname: "127.0.0.1",
        port: gateway.port ?? 0,
        data: { left },
        socket: { open: write, drain: write, data: () => undefined, error: () => undefined },
      });
    },
  };
}

/** Until nothing of it gets any further. */
async function untilStuck(measure: () => number): Promise<void> {
  for (let [rounds, last] = [0, -1]; rounds < 300; rounds++) {
    await new Promise(setImmediate);
    if (measure() !== last) rounds = 0;
    last = measure();
  }
}

/** How long it took from the leaving to the row. */
async function expectRow(rig: Rig, leave: () => void, attempts: number): Promise<void> {
  const leftMs = performance.now();
  leave();
  while ((await rig.rows()).length === 0) await new Promise(setImmediate);
  expect(performance.now() - leftMs).toBeLessThan(LIMIT_MS);
  const row = await rig.row();
  expect(row).toMatchObject({ status: 499, errorKind: "cancelled" });
  expect(row.attempts).toHaveLength(attempts);
  expect(rig.ledger.figures().openIntents).toBe(0);
}

describe.each(Object.entries(WAYS))("a client that %s", (_way, leave) => {
  test.each(Object.entries(UPLOADS))("in the middle of %s", async (_what, upload) => {
    const { rig, provider, begin } = await open();
    const client = await begin(upload, upload.start + "x".repeat(100_000));
    await until(() => provider.bytes > 90_000);
    await untilStuck(() => provider.bytes);
    await expectRow(rig, () => leave(client), 1);
    await until(() => provider.hungUp === 1);
  });

  test.each(Object.entries(UPLOADS))("in %s, of which the provider reads nothing", async (_what, upload) => {
    const { rig, provider, begin } = await open(true);
    const bulk = Buffer.alloc(8 * 1024 * 1024, "x");
    const client = await begin(upload, Buffer.concat([Buffer.from(upload.start), bulk]));
    // All of it is on its way, as the gateway goes on listening.
    await until(() => provider.asked === 1 && client.data.left.length === 0);
    await untilStuck(() => client.data.left.length);
    await expectRow(rig, () => leave(client), 1);
    provider.listen();
    await until(() => provider.hungUp === 1);
  });

  test("before its form has named a model", async () => {
    const { rig, provider, begin } = await open();
    const upload = { path: "/v1/audio/transcriptions", type: FORM };
    const client = await begin(upload, file("file") + "x".repeat(100_000));
    await untilStuck(() => client.data.left.length);
    await expectRow(rig, () => leave(client), 0);
    expect(provider.asked).toBe(0);
  });

  test("in the middle of its JSON", async () => {
    const { rig, provider, begin } = await open();
    const upload = { path: "/v1/completions", type: "application/json" };
    const client = await begin(upload, '{"model":"m","prompt":"Hello');
    await untilStuck(() => client.data.left.length);
    await expectRow(rig, () => leave(client), 0);
    expect(provider.asked).toBe(0);
  });
});

describe("a body that says nothing of its client's end", () => {
  /** As runtimes have them that read no further than they are asked to. */
  const never = (start: string): ReadableStream =>
    new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from(start)) });

  test.each(Object.entries(UPLOADS))("%s", async (_what, { path, type, start }) => {
    const rig = await makeRig({
      fetch: (_url, { body, signal }) =>
        new Promise((_resolve, reject) => {
          void new Response(body ?? null).bytes().catch(() => undefined);
          signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
        }),
      config: (config) => ({
        ...config,
        routes: [{ pattern: "m", targets: [{ provider: "openai", model: null }], origin: "test" }],
      }),
    });
    close = rig.close;
    const client = new AbortController();
    const headers = { "content-type": type, "x-tokligence-provider": "openai" };
    const { token } = await rig.issue("root_admin");
    const at = path.replace("/p/", "/openai/");
    const pending = rig.send(at, { method: "POST", body: never(start), headers, token, signal: client.signal });
    pending.catch(() => undefined);
    for (let round = 0; round < 30; round++) await new Promise(setImmediate);
    await expectRow(rig, () => client.abort(), 1);
    expect((await pending).status).toBe(499);
  });

  test("before its form has named a model", async () => {
    const rig = await makeRig({});
    close = rig.close;
    const client = new AbortController();
    const headers = { "content-type": FORM };
    const body = never(file("file"));
    const pending = rig.send("/v1/audio/transcriptions", { body, headers, signal: client.signal });
    for (let round = 0; round < 30; round++) await new Promise(setImmediate);
    await expectRow(rig, () => client.abort(), 0);
    expect((await pending).status).toBe(499);
  });
});
