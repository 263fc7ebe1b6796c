// What each route of the gateway's own API that is no question leaves in the record of changes: a request for each, and the row that it must leave. Whoever
// adds a route adds a line. Knows no test.

import type { Rig } from "../rig.ts";

export interface Scene {
  rig: Rig;
  /** A root's. */
  token: string;
  /** A user and a key that may be changed; new ones each time. */
  subject(): Promise<{ userId: string; keyId: string; token: string }>;
  /** A cookie of a session of that user. */
  session(userId: string): Promise<{ id: string; cookie: string }>;
}

export interface Sample {
  path?: string;
  body?: object;
  /** Of another caller than the root. */
  token?: string;
  cookie?: string;
  headers?: Record<string, string>;
}

interface Expectation {
  make(scene: Scene): Promise<Sample> | Sample;
  /** Several, the last first, where it does several things. */
  action: string | string[];
}

const ROUTE = { targets: "loopback" };
const PROVIDER = { type: "compatible", base_url: "https://acme.test/v1" };
const health = (action: string): Expectation => ({
  make: () => ({ path: `/api/v1/admin/health/providers/openai/${action}`, body: {} }),
  action: `provider.${action}`,
});

export const CHANGES: Record<string, Expectation> = {
  "DELETE /api/v1/admin/api-keys/:id": {
    make: async ({ subject }) => ({ path: `/api/v1/admin/api-keys/${(await subject()).keyId}` }),
    action: "key.delete",
  },
  "DELETE /api/v1/admin/budgets/:id": {
    make: async (scene) => ({ path: `/api/v1/admin/budgets/${await makeBudget(scene)}` }),
    action: "budget.delete",
  },
  "DELETE /api/v1/admin/cache": { make: () => ({}), action: "cache.clear" },
  "DELETE /api/v1/admin/identities/:id": {
    make: async (scene) => ({
      path: `/api/v1/admin/identities/${await makeIdentity(scene, (await scene.subject()).userId)}`,
    }),
    action: "identity.disconnect",
  },
  "DELETE /api/v1/admin/limits/:id": {
    make: async (scene) => ({ path: `/api/v1/admin/limits/${await makeLimit(scene)}` }),
    action: "limit.delete",
  },
  "DELETE /api/v1/admin/providers/:id": {
    make: async (scene) => ({ path: `/api/v1/admin/providers/${await makeProvider(scene)}` }),
    action: "provider.delete",
  },
  "DELETE /api/v1/admin/routes/:id": {
    make: async (scene) => ({ path: `/api/v1/admin/routes/${await makeRoute(scene)}` }),
    action: "route.delete",
  },
  "DELETE /api/v1/admin/sessions": {
    make: async ({ subject, session }) => {
      await session((await subject()).userId);
      return {};
    },
    action: "session.end",
  },
  "DELETE /api/v1/admin/sessions/:id": {
    make: async ({ subject, session }) => ({
      path: `/api/v1/admin/sessions/${(await session((await subject()).userId)).id}`,
    }),
    action: "session.end",
  },
  "DELETE /api/v1/admin/users/:id": {
    make: async ({ subject }) => ({ path: `/api/v1/admin/users/${(await subject()).userId}` }),
    action: "user.delete",
  },
  "DELETE /api/v1/admin/users/:id/sessions": {
    make: async ({ subject, session }) => {
      const { userId } = await subject();
      await session(userId);
      return { path: `/api/v1/admin/users/${userId}/sessions` };
    },
    action: "session.end",
  },
  "DELETE /api/v1/api-keys/:id": {
    make: async ({ subject }) => {
      const { keyId, token } = await subject();
      return { path: `/api/v1/api-keys/${keyId}`, token };
    },
    action: "key.delete",
  },
  "DELETE /api/v1/auth/identities/:id": {
    make: async (scene) => {
      const { userId } = await scene.subject();
      const { cookie } = await scene.session(userId);
      const path = `/api/v1/auth/identities/${await makeIdentity(scene, userId)}`;
      return { path, cookie, headers: { "sec-fetch-site": "same-origin" } };
    },
    action: "identity.disconnect",
  },
  "DELETE /api/v1/auth/sessions": {
    make: async ({ subject, session }) => {
      const { userId, token } = await subject();
      await session(userId);
      return { token };
    },
    action: "session.end",
  },
  "DELETE /api/v1/auth/sessions/:id": {
    make: async ({ subject, session }) => {
      const { userId, token } = await subject();
      return { path: `/api/v1/auth/sessions/${(await session(userId)).id}`, token };
    },
    action: "session.end",
  },
  "PATCH /api/v1/admin/api-keys/:id": {
    make: async ({ subject }) => ({
      path: `/api/v1/admin/api-keys/${(await subject()).keyId}`,
      body: { name: "another" },
    }),
    action: "key.update",
  },
  "PATCH /api/v1/admin/budgets/:id": {
    make: async (scene) => ({ path: `/api/v1/admin/budgets/${await makeBudget(scene)}`, body: { limit_usd: 5 } }),
    action: "budget.update",
  },
  "PATCH /api/v1/admin/settings": {
    make: () => ({ path: "/api/v1/admin/settings", body: { queue_length: 31 } }),
    action: "settings.update",
  },
  "PATCH /api/v1/admin/users/:id": {
    make: async ({ subject }) => ({
      path: `/api/v1/admin/users/${(await subject()).userId}`,
      body: { status: "suspended" },
    }),
    action: "user.update",
  },
  "PATCH /api/v1/api-keys/:id": {
    make: async ({ subject }) => {
      const { keyId, token } = await subject();
      return { path: `/api/v1/api-keys/${keyId}`, token, body: { name: "mine" } };
    },
    action: "key.update",
  },
  "POST /api/v1/admin/api-keys": {
    make: async ({ subject }) => ({ body: { user: (await subject()).userId } }),
    action: "key.create",
  },
  "POST /api/v1/admin/api-keys/:id/revoke": {
    make: async ({ subject }) => ({ path: `/api/v1/admin/api-keys/${(await subject()).keyId}/revoke` }),
    action: "key.revoke",
  },
  "POST /api/v1/admin/api-keys/:id/rotate": {
    make: async ({ subject }) => ({ path: `/api/v1/admin/api-keys/${(await subject()).keyId}/rotate`, body: {} }),
    action: "key.rotate",
  },
  // One for each key; the user has one.
  "POST /api/v1/admin/api-keys/revoke": {
    make: async ({ subject }) => ({ body: { user: (await subject()).userId } }),
    action: "key.revoke",
  },
  "POST /api/v1/admin/budgets": { make: () => ({ body: { name: "new", limit_usd: 1 } }), action: "budget.create" },
  "POST /api/v1/admin/health/providers/:provider/disable": health("disable"),
  "POST /api/v1/admin/health/providers/:provider/drain": health("drain"),
  "POST /api/v1/admin/health/providers/:provider/enable": health("enable"),
  "POST /api/v1/admin/health/providers/:provider/reset": health("reset"),
  "POST /api/v1/admin/providers": {
    make: () => ({ body: { name: "new", ...PROVIDER } }),
    action: "provider.create",
  },
  "POST /api/v1/admin/providers/:id/disable": {
    make: () => ({ path: "/api/v1/admin/providers/openai/disable", body: {} }),
    action: "provider.disable",
  },
  "POST /api/v1/admin/providers/:id/enable": {
    make: () => ({ path: "/api/v1/admin/providers/openai/enable", body: {} }),
    action: "provider.enable",
  },
  "POST /api/v1/admin/providers/:id/rollback": {
    make: async (scene) => ({
      path: `/api/v1/admin/providers/${await makeProvider(scene)}/rollback`,
      body: { version: 1 },
    }),
    action: "provider.update",
  },
  // One for each credential; there is one here.
  "POST /api/v1/admin/providers/rotate-secret": {
    make: async (scene) => {
      const path = `/api/v1/admin/providers/${await makeProvider(scene)}/keys`;
      await scene.rig.send(path, { method: "PUT", token: scene.token, body: { api_key: "sk-canary-rotated-0123" } });
      return { body: {} };
    },
    action: "provider.encrypt",
  },
  "POST /api/v1/admin/routes": { make: () => ({ body: { name: "new", ...ROUTE } }), action: "route.create" },
  "POST /api/v1/admin/routes/:id/rollback": {
    make: async (scene) => ({
      path: `/api/v1/admin/routes/${await makeRoute(scene)}/rollback`,
      body: { version: 1 },
    }),
    action: "route.update",
  },
  "POST /api/v1/admin/users": { make: () => ({ body: { email: "new@example.com" } }), action: "user.create" },
  "POST /api/v1/admin/users/:id/api-keys": {
    make: async ({ subject }) => ({ path: `/api/v1/admin/users/${(await subject()).userId}/api-keys`, body: {} }),
    action: "key.create",
  },
  "POST /api/v1/admin/users/import": {
    make: () => ({ body: { users: [{ email: "imported@example.com" }] } }),
    action: "user.create",
  },
  "POST /api/v1/admin/users/invite": {
    make: () => ({ body: { email: "invited@example.com" } }),
    // The user, and a link that signs in.
    action: ["link.create", "user.create"],
  },
  "POST /api/v1/api-keys": {
    make: async ({ subject }) => ({ body: {}, token: (await subject()).token }),
    action: "key.create",
  },
  "POST /api/v1/api-keys/:id/revoke": {
    make: async ({ subject }) => {
      const { keyId, token } = await subject();
      return { path: `/api/v1/api-keys/${keyId}/revoke`, token };
    },
    action: "key.revoke",
  },
  "POST /api/v1/api-keys/:id/rotate": {
    make: async ({ subject }) => {
      const { keyId, token } = await subject();
      return { path: `/api/v1/api-keys/${keyId}/rotate`, token, body: {} };
    },
    action: "key.rotate",
  },
  "POST /api/v1/auth/logout": {
    make: async ({ subject, session }) => {
      const { cookie } = await session((await subject()).userId);
      return { cookie, headers: { "sec-fetch-site": "same-origin" } };
    },
    action: "auth.sign_out",
  },
  "POST /api/v1/auth/verify": {
    make: async ({ rig, subject }) => ({
      body: { token: await makeLink(rig, (await subject()).userId) },
      headers: { "sec-fetch-site": "same-origin" },
    }),
    action: "auth.sign_in",
  },
  "PUT /api/v1/admin/limits/:id": {
    make: async (scene) => ({ path: `/api/v1/admin/limits/${await makeLimit(scene)}`, body: { concurrent: 5 } }),
    action: "limit.update",
  },
  "PUT /api/v1/admin/providers/:id": {
    make: async (scene) => ({ path: `/api/v1/admin/providers/${await makeProvider(scene)}`, body: PROVIDER }),
    action: "provider.update",
  },
  "PUT /api/v1/admin/providers/:id/keys": {
    make: async (scene) => ({
      path: `/api/v1/admin/providers/${await makeProvider(scene)}/keys`,
      body: { api_key: "sk-canary-provider-0123" },
    }),
    action: "provider.update",
  },
  "PUT /api/v1/admin/routes/:id": {
    make: async (scene) => ({ path: `/api/v1/admin/routes/${await makeRoute(scene)}`, body: ROUTE }),
    action: "route.update",
  },
};

