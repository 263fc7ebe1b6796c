// Whether the other end of a connection is a server's, of real processes: one that only asks, and such that pass on what others ask.

import { expect, test } from "bun:test";
import { isHeldByServer } from "../../src/lib/socket-owner.ts";

const ASK = `const { url } = JSON.parse(process.argv.at(-1)); console.log(await (await fetch(url)).text());`;
/** Passes on whatever it is sent, and asks through itself. */
const RELAY = `
const { url, hostname } = JSON.parse(process.argv.at(-1));
const to = new URL(url);
const door = Bun.listen({ hostname, port: 0, socket: {
  async open(socket) {
    socket.data = Bun.connect({ hostname: to.hostname, port: Number(to.port), socket: {
      data: (_, bytes) => void socket.write(bytes), close: () => void socket.end() } });
  },
  async data(socket, bytes) { (await socket.data).write(bytes); },
} });
console.log(await (await fetch("http://127.0.0.1:" + door.port)).text());
process.exit();`;

test.skipIf(process.platform !== "linux").each([
  ["one that only asks", ASK, "", "false"],
  ["one that passes on what comes from elsewhere", RELAY, "0.0.0.0", "true"],
  ["one that passes on what comes from this machine", RELAY, "127.0.0.1", "true"],
])("%s", async (_name, program, hostname, expected) => {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, listener) => new Response(String(isHeldByServer(listener.requestIP(request) ?? NOBODY))),
  });
  const init = JSON.stringify({ url: server.url.href, hostname });
  const asked = Bun.spawn([process.execPath, "-e", program, init], { stdout: "pipe", stderr: "inherit" });
  expect((await new Response(asked.stdout).text()).trim()).toBe(expected);
  await asked.exited;
  await server.stop(true);
});

const NOBODY = { address: "192.0.2.1", port: 1 };

test("nobody at all", () => {
  expect(isHeldByServer(NOBODY)).toBe(false);
  expect(isHeldByServer({ address: "127.0.0.1", port: 1 })).toBe(false);
});
