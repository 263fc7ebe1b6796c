// What the reference says of each route under /api/v1 against what the gateway really answers: every status, header and body, of successes and of
// refusals. A status that is declared and never comes is as much a fault as one that comes undeclared.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Checked, NEVER, type Sent, ask } from "./openapi-scene.ts";
import { SMTP } from "./sign-in/scene.ts";
import { type Rig, makeRig, readJson } from "../rig.ts";

// oxlint-disable-next-line no-explicit-any -- what comes back is what is tested
type Json = Record<string, any>;

const ADMIN = "/api/v1/admin";
const SIGNED_IN = { "sec-fetch-site": "same-origin" };

let rig: Rig;
let root = "";
let suspended = "";
let document: Json = {};
const canMail = false;
const seen = new Map<string, Set<string>>();

beforeAll(async () => {
  rig = await makeRig({
    sendMail: () => (canMail ? Promise.resolve() : Promise.reject(new Error("the mail server is down"))),
    config: (config) => ({
      ...config,
      limits: [
        {
          limit: {
            name: "declared",
            requests: 900,
            tokens: null,
            slots: null,
            per: [],
            key: null,
            user: null,
            model: null,
            provider: null,
          },
          origin: "test",
        },
      ],
    }),
  });
  root = (await rig.issue("root_admin", { name: "root" })).token;
  const out = await rig.issue("root_admin");
  suspended = out.token;
  await rig.directory.updateUser({ kind: "operator" }, out.userId, { status: "suspended" });
  await rig.ring.refresh();
  document = (await readJson(await rig.send("/openapi.json", { token: null }))) as Json;
});
afterAll(() => rig.close());

const operations = (): [method: string, path: string, operation: Json][] =>
  Object.entries(document["paths"] as Record<string, Json>)
    .filter(([path]) => path.startsWith("/api/v1/") && !path.includes("/oidc/"))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]): [string, string, Json] => [
        method.toUpperCase(),
        path,
        operation,
      ]),
    );

const call = (method: string, path: string, sent: Sent = {}): Promise<Checked> =>
  ask({ rig, document, seen }, { method, path, ...sent, token: sent.token === undefined ? root : sent.token });

const NEEDS_BODY = (operation: Json): boolean => operation["requestBody"] !== undefined;

/** For each route that takes one: what it says yes to. */
const BODIES: Record<string, () => object> = {
  [`PATCH ${ADMIN}/api-keys/{id}`]: () => ({ name: "n" }),
  [`PATCH ${ADMIN}/budgets/{id}`]: () => ({ limit_usd: 3 }),
  [`PATCH ${ADMIN}/settings`]: () => ({ log_level: "warn" }),
  [`PATCH ${ADMIN}/users/{id}`]: () => ({ display_name: "d" }),
  "PATCH /api/v1/api-keys/{id}": () => ({ name: "n" }),
  [`POST ${ADMIN}/api-keys`]: () => ({ user: "admin@local", budget: { limit_usd: 1 } }),
  [`POST ${ADMIN}/api-keys/revoke`]: () => ({ tag: "none-at-all" }),
  [`POST ${ADMIN}/budgets`]: () => ({ name: fresh(), limit_usd: "2.50", soft_limit_usd: 1, each: "user" }),
  [`POST ${ADMIN}/providers`]: () => ({ ...PROVIDER, name: fresh() }),
  [`POST ${ADMIN}/providers/{id}/rollback`]: () => ({ version: 1 }),
  [`POST ${ADMIN}/route`]: () => ({ body: { model: "loopback", messages: [{ role: "user", content: "hi" }] } }),
  [`POST ${ADMIN}/routes`]: () => ({ ...ROUTE, name: fresh() }),
  [`POST ${ADMIN}/routes/{id}/rollback`]: () => ({ version: 1 }),
  [`POST ${ADMIN}/users`]: () => ({ email: `${fresh()}@example.com`, role: "gateway_admin" }),
  [`POST ${ADMIN}/users/import`]: () => ({ users: [{ email: `${fresh()}@example.com` }], links: true }),
  [`POST ${ADMIN}/users/invite`]: () => ({ email: `${fresh()}@example.com` }),
  "POST /api/v1/auth/login": () => ({ email: "somebody@example.com" }),
  "POST /api/v1/auth/verify": () => ({ token: "x" }),
  [`PUT ${ADMIN}/limits/{id}`]: () => ({ concurrent: 900, per: ["key"] }),
  [`PUT ${ADMIN}/providers/{id}`]: () => PROVIDER,
  [`PUT ${ADMIN}/providers/{id}/keys`]: () => ({ api_key: "sk-canary-documented-0123456789" }),
  [`PUT ${ADMIN}/routes/{id}`]: () => ROUTE,
};
const PROVIDER = {
  type: "compatible",
  base_url: "https://acme.example/v1",
  models: ["m"],
  api_key: "sk-canary-documented",
};
const ROUTE = { match: "smart-*", targets: [{ provider: "loopback", model: "x" }] };
let count = 0;
const fresh = (): string => `documented-${count++}`;
const bodyOf = (method: string, path: string, operation: Json): { body?: unknown } =>
  NEEDS_BODY(operation) ? { body: BODIES[`${method} ${path}`]?.() ?? {} } : {};