/** What is no GET, and changes nothing that anybody has to answer for. */
export const NO_CHANGES: Record<string, string> = {
  "POST /api/v1/admin/providers/:id/test": "tries a provider; a call that it makes is on the books",
  "POST /api/v1/admin/route": "explains what would be decided",
  "POST /api/v1/auth/oidc/connect": "nothing is connected before somebody comes back, which is recorded",
  "POST /api/v1/auth/login": "a link that was asked for is worth nothing before it is used, which is recorded",
};

async function makeIdentity({ rig }: Scene, userId: string): Promise<string> {
  const [id, at] = [Bun.randomUUIDv7(), new Date(rig.clock.wallMs())];
  const account = { issuer: "https://login.example.com", subject: id, email: null };
  await rig.store.identity.createIdentity({ id, userId, ...account, createdAt: at, lastUsedAt: at });
  return id;
}

export async function makeLink(rig: Rig, userId: string): Promise<string> {
  const { createSignIn } = await import("../../src/identity/index.ts");
  const signIn = createSignIn({ store: rig.store.identity, now: rig.clock.wallMs });
  return (await signIn.makeLink(userId, { kind: "hand-out", ttlMs: 60_000 })).token;
}

async function makeBudget({ rig, token }: Scene): Promise<string> {
  const body = { name: `b-${crypto.randomUUID()}`, limit_usd: 1 };
  const response = await rig.send("/api/v1/admin/budgets", { method: "POST", token, body });
  return ((await response.json()) as { budget: { id: string } }).budget.id;
}

async function makeLimit({ rig, token }: Scene): Promise<string> {
  const name = `l-${crypto.randomUUID().slice(0, 8)}`;
  await rig.send(`/api/v1/admin/limits/${name}`, { method: "PUT", token, body: { concurrent: 9 } });
  return name;
}

async function makeProvider({ rig, token }: Scene): Promise<string> {
  const name = `p-${crypto.randomUUID().slice(0, 8)}`;
  await rig.send("/api/v1/admin/providers", { method: "POST", token, body: { name, ...PROVIDER } });
  return name;
}

async function makeRoute({ rig, token }: Scene): Promise<string> {
  const name = `r-${crypto.randomUUID()}`;
  await rig.send("/api/v1/admin/routes", { method: "POST", token, body: { name, ...ROUTE } });
  return name;
}
