// Calls that are held to addresses: made there and nowhere else, under the name's own certificate, and to the next address where nobody is at one.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { connectWebSocket } from "../../src/lib/web-socket.ts";
import { holdFetch } from "../../src/lib/held-fetch.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../config/tls.ts";

let server: Bun.Server<undefined>;
let seen: string[] = [];
beforeEach(() => {
  seen = [];
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: { cert: CERTIFICATE, key: PRIVATE_KEY },
    fetch: async (request) => {
      seen.push(`${request.headers.get("host")} ${await request.text()}`);
      return new Response("here");
    },
  });
});
afterEach(() => server.stop(true));

interface Call {
  addresses?: readonly string[];
  headers: Record<string, string>;
  method?: string;
  body?: string | ReadableStream<Uint8Array>;
  tls?: { serverName: string };
}
const urls: string[] = [];
const held = holdFetch<Call>((url, { tls, ...init }) => {
  urls.push(url);
  return fetch(url, { ...init, tls: { ...tls, ca: CERTIFICATE } });
});
const at = (name: string, addresses?: readonly string[], more: Partial<Call> = {}): Promise<Response> =>
  held(`https://${name}:${server.port}/v1?a=b`, {
    headers: {},
    ...(addresses === undefined ? {} : { addresses }),
    ...more,
  });

test("go to the address with the name's own host and certificate, though the name leads nowhere", async () => {
  const response = await at("gateway.test", ["127.0.0.1"], { method: "POST", body: "x" });
  expect([await response.text(), seen]).toEqual(["here", [`gateway.test:${server.port} x`]]);
  expect(urls.at(-1)).toBe(`https://127.0.0.1:${server.port}/v1?a=b`);
});

test("say nothing to whoever has another name's certificate", async () => {
  await expect(at("vendor.test", ["127.0.0.1"], { method: "POST", body: "x" })).rejects.toMatchObject({
    code: expect.stringContaining("ALTNAME"),
  });
  expect(seen).toEqual([]);
});

test("go on to the next address where nobody is at one, but not with a stream, and fail as the last one did", async () => {
  // Of this machine, and nobody listens there.
  expect(await (await at("gateway.test", ["127.0.0.2", "127.0.0.1"])).text()).toBe("here");
  const body = new Blob(["x"]).stream();
  await expect(at("gateway.test", ["127.0.0.2", "127.0.0.1"], { method: "POST", body })).rejects.toThrow();
  await expect(at("gateway.test", ["127.0.0.2"])).rejects.toThrow();
  await expect(at("gateway.test", [])).rejects.toThrow("gateway.test has no address");
  expect(seen).toHaveLength(1);
});

test("of sockets go there, too", async () => {
  const sockets = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, its) => {
      seen.push(request.headers.get("host") ?? "");
      return its.upgrade(request) ? undefined : new Response("no");
    },
    websocket: { open: (socket) => void socket.send("here"), message: () => undefined },
  });
  try {
    const heard = Promise.withResolvers<unknown>();
    const events = { opened: () => undefined, failed: heard.reject, received: heard.resolve, closed: () => undefined };
    const init = { headers: {}, protocols: [], events, addresses: ["127.0.0.1"] };
    const socket = await connectWebSocket(`ws://vendor.test:${sockets.port}/v1`, init);
    expect(String(await heard.promise)).toBe("here");
    socket.close();
    expect(seen).toEqual([`vendor.test:${sockets.port}`]);
  } finally {
    await sockets.stop(true);
  }
});

test("that say none go as they are", async () => {
  await at("127.0.0.1").catch(() => undefined);
  expect(urls.at(-1)).toBe(`https://127.0.0.1:${server.port}/v1?a=b`);
});
