// Default deny, generated from the route table: every route as nobody, with a bad key, and with every scope and role that must not do.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ROLES, SCOPES, type Scope, allows } from "../../src/identity/index.ts";
import type { Route } from "../../src/server/route.ts";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig;
let routes: readonly Route[] = [];
beforeAll(async () => {
  rig = await makeRig({ upstream: () => Response.json({}) });
  routes = rig.app.routes;
});
afterAll(() => rig.close());

function address(route: Route): string {
  return route.path.replace(":provider", "openai").replace(/:id\{\.\+\}|:id|\{model\}/u, "no-such-id");
}

function call(route: Route, token: string | null): Promise<Response> {
  const body = route.method === "GET" || route.method === "DELETE" ? undefined : {};
  return rig.send(address(route), { method: route.method, token, ...(body === undefined ? {} : { body }) });
}

test("only the root, health, version, the reference, the built-in page and its two doors are public, and they are", async () => {
  const open = routes.filter((route) => route.authority === "public");
  const named = open
    .map((route) => route.path)
    .filter((path) => !path.startsWith("/health") && !path.startsWith("/ui/") && !path.startsWith("/docs/"));
  expect(named.toSorted((left, right) => left.localeCompare(right))).toEqual([
    "/",
    "/api/hello",
    "/api/v1/auth/login",
    "/api/v1/auth/methods",
    "/api/v1/auth/oidc/callback",
    "/api/v1/auth/oidc/start",
    "/api/v1/auth/verify",
    "/docs",
    "/h5",
    "/openapi.json",
    "/ui",
    "/version",
  ]);
  // A door says what is wrong with an empty knock, and where the page is.
  const answers = open.map(async (route) => [route.path, (await call(route, null)).status]);
  for (const [path, status] of await Promise.all(answers)) {
    expect([path, status]).toEqual([path, EMPTY_KNOCK.get(String(path)) ?? 200]);
  }
});

/** There is no identity provider here. */
const EMPTY_KNOCK: ReadonlyMap<string, number> = new Map([
  ["/api/v1/auth/login", 422],
  ["/api/v1/auth/oidc/callback", 404],
  ["/api/v1/auth/oidc/start", 404],
  ["/api/v1/auth/verify", 422],
  ["/h5", 308],
  ["/ui", 308],
]);

test("every other route refuses nobody, a stranger's key, an expired, a revoked and a suspended one", async () => {
  const expired = await rig.issue("root_admin", { expiresAt: new Date(rig.clock.wallMs() + 1_000) });
  const revoked = await rig.issue("root_admin");
  const suspended = await rig.issue("root_admin");
  const operator = { kind: "operator" } as const;
  await rig.directory.deleteKey(operator, revoked.keyId, { hard: false });
  await rig.directory.updateUser(operator, suspended.userId, { status: "suspended" });
  // Written behind the server's back; the next look at the database, which `issue` brings about, must see it.
  await rig.issue();
  rig.clock.advance(2_000);
  const tokens = [null, "sk-foreign", `tok_${"A".repeat(43)}`, expired.token, revoked.token];
  const refuse = async (route: Route): Promise<void> => {
    for (const token of tokens) {
      const response = await call(route, token);
      expect([route.method, route.path, response.status]).toEqual([route.method, route.path, 401]);
      const { error } = await readJson(response);
      expect(JSON.stringify(error)).not.toContain(token ?? "no token");
    }
    expect([route.path, (await call(route, suspended.token)).status]).toEqual([route.path, 403]);
  };
  // Side by side: looks for a key that nobody knows are spaced, and shared by all who wait.
  await Promise.all(routes.filter((route) => route.authority !== "public").map(refuse));
});

describe("scopes and roles", () => {
  test("every scope opens something", () => {
    const taken = routes.flatMap(({ authority }) => (typeof authority === "string" ? [] : [...authority.anyOf]));
    // These cover others, and open what those open.
    expect(Object.keys(SCOPES).filter((scope) => !taken.some((one) => one === scope))).toEqual(["admin", "inference"]);
  });

  test("a key does what its scope and its owner's role allow, and nothing else", async () => {
    for (const role of ROLES) {
      for (const scope of Object.keys(SCOPES) as Scope[]) {
        // Made while the owner was more than he is now: what he has lost, his keys have lost.
        const { token, userId } = await rig.issue("root_admin", { scopes: [scope] });
        await rig.directory.updateUser({ kind: "operator" }, userId, { role });
        await rig.issue();
        for (const route of routes) {
          if (typeof route.authority === "string") continue;
          const may = route.authority.anyOf.some((needed) => allows({ role, scopes: [scope] }, needed));
          const response = await call(route, token);
          const refused = response.status === 403 && /"insufficient_(?:role|scope)"/iu.test(await response.text());
          expect([role, scope, route.method, route.path, !refused]).toEqual([
            role,
            scope,
            route.method,
            route.path,
            may,
          ]);
        }
      }
    }
  });
  test("a gateway user without scopes reaches no admin route", async () => {
    const { token } = await rig.issue("gateway_user");
    for (const route of routes.filter((each) => each.path.startsWith("/api/v1/admin"))) {
      expect([route.path, (await call(route, token)).status]).toEqual([route.path, 403]);
    }
  });
});

test("an unknown address tells nobody anything", async () => {
  expect((await rig.send("/v1/nothing", { token: null })).status).toBe(401);
  expect((await rig.send("/v1/nothing")).status).toBe(404);
});

test("X-API-Key works wherever a bearer does", async () => {
  const { token } = await rig.issue("root_admin");
  for (const path of ["/v1/models", "/api/v1/profile", "/api/v1/usage/summary", "/api/v1/admin/users"]) {
    expect([path, (await rig.send(path, { token: null, headers: { "x-api-key": token } })).status]).toEqual([
      path,
      200,
    ]);
  }
});