test("whoever may not is told so as declared: without a key, suspended, and without the scope", async () => {
  const limited = await rig.issue("root_admin", { scopes: ["inference"] });
  for (const [method, path, operation] of operations()) {
    if (operation["responses"]["401"] === undefined || path.startsWith("/api/v1/auth/verify")) continue;
    const sent = bodyOf(method, path, operation);
    expect([path, (await call(method, path, { ...sent, token: null })).status]).toEqual([path, 401]);
    expect([path, (await call(method, path, { ...sent, token: suspended })).status]).toEqual([path, 403]);
    if (operation["x-any-scope"] === undefined) continue;
    expect([path, (await call(method, path, { ...sent, token: limited.token })).status]).toEqual([path, 403]);
  }
});

test("what cannot be read or does not hold is told as declared", async () => {
  const large = { name: "x".repeat(rig.config.http.maxBodyBytes + 1) };
  for (const [method, path, operation] of operations()) {
    const open = path.startsWith("/api/v1/auth/") ? { token: null, headers: SIGNED_IN } : {};
    const token = operation["responses"]["401"] === undefined || path.endsWith("/verify") ? open : {};
    expect([path, (await call(method, path, { ...token, query: "?colour=red" })).status]).toEqual([path, 422]);
    if (!NEEDS_BODY(operation)) continue;
    expect([path, (await call(method, path, { ...token, body: "{nope" })).status]).toEqual([path, 400]);
    expect([path, (await call(method, path, { ...token, body: large })).status]).toEqual([path, 413]);
    const compressed = { ...token, body: {}, headers: { ...SIGNED_IN, "content-encoding": "gzip" } };
    expect([path, (await call(method, path, compressed)).status]).toEqual([path, 400]);
    // A body that none takes.
    expect([path, (await call(method, path, { ...token, body: { comment: 7, colour: [] } })).status]).toEqual([
      path,
      422,
    ]);
  }
});

test("what is not there is told as declared", async () => {
  for (const [method, path, operation] of operations()) {
    if (!path.includes("{")) continue;
    // These make it.
    if (method === "PUT") continue;
    const { status } = await call(method, path, { id: "not-there", ...bodyOf(method, path, operation) });
    expect([method, path, status]).toEqual([method, path, 404]);
  }
});

