// The door: bad keys are told to wait, address by address, in each dialect; a good key passes whoever else fails at its address.

import { afterEach, describe, expect, test } from "bun:test";
import type { Config } from "../../src/config/value.ts";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

const BAD = `tok_${"x".repeat(43)}`;
const MOST = 3;

async function open(entry: Partial<Config["entry"]> = {}): Promise<Rig> {
  const over = { badKeysPerMinute: MOST, ...entry };
  rig = await makeRig({ config: (base) => ({ ...base, entry: { ...base.entry, ...over } }) });
  return rig;
}

function knock(
  gateway: Rig,
  {
    token = BAD,
    peer = "192.0.2.1",
    path = "/v1/models",
    headers = {},
  }: { token?: string | null; peer?: string; path?: string; headers?: Record<string, string> } = {},
): Promise<Response> {
  const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  const request = new Request(`http://gateway.test${path}`, { headers: { ...authorization, ...headers } });
  const listener = { requestIP: () => ({ address: peer }), timeout: () => undefined, upgrade: () => false };
  return Promise.resolve(gateway.app.fetch(request, listener));
}

const statusOf = async (answer: Promise<Response>): Promise<number> => (await answer).status;

async function exhaust(gateway: Rig, how: Parameters<typeof knock>[1] = {}): Promise<void> {
  for (let turn = 0; turn < MOST; turn++) expect(await statusOf(knock(gateway, how))).toBe(401);
}

