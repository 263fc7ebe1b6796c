// Two gateways on one PostgreSQL and one Redis are one gateway to those who use them: keys, sessions, users and limits that end at one of them end at the
// other within a second, and what is used at one counts at the other.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { hasRedis, startRedis, type TestRedis } from "../redis.ts";
import { type Served, expectOk, issueKey, serve, waitUntil } from "./binary.ts";

describe.skipIf(!hasPostgres || !hasRedis)("two gateways", () => {
  let redis: TestRedis;
  let one: Served;
  let two: Served;
  /** A root's key, known to both. */
  let root: string;
  beforeAll(async () => {
    redis = await startRedis();
    const config = `identity_path = ${await createDatabase()}\nredis_url = ${redis.url}\n`;
    [one, two] = await Promise.all([serve({ config }), serve({ config })]);
    root = (await issueKey(one, "root_admin")).token;
    await waitUntil(async () => (await statusOf(two, root)) === 200, "the key to be known at the other");
  }, 60_000);
  afterAll(async () => {
    await Promise.all([one.stop(), two.stop()]);
    await redis.stop();
  });

  const send = (at: Served, method: string, path: string, body: object = {}): Promise<Response> =>
    fetch(`${at.url}/api/v1/admin/${path}`, {
      method,
      headers: { authorization: `Bearer ${root}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  /** By the other gateway's own clock of requests: how long after the change was answered it still let somebody in, ms. */
  async function untilRefused(status: () => Promise<number>): Promise<number> {
    const changedMs = performance.now();
    await waitUntil(async () => (await status()) !== 200, "it to be refused");
    return performance.now() - changedMs;
  }

  /** A user whose key and session are known to both gateways. */
  async function bringIn(): Promise<{ userId: string; keyId: string; token: string; cookie: string }> {
    const email = `ann-${crypto.randomUUID()}@example.com`;
    const { user } = (await (await send(one, "POST", "users", { email })).json()) as { user: { id: string } };
    const answer = await (await send(one, "POST", "api-keys", { user: email })).json();
    const made = answer as { token: string; api_key: { id: string } };
    const link = JSON.parse(await expectOk(one.run(["admin", "login-link", "--email", email, "--json"]))).url as string;
    const entered = await fetch(`${one.url}/api/v1/auth/verify`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token: link.split("#")[1] }),
    });
    const cookie = (entered.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
    await waitUntil(async () => (await statusOf(two, made.token)) === 200, "the key to be known at the other");
    await waitUntil(async () => (await sessionOf(two, cookie)) === 200, "the session to be known at the other");
    return { userId: user.id, keyId: made.api_key.id, token: made.token, cookie };
  }

  test("a key that is revoked at one is refused at the other within a second", async () => {
    const { keyId, token, cookie } = await bringIn();
    expect((await send(one, "POST", `api-keys/${keyId}/revoke`)).status).toBe(200);
    expect(await statusOf(one, token)).toBe(401);
    expect(await untilRefused(() => statusOf(two, token))).toBeLessThan(1_000);
    expect(await sessionOf(two, cookie)).toBe(200);
  }, 30_000);

  test("a user who is suspended at one loses keys and sessions at the other within a second", async () => {
    const { userId, token, cookie } = await bringIn();
    expect((await send(one, "PATCH", `users/${userId}`, { status: "suspended" })).status).toBe(200);
    expect([await statusOf(one, token), await sessionOf(one, cookie)]).toEqual([403, 401]);
    const both = await Promise.all([
      untilRefused(() => statusOf(two, token)),
      untilRefused(() => sessionOf(two, cookie)),
    ]);
    expect(Math.max(...both)).toBeLessThan(1_000);
    // A session that was ended stays so.
    expect((await send(two, "PATCH", `users/${userId}`, { status: "active" })).status).toBe(200);
    await waitUntil(async () => (await statusOf(one, token)) === 200, "the key to be good again");
    expect([await sessionOf(one, cookie), await sessionOf(two, cookie)]).toEqual([401, 401]);
  }, 30_000);

  test("a user who is deleted at one is nobody at the other within a second", async () => {
    const { userId, token, cookie } = await bringIn();
    expect((await send(two, "DELETE", `users/${userId}`)).status).toBeLessThan(300);
    const both = await Promise.all([
      untilRefused(() => statusOf(one, token)),
      untilRefused(() => sessionOf(one, cookie)),
    ]);
    expect(Math.max(...both)).toBeLessThan(1_000);
  }, 30_000);

  test("what is used up at one is used up at the other", async () => {
    const { keyId, token } = await bringIn();
    const limit = { key: keyId, requests_per_minute: 40 };
    expect((await send(one, "PUT", "limits/shared", limit)).status).toBeLessThan(300);
    const used = async (at: Served): Promise<number> => {
      const shown = await fetch(`${at.url}/api/v1/admin/limits/shared`, {
        headers: { authorization: `Bearer ${root}` },
      });
      const { limit } = (await shown.json()) as { limit?: { states?: { requests: { used: number } }[] } };
      return limit?.states?.[0]?.requests.used ?? 0;
    };
    // Where Redis is so slow that nobody is kept waiting for it, a gateway counts for itself for a while; so both are asked again and again.
    await waitUntil(async () => {
      await call(one, token);
      return (await used(two)) === 40;
    }, "all to be used up at the first");
    let [asked, nextMs] = [0, 0];
    await waitUntil(async () => {
      if (performance.now() < nextMs) return false;
      nextMs = performance.now() + 700;
      asked++;
      return (await call(two, token)).status === 429;
    }, "the other to refuse");
    // By itself alone it would have let so many in.
    expect(asked).toBeLessThan(40);
  }, 60_000);
});

const statusOf = ({ url }: Served, token: string): Promise<number> =>
  fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${token}` } }).then(({ status }) => status);

const sessionOf = ({ url }: Served, cookie: string): Promise<number> =>
  fetch(`${url}/api/v1/profile`, { headers: { cookie } }).then(({ status }) => status);

const call = ({ url }: Served, token: string): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "loopback", messages: [{ role: "user", content: "Hi" }] }),
  });
