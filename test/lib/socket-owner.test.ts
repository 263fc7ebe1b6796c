// Whose the other end of a connection is, of real connections of this process.

import { expect, test } from "bun:test";
import { findSocketOwner } from "../../src/lib/socket-owner.ts";

test.skipIf(process.platform !== "linux")(
  "the owner of the other end is told, over either protocol, and of no connection that is not there",
  async () => {
    for (const hostname of ["127.0.0.1", "::1"]) {
      const seen: { address: string; port: number }[] = [];
      const server = Bun.serve({
        port: 0,
        hostname,
        fetch(
          request: Request,
          listener: { requestIP(of: Request): { address: string; port: number } | null },
        ): Response {
          const peer = listener.requestIP(request);
          if (peer !== null) seen.push(peer);
          return new Response(String(peer === null ? "nobody" : findSocketOwner(peer)));
        },
      });
      const host = hostname.includes(":") ? `[${hostname}]` : hostname;
      expect(await (await fetch(`http://${host}:${server.port}/`)).text()).toBe(String(process.getuid?.()));
      await server.stop(true);
      expect(findSocketOwner({ address: "192.0.2.1", port: seen[0]?.port ?? 0 })).toBe("unknown");
      expect(findSocketOwner({ address: hostname, port: 1 })).toBe("unknown");
    }
  },
);
