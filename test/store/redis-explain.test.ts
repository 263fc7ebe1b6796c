// Why a Redis cannot be used is said in words that tell what to change, and never with the password. On a real server, and on some that are none.

import { afterEach, describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { explainRedis } from "../../src/store/redis/explain.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../config/tls.ts";
import { type TestRedis, findFreePort, hasRedis, startRedis } from "../redis.ts";

const CLOSED = new Error("Connection closed");
const WRONG = "canary-wrong-password";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const explain = async (url: string): Promise<string> => {
  const { message } = await explainRedis(url, CLOSED);
  expect(message).not.toContain("canary");
  return message;
};

function listen(server: ReturnType<typeof createServer>): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  server.listen(0, "127.0.0.1", () => {
    const at = server.address();
    resolve(typeof at === "object" && at !== null ? at.port : 0);
  });
  closing.push(() => server.close());
  return promise;
}

describe.skipIf(!hasRedis)("a Redis that wants a password", () => {
  const open = async (): Promise<{ redis: TestRedis; host: string }> => {
    const redis = await startRedis();
    closing.push(redis.stop);
    return { redis, host: new URL(redis.url).host };
  };

  test("refuses another one, and a user that it does not know", async () => {
    const { host } = await open();
    for (const who of [`:${WRONG}`, `nobody:${WRONG}`, `:%00${WRONG}`]) {
      expect(await explain(`redis://${who}@${host}`)).toBe("it refuses the user or password of redis_url");
    }
  });

  test("says that there is none, and nothing where there is nothing to say", async () => {
    const { redis, host } = await open();
    expect(await explain(`redis://${host}`)).toBe("it wants a password, and redis_url has none");
    expect(await explainRedis(redis.url, CLOSED)).toBe(CLOSED);
  });
});

test("nobody is there", async () => {
  expect(await explain(`redis://:${WRONG}@127.0.0.1:${await findFreePort()}`)).toContain("nobody listens there");
});

test("its certificate is nobody's", async () => {
  const port = await listen(createTlsServer({ key: PRIVATE_KEY, cert: CERTIFICATE }, (socket) => socket.destroy()));
  expect(await explain(`rediss://:${WRONG}@127.0.0.1:${port}`)).toContain("NODE_EXTRA_CA_CERTS");
});

test("it hangs up, or answers at length what it was not asked", async () => {
  const closes = await listen(createServer((socket) => socket.destroy()));
  expect(await explain(`redis://:${WRONG}@127.0.0.1:${closes}`)).toContain("rediss:// (TLS) alone");
  const talks = await listen(createServer((socket) => socket.end(`-${WRONG} is not right\r\n`)));
  expect(await explain(`redis://:${WRONG}@127.0.0.1:${talks}`)).toContain("no reason that can be shown");
});
