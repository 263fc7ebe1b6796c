// A session's life: what it may do, from where, how long, and what ends it.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createSignIn } from "../../../src/identity/index.ts";
import { readJson } from "../../rig.ts";
import { makeOidc } from "./oidc-scene.ts";
import { type Browser, type Scene, SMTP, fail, openBrowser, openScene } from "./scene.ts";

const OPERATOR = { kind: "operator" } as const;
let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.rig.close());

async function enter(email: string, role = "gateway_user"): Promise<{ browser: Browser; userId: string }> {
  const { rig, clock } = scene;
  const user = await rig.directory.createUser(OPERATOR, { email, role });
  const signIn = createSignIn({ store: rig.store.identity, now: clock.wallMs });
  const { token } = await signIn.makeLink(email, { kind: "hand-out", ttlMs: 60_000 });
  const browser = openBrowser(scene);
  expect((await browser.ask("/api/v1/auth/verify", { body: { token } })).status).toBe(200);
  return { browser, userId: user.id };
}

test("does what its user's role allows, and calls no model", async () => {
  const { browser } = await enter("ann@example.com");
  expect((await browser.ask("/api/v1/profile")).status).toBe(200);
  expect((await browser.ask("/api/v1/usage/summary")).status).toBe(200);
  expect((await browser.ask("/api/v1/admin/users")).status).toBe(403);
  expect((await browser.ask("/v1/models")).status).toBe(401);
  expect((await browser.ask("/v1/chat/completions", { body: { model: "loopback", messages: [] } })).status).toBe(401);
  const admin = await enter("root@example.com", "gateway_admin");
  expect((await admin.browser.ask("/api/v1/admin/users")).status).toBe(200);
});

test("changes nothing for a page that is not ours", async () => {
  const { browser } = await enter("ann@example.com");
  for (const headers of [
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "same-origin", origin: "http://evil.test" },
    { "sec-fetch-site": "same-origin", origin: "null" },
  ]) {
    expect(await fail(await browser.ask("/api/v1/api-keys", { body: {}, headers }))).toEqual([403, "cross_site"]);
    expect(await fail(await browser.ask("/api/v1/auth/logout", { body: {}, headers }))).toEqual([403, "cross_site"]);
  }
  expect((await browser.ask("/api/v1/api-keys", { body: {} })).status).toBe(201);
});