describe("keys that open nothing", () => {
  test("are told to wait after so many in a minute, in the caller's dialect, and once in the log", async () => {
    const gateway = await open();
    await exhaust(gateway);
    const told = await knock(gateway);
    expect([told.status, Number(told.headers.get("retry-after"))]).toEqual([429, expect.any(Number)]);
    expect(Number(told.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(Number(told.headers.get("retry-after"))).toBeLessThanOrEqual(60);
    expect(await readJson(told)).toMatchObject({ error: { code: "too_many_bad_keys" } });
    const other = await knock(gateway, { path: "/v1/messages", headers: { "anthropic-version": "2023-06-01" } });
    expect([other.status, await readJson(other)]).toMatchObject([
      429,
      { type: "error", error: { type: "rate_limit_error" } },
    ]);
    const gemini = await knock(gateway, { path: "/v1beta/models", headers: { "x-goog-api-key": BAD } });
    expect([gemini.status, await readJson(gemini)]).toMatchObject([429, { error: { status: "RESOURCE_EXHAUSTED" } }]);
    expect(await statusOf(knock(gateway, { path: "/v1/there-is-none" }))).toBe(429);
    const warnings = gateway.log.filter((line) => line.includes("one after another"));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("192.0.2.1");
    expect(gateway.log.join("\n")).not.toContain(BAD);
  });

  test("lock nobody out who has a good one, at the same address", async () => {
    const gateway = await open();
    const { token } = await gateway.issue();
    await exhaust(gateway);
    for (let turn = 0; turn < 3; turn++) {
      expect(await statusOf(knock(gateway))).toBe(429);
      expect(await statusOf(knock(gateway, { token }))).toBe(200);
    }
  });

  test("nor one that was made a moment ago, of which this process has not heard", async () => {
    const gateway = await open();
    await exhaust(gateway);
    expect(await statusOf(knock(gateway))).toBe(429);
    const { id } = await gateway.directory.getUser("admin@local");
    const { token } = await gateway.directory.createKey({ kind: "operator" }, id, {});
    expect(await statusOf(knock(gateway, { token }))).toBe(200);
  });

  test("count by address, and a network of the new kind is one", async () => {
    const gateway = await open();
    await exhaust(gateway, { peer: "2001:db8:1:2::1" });
    expect(await statusOf(knock(gateway, { peer: "2001:db8:1:2:ffff::9" }))).toBe(429);
    expect(await statusOf(knock(gateway, { peer: "2001:db8:1:3::1" }))).toBe(401);
    expect(await statusOf(knock(gateway))).toBe(401);
  });

  test("count by the address that a trusted proxy tells, and by no other", async () => {
    const gateway = await open({ trustedProxies: ["10.0.0.1/32"] });
    const behind = (client: string) => ({ peer: "10.0.0.1", headers: { "x-forwarded-for": client } });
    await exhaust(gateway, behind("192.0.2.7"));
    expect(await statusOf(knock(gateway, behind("192.0.2.7")))).toBe(429);
    expect(await statusOf(knock(gateway, behind("192.0.2.8")))).toBe(401);
    for (let turn = 0; turn < MOST; turn++) {
      const forged = { peer: "198.51.100.1", headers: { "x-forwarded-for": `192.0.2.${turn}` } };
      expect(await statusOf(knock(gateway, forged))).toBe(401);
    }
    expect(await statusOf(knock(gateway, { peer: "198.51.100.1" }))).toBe(429);
  });

  test("expired and revoked ones count; none at all does not", async () => {
    const gateway = await open();
    const { token, keyId } = await gateway.issue();
    await gateway.directory.revokeKey({ kind: "operator" }, keyId);
    await gateway.issue();
    for (let turn = 0; turn < 2 * MOST; turn++) expect(await statusOf(knock(gateway, { token: null }))).toBe(401);
    await exhaust(gateway, { token });
    expect(await statusOf(knock(gateway, { token }))).toBe(429);
    expect(await statusOf(knock(gateway, { token: null }))).toBe(401);
  });

  test("are not counted where the operator sets no limit, and again once he does", async () => {
    const gateway = await open({ badKeysPerMinute: 0 });
    for (let turn = 0; turn < 2 * MOST; turn++) expect(await statusOf(knock(gateway))).toBe(401);
    gateway.app.reload({ ...gateway.config, entry: { ...gateway.config.entry, badKeysPerMinute: MOST } });
    await exhaust(gateway);
    expect(await statusOf(knock(gateway))).toBe(429);
  });
});

test("a refusal's line in the log says from where", async () => {
  const gateway = await open();
  await knock(gateway, { peer: "203.0.113.9" });
  expect(gateway.log.some((line) => line.includes("203.0.113.9") && line.includes("unauthenticated"))).toBe(true);
});

test("whoever holds a key is told why it opens nothing any more, and nobody else", async () => {
  const gateway = await open({ badKeysPerMinute: 0 });
  const [deleted, revoked] = [await gateway.issue(), await gateway.issue()];
  await gateway.directory.deleteUser({ kind: "operator" }, deleted.userId, { hard: false });
  await gateway.directory.revokeKey({ kind: "operator" }, revoked.keyId);
  await gateway.ring.refresh();
  const say = async (token: string): Promise<string> =>
    (await readJson(await knock(gateway, { token, path: "/api/v1/profile" }))).error.message;
  expect(await say(deleted.token)).toContain("owner of this API key was deleted");
  expect(await say(revoked.token)).toContain("was revoked");
  // Of one that is nearly right, and of one that is nothing like it, the same is said.
  const unknown = await Promise.all([`${deleted.token.slice(0, -1)}_`, "sk-someone-elses"].map(say));
  expect(unknown[0]).toMatch(/^Incorrect API key provided\. .* tokligence admin api-keys create\.$/u);
  expect(new Set(unknown).size).toBe(1);
});

const DOORS = ["chat/completions", "completions", "embeddings", "messages", "responses", "models"].map(
  (path) => `/v1/${path}`,
);

test.each([...DOORS, "/v1beta/models/m:generateContent", "/api/v1/profile"])(
  "at %s a wrong key is told where keys come from",
  async (path) => {
    const gateway = await open({ badKeysPerMinute: 0 });
    const isRead = path === "/v1/models" || path === "/api/v1/profile";
    const headers = { "x-api-key": BAD, "content-type": "application/json" };
    const more = isRead ? {} : { method: "POST", body: "{}" };
    const response = await gateway.app.fetch(new Request(`http://gateway.test${path}`, { headers, ...more }));
    expect([response.status, await response.text()]).toEqual([
      401,
      expect.stringContaining("or ask an administrator for one: tokligence admin api-keys create."),
    ]);
  },
);
