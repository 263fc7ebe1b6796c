// The admin, usage and profile routes with the shapes that their clients read.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig;
let root: string;
beforeEach(async () => {
  rig = await makeRig({
    config: (config) => ({
      ...config,
      routes: [{ pattern: "llama*", targets: [{ provider: "local", model: null }], origin: "config/setting.ini:3" }],
      providers: config.providers.map((provider) =>
        provider.name === "anthropic" ? { ...provider, apiKey: null } : provider,
      ),
    }),
  });
  root = (await rig.issue("root_admin")).token;
});
afterEach(() => rig.close());

async function admin(method: string, path: string, body?: unknown, token = root) {
  const response = await rig.send(path, { method, token, ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}

describe("users", () => {
  test("create, list, change one field at a time, delete, create again", async () => {
    const made = await admin("POST", "/api/v1/admin/users", {
      email: " Ana@Example.com ",
      role: "gateway_user",
      display_name: "Ana",
    });
    expect(made.status).toBe(201);
    const { user } = made.body;
    expect(user).toMatchObject({
      email: "ana@example.com",
      role: "gateway_user",
      display_name: "Ana",
      status: "active",
    });
    const role = await admin("PATCH", `/api/v1/admin/users/${user.id}`, { role: "gateway_admin" });
    expect(role.body.user).toMatchObject({ display_name: "Ana", role: "gateway_admin", status: "active" });
    const status = await admin("PATCH", `/api/v1/admin/users/${user.id}`, { status: "inactive" });
    expect(status.body.user).toMatchObject({ display_name: "Ana", role: "gateway_admin", status: "suspended" });
    const list = await admin("GET", "/api/v1/admin/users");
    expect(list.body.users.map((each: { email: string }) => each.email)).toContain("ana@example.com");
    expect(Object.keys(list.body.users[0]).toSorted()).toEqual([
      "created_at",
      "display_name",
      "email",
      "id",
      "role",
      "status",
      "updated_at",
    ]);
    expect((await admin("DELETE", `/api/v1/admin/users/${user.id}`)).status).toBe(204);
    expect((await admin("DELETE", `/api/v1/admin/users/${user.id}`)).status).toBe(204);
    expect((await admin("POST", "/api/v1/admin/users", { email: "ana@example.com" })).status).toBe(201);
  });

  test.each([
    [{}, 422, "email"],
    [{ email: "no-at-sign" }, 422, "email"],
    [{ email: "a@b.example", role: "emperor" }, 422, "role"],
    [{ email: "a@b.example", nonsense: 1 }, 422, undefined],
    ["not json", 400, undefined],
    [[1], 400, undefined],
  ])("bad body %j", async (body, status, param) => {
    const response = await rig.send("/api/v1/admin/users", { token: root, body });
    expect(response.status).toBe(status);
    const { error } = await readJson(response);
    expect(error.type).toBe("invalid_request_error");
    if (param !== undefined) expect(error.param).toBe(param);
  });

  test("an e-mail twice is a conflict", async () => {
    expect((await admin("POST", "/api/v1/admin/users", { email: "twice@example.com" })).status).toBe(201);
    expect((await admin("POST", "/api/v1/admin/users", { email: "TWICE@example.com" })).status).toBe(409);
  });

  test("import is all or nothing", async () => {
    const users = [{ email: "one@example.com" }, { email: "broken" }];
    expect((await admin("POST", "/api/v1/admin/users/import", { users })).status).toBe(422);
    const good = [{ email: "one@example.com" }, { email: "two@example.com", role: "gateway_admin" }];
    expect((await admin("POST", "/api/v1/admin/users/import", { users: good })).status).toBe(201);
    const again = await admin("POST", "/api/v1/admin/users/import", { users: good, skip_existing: true });
    expect([again.status, again.body.created.length, again.body.skipped.length]).toEqual([200, 0, 2]);
  });

  test("a gateway admin may not touch roots, and the last root stays", async () => {
    const helper = await rig.issue("gateway_admin");
    const list = await admin("GET", "/api/v1/admin/users", undefined, helper.token);
    const rootUser = list.body.users.find((each: { email: string }) => each.email === "admin@local");
    expect((await admin("DELETE", `/api/v1/admin/users/${rootUser.id}`, undefined, helper.token)).status).toBe(403);
    expect(
      (await admin("POST", "/api/v1/admin/users", { email: "r@example.com", role: "root_admin" }, helper.token)).status,
    ).toBe(403);
  });
});

describe("keys", () => {
  test("issue, use, list without the token, rotate, revoke: each in force at once", async () => {
    const { user } = (await admin("POST", "/api/v1/admin/users", { email: "k@example.com" })).body;
    const issued = await admin("POST", `/api/v1/admin/users/${user.id}/api-keys`, {
      scopes: ["inference"],
      expires_at: "2100-01-01T00:00:00Z",
    });
    expect(issued.status).toBe(201);
    const { token, api_key: key } = issued.body;
    expect(token).toMatch(/^tok_[\w-]{43}$/);
    expect(key).toMatchObject({
      user_id: user.id,
      prefix: token.slice(0, 12),
      scopes: ["inference"],
      expires_at: "2100-01-01T00:00:00.000Z",
    });
    expect((await rig.send("/v1/models", { token })).status).toBe(200);
    const listed = await admin("GET", `/api/v1/admin/users/${user.id}/api-keys`);
    expect(listed.body.api_keys).toHaveLength(1);
    expect(JSON.stringify(listed.body)).not.toContain(token);
    const rotated = await admin("POST", `/api/v1/admin/api-keys/${key.id}/rotate`);
    expect(rotated.status).toBe(201);
    expect((await rig.send("/v1/models", { token })).status).toBe(401);
    expect((await rig.send("/v1/models", { token: rotated.body.token })).status).toBe(200);
    expect((await admin("DELETE", `/api/v1/admin/api-keys/${rotated.body.api_key.id}`)).status).toBe(204);
    expect((await rig.send("/v1/models", { token: rotated.body.token })).status).toBe(401);
    expect((await admin("DELETE", "/api/v1/admin/api-keys/none")).status).toBe(404);
  });
  test("an empty body makes a key without limits; an unknown scope is refused with the vocabulary", async () => {
    const { userId } = await rig.issue();
    expect((await admin("POST", `/api/v1/admin/users/${userId}/api-keys`)).status).toBe(201);
    const refused = await admin("POST", `/api/v1/admin/users/${userId}/api-keys`, { scopes: ["everything"] });
    expect(refused.status).toBe(422);
    expect(refused.body.error.message).toContain("inference");
  });
});

test("a limited key hands on no more than it has", async () => {
  const clerk = await rig.issue("root_admin", { scopes: ["keys:manage", "usage:read"] });
  const path = `/api/v1/admin/users/${clerk.userId}/api-keys`;
  expect((await admin("POST", path, {}, clerk.token)).status).toBe(403);
  expect((await admin("POST", path, { scopes: ["admin"] }, clerk.token)).status).toBe(403);
  expect((await admin("POST", path, { scopes: ["usage:read"] }, clerk.token)).status).toBe(201);
  const wide = await rig.issue("gateway_user");
  expect((await admin("POST", `/api/v1/admin/api-keys/${wide.keyId}/rotate`, {}, clerk.token)).status).toBe(403);
  expect((await admin("POST", `/api/v1/admin/api-keys/${clerk.keyId}/rotate`, {}, clerk.token)).status).toBe(201);
});

describe("route", () => {
  test("explains with origin, and names the missing setting", async () => {
    const llama = await admin("GET", "/api/v1/admin/route?model=llama3");
    expect(llama.body).toMatchObject({ provider: "local", upstream_model: "llama3", ready: true });
    expect(llama.body.considered[0]).toMatchObject({ rule: "llama* => local", origin: "config/setting.ini:3" });
    const claude = await admin("GET", "/api/v1/admin/route?model=claude-sonnet-4-5");
    expect(claude.body).toMatchObject({ provider: "anthropic", ready: false });
    expect(claude.body.missing).toContain("anthropic_api_key");
    expect((await admin("GET", "/api/v1/admin/route?model=zzz")).status).toBe(404);
    expect((await admin("GET", "/api/v1/admin/route")).status).toBe(422);
  });
});

describe("usage and profile", () => {
  test("everyone sees their own books; administrators may look further", async () => {
    const ana = await rig.issue();
    const ben = await rig.issue();
    const body = { model: "loopback", messages: [{ role: "user", content: "hi" }] };
    for (const who of [ana, ana, ben]) expect((await rig.chat(body, { token: who.token })).status).toBe(200);
    const summary = await readJson(await rig.send("/api/v1/usage/summary", { token: ana.token }));
    expect(summary.summary).toMatchObject({ requests: 2, supplied_tokens: 0, cost_usd: "0", errors: 0 });
    expect(summary.summary.net_tokens).toBe(-summary.summary.consumed_tokens);
    const logs = await readJson(await rig.send("/api/v1/usage/logs", { token: ben.token }));
    expect(logs.entries).toHaveLength(1);
    expect(logs.entries[0]).toMatchObject({
      user_id: ben.userId,
      api_key_id: ben.keyId,
      model: "loopback",
      status: 200,
    });
    expect((await rig.send(`/api/v1/usage/logs?user=${ana.userId}`, { token: ben.token })).status).toBe(403);
    expect((await rig.send("/api/v1/usage/logs?user=all", { token: ben.token })).status).toBe(403);
    const all = await readJson(await rig.send("/api/v1/usage/summary?user=all", { token: root }));
    expect(all.summary.requests).toBe(3);
    const anas = await readJson(await rig.send(`/api/v1/usage/summary?user=${ana.email}`, { token: root }));
    expect(anas.summary.requests).toBe(2);
  });
  test("pages by cursor, filters, and refuses nonsense", async () => {
    const ana = await rig.issue();
    const chat = (model: string) =>
      rig.chat({ model, messages: [{ role: "user", content: "hi" }] }, { token: ana.token });
    for (const model of ["loopback", "nope-1", "loopback", "loopback/x"]) await chat(model);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await readJson(await rig.send(`/api/v1/usage/logs?limit=3${query}`, { token: ana.token }));
      seen.push(...page.entries.map((entry: { model: string }) => entry.model));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(seen).toEqual(["loopback/x", "loopback", "nope-1", "loopback"]);
    const bad = await readJson(await rig.send("/api/v1/usage/logs?status=4xx", { token: ana.token }));
    expect(bad.entries.map((entry: { model: string; status: number }) => [entry.model, entry.status])).toEqual([
      ["nope-1", 404],
    ]);
    for (const query of [
      "limit=0",
      "limit=x",
      "limit=1001",
      "status=9",
      "from=yesterday",
      "from=-271821-04-20",
      "bogus=1",
      "cursor=%00",
    ]) {
      expect([query, (await rig.send(`/api/v1/usage/logs?${query}`, { token: ana.token })).status]).toEqual([
        query,
        422,
      ]);
    }
  });
  test("the profile", async () => {
    const ana = await rig.issue();
    const body = await readJson(await rig.send("/api/v1/profile", { token: ana.token }));
    expect(body).toMatchObject({
      user: { id: ana.userId, email: ana.email, roles: ["consumer"] },
      provider: null,
      marketplace: { connected: false },
    });
  });
});
