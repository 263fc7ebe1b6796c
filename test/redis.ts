// A real Redis for the tests of this process: servers of their own from the local binary, gone with the process. Knows no key.

import { existsSync, mkdtempSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RedisClient } from "bun";

const HOST = "127.0.0.1";

const binary = ["redis-server", "valkey-server"]
  .flatMap((name) => (process.env["PATH"] ?? "").split(":").map((folder) => join(folder, name)))
  .find((path) => existsSync(path));

/** Whether tests on Redis can run. False only on a machine without it; on CI that is an error instead. */
export const hasRedis = binary !== undefined;

if (!hasRedis) {
  const remedy = "install Redis (Debian: redis-server)";
  if (process.env["CI"] === "true") throw new Error(`No Redis to test with: ${remedy}`);
  console.warn(`\n!!! No Redis here: ALL TESTS ON REDIS ARE LEFT OUT. To run them, ${remedy}.\n`);
}

export interface TestRedis {
  url: string;
  stop(): Promise<void>;
  /** Takes requests, and answers none of them until it is woken. */
  freeze(): void;
  wake(): void;
}

/** One of its own, that wants a password. */
export async function startRedis(port?: number): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), "tokligence-redis-"));
  const own = port ?? (await findFreePort());
  const password = "canary-redis-password";
  const settings = ["--bind", HOST, "--port", String(own), "--save", "", "--dir", folder, "--requirepass", password];
  const script =
    'exec 3<&0; (read -r _ <&3; kill -KILL $$) </dev/null 2>/dev/null & exec 3<&-; exec "$0" "$@" </dev/null';
  const server = Bun.spawn(["sh", "-c", script, binary ?? "redis-server", ...settings], {
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
  });
  server.unref();
  const url = `redis://:${password}@${HOST}:${own}/0`;
  await waitUntilUp(url);
  return {
    url,
    async stop() {
      server.kill("SIGKILL");
      await server.exited;
    },
    freeze: () => server.kill("SIGSTOP"),
    wake: () => server.kill("SIGCONT"),
  };
}

export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, HOST, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

async function waitUntilUp(url: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const client = new RedisClient(url, { autoReconnect: false, connectionTimeout: 1_000 });
    try {
      await client.send("PING", []);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise(setImmediate);
    } finally {
      client.close();
    }
  }
}