describe("is over", () => {
  test("after twelve idle hours, and not while it is used", async () => {
    const { browser } = await enter("ann@example.com");
    for (let day = 0; day < 6; day++) {
      scene.clock.advance(11 * 3_600_000);
      expect((await browser.ask("/api/v1/profile")).status).toBe(200);
    }
    scene.clock.advance(12 * 3_600_000);
    expect(await fail(await browser.ask("/api/v1/profile"))).toEqual([401, "invalid_session"]);
  });

  test("after seven days, however much it is used", async () => {
    const { browser } = await enter("ann@example.com");
    for (let step = 0; step < 16; step++) {
      scene.clock.advance(10 * 3_600_000);
      expect((await browser.ask("/api/v1/profile")).status).toBe(200);
    }
    scene.clock.advance(8 * 3_600_000);
    expect((await browser.ask("/api/v1/profile")).status).toBe(401);
  });

  test("when its user is suspended, deleted, or given another role, and stays over", async () => {
    const { browser, userId } = await enter("ann@example.com");
    const change = async (what: { role?: string; status?: string }): Promise<void> => {
      const { token } = await scene.rig.issue("root_admin");
      await scene.rig.send(`/api/v1/admin/users/${userId}`, { method: "PATCH", body: what, token });
    };
    await change({ status: "suspended" });
    expect((await browser.ask("/api/v1/profile")).status).toBe(401);
    await change({ status: "active" });
    expect((await browser.ask("/api/v1/profile")).status).toBe(401);
    const second = await enter("bob@example.com");
    const { token } = await scene.rig.issue("root_admin");
    await scene.rig.send(`/api/v1/admin/users/${second.userId}`, {
      method: "PATCH",
      body: { role: "gateway_admin" },
      token,
    });
    expect((await second.browser.ask("/api/v1/profile")).status).toBe(401);
    const third = await enter("cid@example.com");
    await scene.rig.send(`/api/v1/admin/users/${third.userId}`, { method: "DELETE", token });
    expect((await third.browser.ask("/api/v1/profile")).status).toBe(401);
  });

  test("when its browser signs in anew", async () => {
    const { browser } = await enter("ann@example.com");
    const old = browser.cookies.get("tokligence_session") ?? "";
    const signIn = createSignIn({ store: scene.rig.store.identity, now: scene.clock.wallMs });
    const { token } = await signIn.makeLink("ann@example.com", { kind: "hand-out", ttlMs: 60_000 });
    await browser.ask("/api/v1/auth/verify", { body: { token } });
    expect(browser.cookies.get("tokligence_session")).not.toBe(old);
    const thief = openBrowser(scene);
    thief.cookies.set("tokligence_session", old);
    expect((await thief.ask("/api/v1/profile")).status).toBe(401);
  });

  test("and is listed no more once it is idle", async () => {
    const { browser } = await enter("ann@example.com");
    scene.clock.advance(12 * 3_600_000);
    expect((await browser.ask("/api/v1/auth/sessions")).status).toBe(401);
    const signIn = createSignIn({ store: scene.rig.store.identity, now: scene.clock.wallMs });
    const { token } = await signIn.makeLink("ann@example.com", { kind: "hand-out", ttlMs: 60_000 });
    const second = openBrowser(scene);
    await second.ask("/api/v1/auth/verify", { body: { token } });
    expect((await readJson(await second.ask("/api/v1/auth/sessions"))).sessions).toHaveLength(1);
  });

  test("when it signs out, or is ended from another browser; nobody ends another's", async () => {
    const { browser } = await enter("ann@example.com");
    const list = async (of: Browser) => (await readJson(await of.ask("/api/v1/auth/sessions"))).sessions;
    const [session] = await list(browser);
    expect(session).toMatchObject({ current: true, user_agent: "Test Browser", address: "127.0.0.1" });
    expect(JSON.stringify(session)).not.toContain(browser.cookies.get("tokligence_session") ?? "none");
    const other = await enter("bob@example.com");
    expect((await other.browser.ask(`/api/v1/auth/sessions/${session.id}`, { method: "DELETE" })).status).toBe(404);
    expect((await browser.ask(`/api/v1/auth/sessions/${session.id}`, { method: "DELETE" })).status).toBe(204);
    expect((await browser.ask("/api/v1/profile")).status).toBe(401);
    expect((await other.browser.ask("/api/v1/auth/logout", { body: {} })).status).toBe(204);
    expect(other.browser.cookies.has("tokligence_session")).toBe(false);
  });
});

describe("one's own keys", () => {
  test("are made, listed and revoked, and never another's", async () => {
    const { browser } = await enter("ann@example.com");
    const made = await readJson(await browser.ask("/api/v1/api-keys", { body: { name: "laptop" } }));
    expect(made.token).toMatch(/^tok_/u);
    const { api_keys: keys } = await readJson(await browser.ask("/api/v1/api-keys"));
    expect(keys).toEqual([made.api_key]);
    const other = await enter("bob@example.com");
    expect((await other.browser.ask(`/api/v1/api-keys/${made.api_key.id}`, { method: "DELETE" })).status).toBe(404);
    expect((await browser.ask(`/api/v1/api-keys/${made.api_key.id}`, { method: "DELETE" })).status).toBe(204);
  });

  test("hand on nothing that the user may not do", async () => {
    const { browser } = await enter("ann@example.com");
    for (const scopes of [["passthrough"], ["admin"], ["users:manage"], ["inference", "metrics:read"]]) {
      expect(await fail(await browser.ask("/api/v1/api-keys", { body: { scopes } }))).toEqual([403, "scope_not_held"]);
    }
    expect((await browser.ask("/api/v1/api-keys", { body: { scopes: ["inference:chat"] } })).status).toBe(201);
  });
});

