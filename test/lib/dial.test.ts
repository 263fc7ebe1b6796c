// Whether a server takes connections: told as soon as it does or refuses, over TLS whoever's its certificate is, and by nobody where calls go
// through a proxy.

import { expect, test } from "bun:test";
import { dial, usesProxy } from "../../src/lib/dial.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../config/tls.ts";

const TLS = { cert: CERTIFICATE, key: PRIVATE_KEY };

test.each([
  ["in the open", false],
  ["over TLS, with a certificate that nobody vouches for", true],
])("a server is there %s, and is let go of", async (_how, isTls) => {
  const closed = Promise.withResolvers<void>();
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    ...(isTls ? { tls: TLS } : {}),
    socket: { data: () => undefined, close: () => closed.resolve() },
  });
  await dial({ hostname: "127.0.0.1", port: server.port, isTls });
  await closed.promise;
  server.stop(true);
});

test("where nobody listens, it is refused", async () => {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  const { port } = server;
  server.stop(true);
  await expect(dial({ hostname: "127.0.0.1", port, isTls: false })).rejects.toThrow();
});

test("a proxy is one by any of its names", () => {
  expect(usesProxy({ HTTPS_PROXY: "http://proxy:3128" })).toBe(true);
  expect(usesProxy({ all_proxy: "socks5://proxy" })).toBe(true);
  expect(usesProxy({ http_proxy: "", NO_PROXY: "*" })).toBe(false);
});
