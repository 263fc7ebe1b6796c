// With a proxy in the environment, the gateway of this machine is asked straight: the proxy cannot reach it, and sees no key or pass for it.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { openRemoteNames } from "../../src/cli/complete/remote.ts";
import { findFreePort } from "../redis.ts";
import { type Desk, makeDesk } from "./desk.ts";
import { type GatewayProcess, serveDesk } from "./gateway-process.ts";

const NAMES = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "TOKLIGENCE_KEY"];

let desk: Desk;
let gateway: GatewayProcess;
let proxy: Server;
let heard = "";
const outer = NAMES.map((name) => [name, process.env[name]] as const);

beforeEach(async () => {
  desk = makeDesk();
  gateway = await serveDesk(desk);
  heard = "";
  const port = await findFreePort();
  proxy = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (bytes) => {
      heard += bytes.toString("latin1");
      socket.end("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    });
  });
  await new Promise<void>((resolve) => proxy.listen(port, "127.0.0.1", resolve));
  for (const [name] of outer) delete process.env[name];
  process.env["http_proxy"] = `http://127.0.0.1:${port}`;
});
afterEach(async () => {
  for (const [name, value] of outer) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  proxy.close();
  await gateway.stop();
  desk.close();
});

test("commands with a pass of their own", async () => {
  const health = await desk.run("admin health list");
  expect([health.code, health.err]).toEqual([0, ""]);
  expect(health.out).toMatch(/^loopback +- +- +ok/mu);
  expect((await desk.run("admin providers test loopback")).code).toBe(0);
  expect((await desk.run("admin limits list")).code).toBe(0);
  expect(heard).toBe("");
});

test("commands with a key, and completion", async () => {
  const made = await desk.run("admin api-keys create --user admin@local");
  const key = /token=(\S+)/u.exec(made.out)?.[1] ?? "";
  for (const host of ["127.0.0.1", "localhost"]) {
    const url = gateway.url.replace("127.0.0.1", host);
    const listed = await desk.run(["admin", "users", "list", "--url", url, "--key", key]);
    expect([listed.code, listed.err]).toEqual([0, ""]);
    const own = { overlays: () => Promise.resolve([]), close: () => undefined } as never;
    const names = openRemoteNames({ TOKLIGENCE_URL: url, TOKLIGENCE_KEY: key }, own);
    expect((await names?.users("admin"))?.map(({ name }) => name)).toEqual(["admin@local"]);
  }
  expect(heard).toBe("");
});

test("the doctor, who finds the gateway where it is", async () => {
  const { out } = await desk.run("doctor --json --offline");
  const { findings } = JSON.parse(out) as { findings: { check: string; found: string }[] };
  const ports = findings.filter(({ check }) => check === "ports").map(({ found }) => found);
  expect(ports.join("; ")).toContain("a gateway runs there");
  expect(heard).toBe("");
});