describe("the first administrator needs no mailbox", () => {
  const login = { body: { email: "admin@local" } };

  test("at this very machine", async () => {
    const browser = openBrowser(scene);
    expect((await browser.ask("/api/v1/auth/login", login)).status).toBe(200);
    expect((await browser.ask("/api/v1/admin/users")).status).toBe(200);
  });

  test.each<[string, { origin?: string; peer?: string; headers?: Record<string, string> }]>([
    ["another machine", { peer: "192.0.2.1" }],
    ["a name that was made to lead here", { origin: "http://evil.test:8081" }],
    ["a proxy", { headers: { "x-forwarded-for": "127.0.0.1" } }],
    ["a proxy by its own word", { headers: { forwarded: "for=127.0.0.1" } }],
    ["a proxy that says only that it is one", { headers: { via: "1.1 gate" } }],
    ["a proxy with a header of its own", { headers: { "cf-connecting-ip": "127.0.0.1" } }],
    ["another proxy with a header of its own", { headers: { "x-client-ip": "127.0.0.1" } }],
    ["a proxy that says nothing, and closes its connection", { headers: { connection: "close" } }],
    ["another machine that calls itself this one", { peer: "192.0.2.1", headers: { "x-real-ip": "127.0.0.1" } }],
    ["another machine in the spelling of IPv6", { peer: "::ffff:192.0.2.1" }],
    ["an address that only begins like this machine", { peer: "127.0.0.1.evil.test" }],
    ["all addresses at once", { peer: "0.0.0.0" }],
    ["a name that begins like this machine's", { origin: "http://localhost.evil.test:8081" }],
    ["a name that DNS makes lead here", { origin: "http://127.0.0.1.nip.test:8081" }],
    ["two names at once", { headers: { host: "127.0.0.1:8081, evil.test" } }],
    ["a page without a home", { headers: { origin: "null" } }],
    ["a page of another port", { headers: { origin: "http://127.0.0.1:3000" } }],
    ["a page of another site", { headers: { "sec-fetch-site": "same-site" } }],
    ["a program without a page", { headers: { "sec-fetch-site": "none" } }],
  ])("not from %s", async (_name, { headers, ...place }) => {
    const browser = openBrowser(scene, place);
    const answer = await browser.ask("/api/v1/auth/login", { ...login, ...(headers === undefined ? {} : { headers }) });
    expect([202, 403]).toContain(answer.status);
    expect(browser.cookies.has("tokligence_session")).toBe(false);
  });

  test.each(["127.0.0.1", "127.9.8.7", "::1", "::ffff:127.0.0.1"])(
    "at this very machine, which is %s",
    async (peer) => {
      for (const origin of ["http://localhost:8081", "http://127.0.0.1:8081", "http://[::1]:8081"]) {
        expect((await openBrowser(scene, { origin, peer }).ask("/api/v1/auth/login", login)).status).toBe(200);
      }
    },
  );

  test("not for a program that says nothing of a page", async () => {
    const request = new Request("http://127.0.0.1:8081/api/v1/auth/login", {
      method: "POST",
      headers: { host: "127.0.0.1:8081" },
      body: JSON.stringify(login.body),
    });
    const listener = { requestIP: () => ({ address: "127.0.0.1" }), timeout: () => undefined, upgrade: () => false };
    expect((await scene.rig.app.fetch(request, listener)).status).toBe(202);
  });

  test("not for another user's program at this machine", async () => {
    await scene.rig.close();
    scene = await openScene(
      (config) => config,
      undefined,
      ({ port }) => port !== 40_001,
    );
    expect((await openBrowser(scene, { port: 40_002 }).ask("/api/v1/auth/login", login)).status).toBe(202);
    expect((await openBrowser(scene, { port: 40_001 }).ask("/api/v1/auth/login", login)).status).toBe(200);
  });

  test("however often others asked in that name", async () => {
    for (let index = 0; index < 8; index++) {
      await openBrowser(scene, { peer: `192.0.2.${index}` }).ask("/api/v1/auth/login", login);
    }
    expect((await openBrowser(scene).ask("/api/v1/auth/login", login)).status).toBe(200);
  });

  test("not once there is another administrator, and never again", async () => {
    const { userId } = await scene.rig.issue("gateway_admin");
    const refused = async (): Promise<void> => {
      const browser = openBrowser(scene);
      expect((await browser.ask("/api/v1/auth/login", login)).status).toBe(202);
      expect(browser.cookies.has("tokligence_session")).toBe(false);
    };
    await refused();
    await scene.rig.directory.deleteUser(OPERATOR, userId, { hard: true });
    await refused();
  });

  test("not once there was another administrator, though he is suspended or deleted", async () => {
    const { userId } = await scene.rig.issue("gateway_admin");
    await scene.rig.directory.updateUser(OPERATOR, userId, { status: "suspended" });
    expect((await openBrowser(scene).ask("/api/v1/auth/login", login)).status).toBe(202);
    await scene.rig.directory.deleteUser(OPERATOR, userId, { hard: false });
    expect((await openBrowser(scene).ask("/api/v1/auth/login", login)).status).toBe(202);
  });

  test.each<[string, (root: Scene) => Promise<unknown>]>([
    ["made", ({ rig }) => rig.directory.createUser(OPERATOR, { email: "two@example.com", role: "gateway_admin" })],
    [
      "imported",
      ({ rig }) =>
        rig.directory.importUsers(OPERATOR, [{ email: "two@example.com", role: "gateway_admin" }], {
          skipExisting: false,
          dryRun: false,
        }),
    ],
    [
      "made of a user",
      async ({ rig }) => {
        await rig.directory.createUser(OPERATOR, { email: "two@example.com" });
        await rig.directory.updateUser(OPERATOR, "two@example.com", { role: "gateway_admin" });
      },
    ],
  ])("not once another administrator was %s, though he is none any more before anybody asks", async (_how, make) => {
    await make(scene);
    await scene.rig.directory.updateUser(OPERATOR, "two@example.com", { role: "gateway_user" });
    await scene.rig.directory.deleteUser(OPERATOR, "two@example.com", { hard: true });
    expect((await openBrowser(scene).ask("/api/v1/auth/login", login)).status).toBe(202);
  });

  test("though there are others who are no administrators", async () => {
    await scene.rig.directory.createUser(OPERATOR, { email: "two@example.com" });
    await scene.rig.directory.importUsers(OPERATOR, [{ email: "three@example.com" }], {
      skipExisting: false,
      dryRun: false,
    });
    expect((await openBrowser(scene).ask("/api/v1/auth/login", login)).status).toBe(200);
  });

  test("not once there is a mail server or an identity provider, and never again", async () => {
    for (const other of [{ smtp: SMTP }, { oidc: makeOidc({ issuer: "http://127.0.0.1:1" }) }]) {
      await scene.rig.close();
      scene = await openScene();
      scene.rig.app.reload({ ...scene.rig.config, ...other });
      expect((await openBrowser(scene).ask("/api/v1/auth/login", login)).status).toBe(202);
      scene.rig.app.reload(scene.rig.config);
      expect((await openBrowser(scene).ask("/api/v1/auth/login", login)).status).toBe(202);
    }
  });

  test("not where the operator trusts a proxy, whatever it says", async () => {
    await scene.rig.close();
    scene = await openScene((config) => ({ ...config, entry: { ...config.entry, trustedProxies: ["127.0.0.1/32"] } }));
    expect((await openBrowser(scene).ask("/api/v1/auth/login", login)).status).toBe(202);
    const headers = { "x-forwarded-for": "127.0.0.1" };
    const proxied = openBrowser(scene, { peer: "192.0.2.1" });
    expect((await proxied.ask("/api/v1/auth/login", { ...login, headers })).status).toBe(202);
  });

  test("not where the operator names an address that others reach", async () => {
    await scene.rig.close();
    scene = await openScene((config) => ({
      ...config,
      signIn: { ...config.signIn, publicUrl: "https://gate.example.com" },
    }));
    expect((await openBrowser(scene).ask("/api/v1/auth/login", login)).status).toBe(202);
  });

  test.each(["0.0.0.0", null])("not where the gateway listens on %p", async (hostname) => {
    await scene.rig.close();
    scene = await openScene((config) => ({ ...config, http: { ...config.http, hostname } }));
    expect((await openBrowser(scene).ask("/api/v1/auth/login", login)).status).toBe(202);
  });

  test("not where the operator says so", async () => {
    await scene.rig.close();
    scene = await openScene((config) => ({ ...config, signIn: { ...config.signIn, isLocalRootFree: false } }));
    expect((await openBrowser(scene).ask("/api/v1/auth/login", login)).status).toBe(202);
  });
});