describe("what is made, changed and removed", () => {
  const kinds: [list: string, one: string, name: string, way: "PATCH" | "PUT"][] = [
    [`${ADMIN}/api-keys`, `${ADMIN}/api-keys/{id}`, "api_key", "PATCH"],
    [`${ADMIN}/budgets`, `${ADMIN}/budgets/{id}`, "budget", "PATCH"],
    [`${ADMIN}/providers`, `${ADMIN}/providers/{id}`, "change", "PUT"],
    [`${ADMIN}/routes`, `${ADMIN}/routes/{id}`, "route", "PUT"],
    [`${ADMIN}/users`, `${ADMIN}/users/{id}`, "user", "PATCH"],
    ["/api/v1/api-keys", "/api/v1/api-keys/{id}", "api_key", "PATCH"],
  ];
  test.each(kinds)("%s", async (list, one, name, way) => {
    const made = await call("POST", list, { body: BODIES[`POST ${list}`]?.() ?? {} });
    expect(made.status).toBe(201);
    const id = made.body[name].id ?? made.body[name].name;
    expect(made.headers.get("location")).toBe(one.replace("{id}", id));
    expect((await call("GET", list)).status).toBe(200);
    const shown = await call("GET", one, { id });
    const etag = shown.headers.get("etag") ?? "";
    expect([shown.status, made.headers.get("etag")]).toEqual([200, etag]);
    const body = BODIES[`${way} ${one}`]?.() ?? {};
    for (const stale of ['"of-another"', '"of-another", "of-a-third"']) {
      const late = await call(way, one, { id, body, headers: { "if-match": stale } });
      if (way === "PATCH" || !stale.includes(",")) expect(late.status).toBe(412);
    }
    if (way === "PUT") {
      expect((await call("DELETE", one, { id, headers: { "if-match": "no tag" } })).status).toBe(400);
      expect((await call(way, one, { id, body, headers: { "if-none-match": "*" } })).status).toBe(412);
      const again = await call("POST", list, { body: { ...body, name: id } });
      expect(again.status).toBe(409);
      const rollback = { id, body: { version: 1 } };
      expect((await call("POST", `${one}/rollback`, { ...rollback, headers: { "if-match": '"9"' } })).status).toBe(412);
      expect((await call("POST", `${one}/rollback`, rollback)).status).toBe(200);
      expect((await call("GET", `${one}/history`, { id })).status).toBe(200);
      expect((await call("PUT", one, { id: fresh(), body })).status).toBe(201);
    }
    const changed = await call(way, one, { id, body });
    expect([changed.status, changed.headers.has("etag")]).toEqual([200, true]);
    expect((await call("DELETE", one, { id, headers: { "if-match": etag.replace(/\d(?="$)/u, "7x") } })).status).toBe(
      412,
    );
    const gone = await call("DELETE", one, { id, headers: { prefer: "return=representation" } });
    expect(gone.status).toBe(list.startsWith(ADMIN) ? 200 : 204);
    expect((await call("DELETE", one, { id })).status).toBe(204);
    expect((await call("GET", one, { id })).status).toBe(404);
  });

  test("limits", async () => {
    const one = `${ADMIN}/limits/{id}`;
    const body = { concurrent: 900 };
    expect((await call("PUT", one, { id: "slow", body })).status).toBe(201);
    expect((await call("PUT", one, { id: "slow", body })).status).toBe(200);
    expect((await call("GET", one, { id: "slow" })).status).toBe(200);
    expect((await call("GET", one, { id: "declared" })).status).toBe(200);
    expect((await call("GET", `${ADMIN}/limits`)).status).toBe(200);
    expect((await call("PUT", one, { id: "declared", body })).status).toBe(409);
    expect((await call("DELETE", one, { id: "declared" })).status).toBe(409);
    expect((await call("PUT", one, { id: "slow", body: { ...body, user: "nobody@example.com" } })).status).toBe(404);
    expect((await call("PUT", one, { id: "slow", body, headers: { "if-match": '"7"' } })).status).toBe(412);
    expect((await call("PUT", one, { id: "slow", body, headers: { "if-match": "x" } })).status).toBe(400);
    expect((await call("DELETE", one, { id: "slow", headers: { "if-match": '"7"' } })).status).toBe(412);
    expect((await call("DELETE", one, { id: "slow", headers: { "if-match": "x" } })).status).toBe(400);
    expect((await call("DELETE", one, { id: "slow" })).status).toBe(204);
  });

  test("what does not go with what there is", async () => {
    const user = (await call("POST", `${ADMIN}/users`, { body: { email: "twice@example.com" } })).body["user"].id;
    expect((await call("POST", `${ADMIN}/users`, { body: { email: "twice@example.com" } })).status).toBe(409);
    expect((await call("PATCH", `${ADMIN}/users/{id}`, { id: user, body: { email: "admin@local" } })).status).toBe(409);
    expect(
      (await call("POST", `${ADMIN}/users/import`, { body: { users: [{ email: "twice@example.com" }] } })).status,
    ).toBe(409);
    const skipped = {
      users: [{ email: "twice@example.com" }, { email: "x" }],
      skip_existing: true,
      skip_invalid: true,
    };
    expect((await call("POST", `${ADMIN}/users/import`, { body: skipped })).status).toBe(200);
    expect(
      (await call("POST", `${ADMIN}/users/import`, { body: BODIES[`POST ${ADMIN}/users/import`]?.() })).status,
    ).toBe(201);
    const invite = { email: "twice@example.com", role: "gateway_admin" };
    expect((await call("POST", `${ADMIN}/users/invite`, { body: invite })).status).toBe(409);
    expect((await call("POST", `${ADMIN}/users/invite`, { body: { email: "twice@example.com" } })).status).toBe(200);
    expect((await call("POST", `${ADMIN}/users/invite`, { body: { email: "thrice@example.com" } })).status).toBe(201);
    const one = (await call("POST", `${ADMIN}/budgets`, { body: { name: "one", limit_tokens: 5 } })).body["budget"].id;
    await call("POST", `${ADMIN}/budgets`, { body: { name: "two", limit_tokens: 5 } });
    expect((await call("POST", `${ADMIN}/budgets`, { body: { name: "two", limit_tokens: 5 } })).status).toBe(409);
    expect(
      (await call("POST", `${ADMIN}/budgets`, { body: { name: "x", limit_tokens: 5, user: "nobody@example.com" } }))
        .status,
    ).toBe(404);
    const renamed = await call("PATCH", `${ADMIN}/budgets/{id}`, { id: one, body: { name: "two" } });
    expect([renamed.status, renamed.body["error"].message]).toEqual([
      409,
      expect.stringContaining('a budget named "two"'),
    ]);
    for (const list of [`${ADMIN}/api-keys`, "/api/v1/api-keys"]) {
      const body = list.startsWith(ADMIN) ? { user } : {};
      const id = (await call("POST", list, { body })).body["api_key"].id;
      expect((await call("POST", `${list}/{id}/rotate`, { id, body: {} })).status).toBe(201);
      expect((await call("POST", `${list}/{id}/revoke`, { id })).status).toBe(200);
      expect((await call("POST", `${list}/{id}/revoke`, { id })).status).toBe(200);
      expect((await call("POST", `${list}/{id}/rotate`, { id, body: {} })).status).toBe(409);
      expect((await call("PATCH", `${list}/{id}`, { id, body: { name: "n" } })).status).toBe(409);
    }
    expect((await call("POST", `${ADMIN}/api-keys`, { body: { user: "nobody@example.com" } })).status).toBe(404);
    expect((await call("GET", `${ADMIN}/api-keys`, { query: "?user=nobody@example.com" })).status).toBe(404);
    expect((await call("POST", `${ADMIN}/api-keys/revoke`, { body: { user: "nobody@example.com" } })).status).toBe(404);
    expect((await call("POST", `${ADMIN}/users/{id}/api-keys`, { id: user, body: {} })).status).toBe(201);
    const settings = `${ADMIN}/settings`;
    expect(
      (await call("PATCH", settings, { body: { log_level: "warn" }, headers: { "if-match": '"77"' } })).status,
    ).toBe(412);
  });

  test("the rest", async () => {
    const user = (await call("POST", `${ADMIN}/users`, { body: { email: "rest@example.com" } })).body["user"].id;
    for (const path of [
      `${ADMIN}/users/{id}/api-keys`,
      `${ADMIN}/users/{id}/identities`,
      `${ADMIN}/users/{id}/sessions`,
    ])
      expect((await call("GET", path, { id: user })).status).toBe(200);
    expect((await call("DELETE", `${ADMIN}/users/{id}/sessions`, { id: user })).status).toBe(200);
    for (const query of ["", "?user=rest@example.com"])
      for (const method of ["GET", "DELETE"])
        expect((await call(method, `${ADMIN}/sessions`, { query })).status).toBe(200);
    for (const method of ["GET", "DELETE"])
      expect((await call(method, `${ADMIN}/sessions`, { query: "?user=nobody@example.com" })).status).toBe(404);
    await call("POST", `${ADMIN}/providers`, { body: { ...PROVIDER, name: "acme" } });
    for (const act of ["disable", "enable", "test"])
      expect((await call("POST", `${ADMIN}/providers/{id}/${act}`, { id: "acme", body: {} })).status).toBe(200);
    for (const act of ["disable", "drain", "enable", "reset"])
      expect((await call("POST", `${ADMIN}/health/providers/{provider}/${act}`, { id: "acme", body: {} })).status).toBe(
        200,
      );
    const keys = `${ADMIN}/providers/{id}/keys`;
    expect((await call("PUT", keys, { id: "acme", body: { api_key: "sk-canary-documented" } })).status).toBe(200);
    expect((await call("PUT", keys, { id: "acme", body: { api_keys: { eu: null } } })).status).toBe(404);
    expect((await call("POST", `${ADMIN}/providers/rotate-secret`, { body: {} })).status).toBe(200);
    expect((await call("DELETE", `${ADMIN}/cache`)).status).toBe(200);
    expect((await call("GET", `${ADMIN}/route`, { query: "?model=no-such-model" })).status).toBe(404);
    const unknown = { body: { model: "no-such-model", messages: [{ role: "user", content: "hi" }] } };
    expect((await call("POST", `${ADMIN}/route`, { body: unknown })).status).toBe(404);
    expect((await call("POST", `${ADMIN}/route`, { body: BODIES[`POST ${ADMIN}/route`]?.() })).status).toBe(200);
    expect((await call("POST", `${ADMIN}/api-keys/revoke`, { body: { tag: "none-at-all" } })).status).toBe(200);
    expect((await call("GET", `${ADMIN}/settings`)).status).toBe(200);
    expect((await call("PATCH", `${ADMIN}/settings`, { body: { log_level: "warn" } })).status).toBe(200);
  });

  test("signing in and out", async () => {
    const out = { token: null, headers: SIGNED_IN };
    expect((await call("POST", "/api/v1/auth/login", { ...out, body: { email: "a@example.com" } })).status).toBe(202);
    expect((await call("POST", "/api/v1/auth/verify", { ...out, body: { token: "x" } })).status).toBe(401);
    const far = { token: null, headers: { "sec-fetch-site": "cross-site" } };
    expect((await call("POST", "/api/v1/auth/verify", { ...far, body: { token: "x" } })).status).toBe(403);
    expect((await call("POST", "/api/v1/auth/login", { ...far, body: { email: "x@example.com" } })).status).toBe(403);
    const { body } = await call("POST", `${ADMIN}/users/invite`, { body: { email: "enters@example.com" } });
    const token = String(body["link"]).split("#")[1];
    const entered = await call("POST", "/api/v1/auth/verify", { ...out, body: { token, confirm: true } });
    const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
    const inside = { token: null, headers: { cookie, ...SIGNED_IN } };
    const { sessions } = (await call("GET", "/api/v1/auth/sessions", inside)).body;
    expect(sessions).toHaveLength(1);
    expect((await call("DELETE", "/api/v1/auth/sessions", inside)).status).toBe(200);
    expect((await call("POST", "/api/v1/auth/logout", inside)).status).toBe(204);
    expect((await call("DELETE", "/api/v1/auth/sessions/{id}", { id: NEVER })).status).toBe(404);
    expect((await call("DELETE", `${ADMIN}/sessions/{id}`, { id: sessions[0].id })).status).toBe(204);
  });

  test("an invitation that the mail server does not take", async () => {
    const mailing = await makeRig({
      sendMail: () => Promise.reject(new Error("down")),
      config: (config) => ({ ...config, smtp: SMTP }),
    });
    try {
      const { token } = await mailing.issue("root_admin");
      const body = { email: "unsent@example.com" };
      const refused = await mailing.send(`${ADMIN}/users/invite`, { method: "POST", token, body });
      expect([refused.status, document["paths"][`${ADMIN}/users/invite`].post.responses["502"]]).toEqual([
        502,
        { $ref: "#/components/responses/502" },
      ]);
    } finally {
      await mailing.close();
    }
  });
});

/** These come of what this test has not at hand: a Redis, a disk that refuses, a whole way to an identity provider, many wrong keys, a race. */
const ELSEWHERE: Record<string, readonly string[]> = {
  "*": ["429", "502", "503"],
  [`DELETE ${ADMIN}/budgets/{id}`]: ["409"],
  [`DELETE ${ADMIN}/identities/{id}`]: ["200", "204"],
  [`DELETE ${ADMIN}/providers/{id}`]: ["409"],
  [`DELETE ${ADMIN}/routes/{id}`]: ["409"],
  [`DELETE ${ADMIN}/users/{id}`]: ["409"],
  [`PATCH ${ADMIN}/settings`]: ["409"],
  [`POST ${ADMIN}/providers/{id}/rollback`]: ["409"],
  [`POST ${ADMIN}/routes/{id}/rollback`]: ["409"],
  [`PUT ${ADMIN}/providers/{id}`]: ["409"],
  [`PUT ${ADMIN}/providers/{id}/keys`]: ["409", "412"],
  [`PUT ${ADMIN}/routes/{id}`]: ["409"],
  "DELETE /api/v1/auth/identities/{id}": ["204"],
  "GET /api/v1/usage/logs/{id}/payload": ["200"],
  "DELETE /api/v1/auth/sessions/{id}": ["204"],
  "POST /api/v1/auth/login": ["200"],
  "POST /api/v1/auth/verify": ["409"],
};

test("nothing is declared that never comes", async () => {
  const queries: Record<string, string> = {
    [`${ADMIN}/route`]: "?model=loopback",
    "/api/v1/usage/breakdown": "?by=model",
    "/api/v1/usage/export": "?format=csv",
  };
  const unseen: string[] = [];
  for (const [method, path, operation] of operations()) {
    const name = `${method} ${path}`;
    if (method === "GET" && !path.includes("{")) await call("GET", path, { query: queries[path] ?? "" });
    const declared = Object.keys(operation["responses"]).filter((status) => status !== "default");
    const apart = [...(ELSEWHERE["*"] ?? []), ...(ELSEWHERE[name] ?? [])];
    unseen.push(
      ...declared
        .filter((status) => !seen.get(name)?.has(status) && !apart.includes(status))
        .map((status) => `${name} ${status}`),
    );
  }
  expect(unseen).toEqual([]);
});
