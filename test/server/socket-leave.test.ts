// A WebSocket whose provider does not take it: the client that leaves meanwhile, or waits for its turn, is called off at once; a server that takes no
// connection is told from one that thinks.

import { afterEach, expect, test } from "bun:test";
import { type TestClock, isDue } from "../clock.ts";
import { OPENAI_KEY, type Rig, makeProviderSettings, makeRig } from "../rig.ts";
import { type FaultyUpstream, openFaulty } from "../upstream/faulty.ts";

const LIMIT_MS = 250;
const QUEUE_MS = 7_000;

interface Scene {
  rig: Rig;
  provider: FaultyUpstream;
  /** Begins a handshake; the client's end of it. */
  knock(): Promise<{ leave(): void; text(): string }>;
}

let close: (() => Promise<void>) | null = null;
afterEach(async () => {
  await close?.();
  close = null;
});

async function open(dial?: () => Promise<void>): Promise<Scene> {
  const provider = openFaulty([["stall"]]);
  const rig = await makeRig({
    upstream: () => Response.json({ data: [] }),
    ...(dial === undefined ? {} : { dial }),
    config: (config) => ({
      ...config,
      caps: { ...config.caps, perProvider: 1, queueMs: QUEUE_MS },
      providers: [
        makeProviderSettings({
          name: "openai",
          kind: "openai",
          baseUrl: `http://127.0.0.1:${provider.port}/v1`,
          apiKey: OPENAI_KEY,
          needsApiKey: true,
        }),
      ],
    }),
  });
  const gateway = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, server) => rig.app.fetch(request, server),
    websocket: rig.app.sockets,
  });
  const { token } = await rig.issue();
  close = async () => {
    await gateway.stop(true);
    provider.stop();
    await rig.close();
  };
  const head = [
    "GET /v1/realtime?model=gpt-realtime HTTP/1.1",
    "host: gateway",
    `authorization: Bearer ${token}`,
    "connection: Upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
  ];
  return {
    rig,
    provider,
    async knock() {
      let text = "";
      const socket = await Bun.connect({
        hostname: "127.0.0.1",
        port: gateway.port ?? 0,
        socket: { data: (_socket, bytes) => void (text += bytes.toString()) },
      });
      socket.write(`${head.join("\r\n")}\r\n\r\n`);
      return { leave: () => socket.terminate(), text: () => text };
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

async function untilDue(clock: TestClock, inMs: number): Promise<void> {
  await until(() => isDue(clock, inMs));
}

test("a client that leaves before the provider has answered", async () => {
  const { rig, provider, knock } = await open();
  const client = await knock();
  await until(() => provider.asked() === 1);
  const leftMs = performance.now();
  client.leave();
  await until(() => provider.hungUp() === 1);
  expect(performance.now() - leftMs).toBeLessThan(LIMIT_MS);
  while ((await rig.rows()).length === 0) await new Promise(setImmediate);
  expect(await rig.row()).toMatchObject({ status: 499, errorKind: "cancelled" });
});

test("a client that leaves while it waits for its turn, which another has once that one is gone", async () => {
  const { rig, provider, knock } = await open();
  const first = await knock();
  await until(() => provider.asked() === 1);
  const second = await knock();
  await untilDue(rig.clock, QUEUE_MS);
  second.leave();
  while ((await rig.rows()).length === 0) await new Promise(setImmediate);
  expect(await rig.row()).toMatchObject({ status: 499, errorKind: "cancelled", attempts: [] });
  expect(provider.asked()).toBe(1);
  first.leave();
  const third = await knock();
  await until(() => provider.asked() === 2);
  third.leave();
  while ((await rig.rows()).length < 3) await new Promise(setImmediate);
});

test("who waits for its turn in vain is told so, and when to come back", async () => {
  const { rig, provider, knock } = await open();
  await knock();
  await until(() => provider.asked() === 1);
  const second = await knock();
  await untilDue(rig.clock, QUEUE_MS);
  rig.clock.advance(QUEUE_MS);
  await until(() => second.text().includes("concurrency_limit"));
  expect(second.text()).toStartWith("HTTP/1.1 503");
  expect(second.text().toLowerCase()).toContain("retry-after: 1\r\n");
});

test("a server that takes no connection is given up on long before one that thinks", async () => {
  const { rig, provider, knock } = await open(() => new Promise(() => undefined));
  const client = await knock();
  await until(() => provider.asked() === 1);
  await untilDue(rig.clock, 10_000);
  rig.clock.advance(10_000);
  await until(() => client.text().includes("took no connection within 10 s (upstream_connect_timeout)"));
  expect(client.text()).toStartWith("HTTP/1.1 504");
  await until(() => provider.hungUp() === 1);
});
