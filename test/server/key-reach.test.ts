// A key that may make or change keys makes and changes none that reaches further than itself: whatever narrows it is handed on, or refused with a word.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { KeyWish } from "../../src/identity/index.ts";
import { type Rig, makeRig, readJson } from "../rig.ts";

const OPERATOR = { kind: "operator" } as const;
const OWN = "/api/v1/api-keys";
const ADMIN = "/api/v1/admin/api-keys";

let rig: Rig;
let root = "";
beforeAll(async () => {
  rig = await makeRig({ upstream: () => Response.json({}) });
  root = (await rig.issue("root_admin")).token;
});
afterAll(() => rig.close());

type Issued = Awaited<ReturnType<Rig["issue"]>>;

async function ask(token: string, path: string, init: { method?: string; body?: object; ip?: string } = {}) {
  const { body, method = body === undefined ? "GET" : "POST", ip } = init;
  const response = await rig.app.fetch(
    new Request(`http://gateway.test${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
    {
      requestIP: () => ({ address: ip ?? "10.0.0.7", port: 1 }),
      timeout: () => undefined,
      upgrade: () => false,
    },
  );
  const answer = response.status === 204 ? {} : await readJson(response);
  return { status: response.status, answer, code: answer.error?.code, param: answer.error?.param };
}

/** Another key of the same user. */
async function sibling({ userId }: Issued, wish: KeyWish = {}): Promise<{ id: string; token: string }> {
  const { key, token } = await rig.directory.createKey(OPERATOR, userId, wish);
  await rig.ring.refresh();
  return { id: key.id, token };
}

/** By what a key is narrowed, and how another one says the same. */
const BOUNDS: Record<string, { wish: KeyWish; said: Record<string, unknown>; lifted: Record<string, unknown> }> = {
  scopes: {
    wish: { scopes: ["keys:own", "keys:manage", "inference:chat"] },
    said: { scopes: ["inference:chat"] },
    lifted: { scopes: [] },
  },
  strict: { wish: { strict: true }, said: { strict: true }, lifted: { strict: false } },
  allowed_models: {
    wish: { allowedModels: ["gpt-4o*"] },
    said: { allowed_models: ["gpt-4o-mini"] },
    lifted: { allowed_models: null },
  },
  allowed_providers: {
    wish: { allowedProviders: ["local"] },
    said: { allowed_providers: ["local"] },
    lifted: { allowed_providers: [] },
  },
  allowed_ips: {
    wish: { allowedIps: ["10.0.0.0/8"] },
    said: { allowed_ips: ["10.1.0.0/16"] },
    lifted: { allowed_ips: ["0.0.0.0/0"] },
  },
  tags: { wish: { tags: ["team=a"] }, said: { tags: ["team=a", "b"] }, lifted: { tags: ["b"] } },
  expires_at: {
    wish: { expiresAt: new Date("2090-01-01T00:00:00Z") },
    said: { expires_at: "2089-01-01T00:00:00Z" },
    lifted: { expires_at: null },
  },
};

describe.each(Object.entries(BOUNDS))("a key that is narrowed by %s", (name, { wish, said, lifted }) => {
  const refusal = name === "scopes" ? "scope_not_held" : "wider_than_own";

  test("makes none without it, its owner's or anybody's, and makes one with it", async () => {
    const key = await rig.issue("gateway_admin", wish);
    const { userId } = await rig.issue();
    for (const [path, more] of [
      [OWN, {}],
      [ADMIN, { user: userId }],
      [ADMIN, { user: key.userId }],
    ] as const) {
      for (const body of [{}, lifted]) {
        const { status, code, param } = await ask(key.token, path, { body: { ...more, ...body } });
        expect([path, body, status, code, param]).toEqual([path, body, 403, refusal, name]);
      }
      expect((await ask(key.token, path, { body: { ...more, ...said } })).status).toBe(201);
    }
  });

  test("does not lift it off itself, nor off another key of its owner, and takes no other key's token", async () => {
    const key = await rig.issue("gateway_admin", wish);
    const [like, wide] = [await sibling(key, wish), await sibling(key)];
    for (const path of [OWN, ADMIN]) {
      const own = await ask(key.token, `${path}/${key.keyId}`, { method: "PATCH", body: lifted });
      expect([own.status, own.code]).toEqual([403, refusal]);
      const other = await ask(key.token, `${path}/${like.id}`, { method: "PATCH", body: lifted });
      expect(other.status).toBe(403);
      const rotated = await ask(key.token, `${path}/${wide.id}/rotate`, { body: {} });
      expect([rotated.status, rotated.code]).toEqual([403, refusal]);
      expect((await ask(key.token, `${path}/${like.id}`, { method: "PATCH", body: said })).status).toBe(200);
      expect((await ask(key.token, `${path}/${like.id}/rotate`, { body: {} })).status).toBe(201);
    }
    expect((await ask(wide.token, `${OWN}/${key.keyId}`, { method: "PATCH", body: lifted })).status).toBe(200);
  });
});

test("a key that is narrowed takes no other bound off its owner's keys either, and may put more on them", async () => {
  const key = await rig.issue("gateway_admin", { allowedIps: ["10.0.0.0/8"] });
  const bound = await sibling(key, { allowedModels: ["gpt-4o"], allowedIps: ["10.0.0.0/8"], strict: true });
  for (const path of [OWN, ADMIN]) {
    for (const body of [{ allowed_models: ["*"] }, { allowed_models: [] }, { strict: false }]) {
      const { status, code } = await ask(key.token, `${path}/${bound.id}`, { method: "PATCH", body });
      expect([path, body, status, code]).toEqual([path, body, 403, "lifts_bounds"]);
    }
  }
  const more = { allowed_providers: ["openai"], scopes: ["inference"], name: "narrower" };
  expect((await ask(key.token, `${OWN}/${bound.id}`, { method: "PATCH", body: more })).status).toBe(200);
  // Other people's keys are an administrator's to widen, as far as he reaches himself.
  const { keyId } = await rig.issue("gateway_user", { allowedModels: ["gpt-4o"] });
  expect((await ask(key.token, `${ADMIN}/${keyId}`, { method: "PATCH", body: { allowed_models: [] } })).status).toBe(
    200,
  );
});

/** What counts for one key alone. */
const METERS: Record<string, (keyId: string) => Promise<void>> = {
  "a budget": async (keyId) => {
    const body = { name: keyId, api_key_id: keyId, limit_usd: 1, mode: "shadow" };
    expect((await ask(root, "/api/v1/admin/budgets", { body })).answer.budget.id).toBeString();
  },
  "a rate limit": async (keyId) => {
    const body = { key: keyId, requests_per_minute: 1_000 };
    expect((await ask(root, `/api/v1/admin/limits/k-${keyId}`, { method: "PUT", body })).status).toBe(201);
  },
};

describe.each(Object.entries(METERS))("a key with %s of its own", (_name, meter) => {
  test("makes no key, and changes and rotates none but itself", async () => {
    const key = await rig.issue("gateway_admin");
    const other = await sibling(key);
    expect((await ask(key.token, OWN, { body: {} })).status).toBe(201);
    await meter(key.keyId);
    const acts: [string, string, object][] = [
      ["POST", OWN, {}],
      ["POST", ADMIN, { user: key.userId }],
      ["POST", `/api/v1/admin/users/${key.userId}/api-keys`, {}],
      ["POST", ADMIN, { user: key.userId, budget: { limit_usd: 1 } }],
      ["POST", `${OWN}/${other.id}/rotate`, {}],
      ["POST", `${ADMIN}/${other.id}/rotate`, {}],
      ["PATCH", `${OWN}/${other.id}`, { allowed_models: [] }],
      ["PATCH", `${ADMIN}/${other.id}`, { allowed_models: [] }],
    ];
    for (const [method, path, body] of acts) {
      const { status, code, answer } = await ask(key.token, path, { method, body });
      expect([method, path, status, code]).toEqual([method, path, 403, "metered_key"]);
      expect(answer.error.message).toContain("at the console, or with a key that has none");
    }
    expect((await ask(key.token, `${OWN}/${key.keyId}`, { method: "PATCH", body: { name: "mine" } })).status).toBe(200);
    const { answer, status } = await ask(key.token, `${OWN}/${key.keyId}/rotate`, { body: {} });
    expect(status).toBe(201);
    // The same key, under the same rule.
    expect((await ask(answer.token, OWN, { body: {} })).code).toBe("metered_key");
    expect((await ask(other.token, OWN, { body: {} })).status).toBe(201);
  });
});

test("no key changes or lifts the budgets and rate limits on itself", async () => {
  const key = await rig.issue("gateway_admin");
  for (const meter of Object.values(METERS)) await meter(key.keyId);
  const acts: [string, string, object?][] = [
    ["PATCH", `/api/v1/admin/budgets/${key.keyId}`, { limit_usd: 1_000 }],
    ["DELETE", `/api/v1/admin/budgets/${key.keyId}`],
    ["PUT", `/api/v1/admin/limits/k-${key.keyId}`, { key: key.keyId, requests_per_minute: 100_000 }],
    ["PUT", `/api/v1/admin/limits/k-${key.keyId}`, { concurrent: 100_000 }],
    ["DELETE", `/api/v1/admin/limits/k-${key.keyId}`],
  ];
  for (const [method, path, body] of acts) {
    const { status, code } = await ask(key.token, path, { method, ...(body === undefined ? {} : { body }) });
    expect([method, path, status, code]).toEqual([method, path, 403, "own_bounds"]);
  }
  const other = await sibling(key);
  for (const [method, path, body] of acts.filter(([, , each]) => each === undefined || !("concurrent" in each))) {
    expect((await ask(other.token, path, { method, ...(body === undefined ? {} : { body }) })).status).toBeLessThan(
      300,
    );
  }
});

describe("a key that is limited lets nobody in as an administrator, its owner included:", () => {
  const LIMITS: Record<string, (key: Issued) => Promise<string>> = {
    "to models": async (key) => (await sibling(key, { allowedModels: ["gpt-4o"] })).token,
    "to addresses": async (key) => (await sibling(key, { allowedIps: ["10.0.0.0/8"] })).token,
    "in time": async (key) => (await sibling(key, { expiresAt: new Date(Date.now() + 3_600_000) })).token,
    ...Object.fromEntries(
      Object.entries(METERS).map(([name, meter]) => [
        `by ${name}`,
        async (key: Issued) => {
          const { id, token } = await sibling(key);
          await meter(id);
          return token;
        },
      ]),
    ),
  };

  test.each(Object.entries(LIMITS))("%s", async (_name, limit) => {
    const key = await rig.issue("gateway_admin");
    const token = await limit(key);
    const { userId } = await rig.issue();
    const fresh = (): string => `n-${crypto.randomUUID()}@example.com`;
    const acts: [string, string, object][] = [
      ["POST", "/api/v1/admin/users", { email: fresh(), role: "gateway_admin" }],
      ["POST", "/api/v1/admin/users/invite", { email: fresh(), role: "gateway_admin" }],
      ["POST", "/api/v1/admin/users/invite", { email: key.email }],
      ["POST", "/api/v1/admin/users/import", { users: [{ email: fresh(), role: "gateway_admin" }] }],
      ["PATCH", `/api/v1/admin/users/${userId}`, { role: "gateway_admin" }],
      ["PATCH", `/api/v1/admin/users/${key.userId}`, { email: fresh() }],
    ];
    for (const [method, path, body] of acts) {
      const { status } = await ask(token, path, { method, body });
      expect([method, path, status]).toEqual([method, path, 403]);
    }
    expect((await ask(token, "/api/v1/admin/users", { body: { email: fresh() } })).status).toBe(201);
    expect(
      (await ask(key.token, "/api/v1/admin/users", { body: { email: fresh(), role: "gateway_admin" } })).status,
    ).toBe(201);
  });
});

test("a key that may use some models only leads none of their names to another", async () => {
  const wish: KeyWish = { allowedModels: ["loopback"] };
  const { token } = await rig.issue("gateway_admin", wish);
  const route = { match: "loopback", targets: "openai/o3" };
  for (const [path, init] of [
    ["/api/v1/admin/routes/mine", { method: "PUT", body: route }],
    ["/api/v1/admin/routes", { body: { name: "mine", ...route } }],
    ["/api/v1/admin/routes/mine/rollback", { body: { version: 1 } }],
    ["/api/v1/admin/routes/mine", { method: "DELETE" }],
  ] as const) {
    const { status, code } = await ask(token, path, init);
    expect([path, status, code]).toEqual([path, 403, "wider_than_own"]);
  }
  expect((await ask(token, "/api/v1/admin/routes")).status).toBe(200);
  expect((await ask(root, "/api/v1/admin/routes/mine", { method: "PUT", body: route })).status).toBe(201);
});
