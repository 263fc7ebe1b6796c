// What a change of a user does to his sessions and links: another e-mail and another role end them, at this gateway and at others within a second.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Role, createSignIn, inviteUser } from "../../../src/identity/index.ts";
import { createDatabase, hasPostgres } from "../../postgres.ts";
import { readJson } from "../../rig.ts";
import { type Browser, type Scene, fail, openBrowser, openScene } from "./scene.ts";

const OPERATOR = { kind: "operator" } as const;

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.rig.close());

async function makeLink(at: Scene, email: string): Promise<string> {
  const links = createSignIn({ store: at.rig.store.identity, now: at.clock.wallMs });
  return (await links.makeLink(email, { kind: "hand-out", ttlMs: 60_000 })).token;
}

async function enter(at: Scene, email: string): Promise<Browser> {
  const browser = openBrowser(at);
  const token = await makeLink(at, email);
  expect((await browser.ask("/api/v1/auth/verify", { body: { token } })).status).toBe(200);
  return browser;
}

const OVER = [401, "invalid_session"] as const;
const see = (browser: Browser) => browser.ask("/api/v1/profile");

test("another e-mail ends sessions and open links, and no key", async () => {
  const { rig } = scene;
  const user = await rig.issue();
  const [one, two] = [await enter(scene, user.email), await enter(scene, user.email)];
  const link = await makeLink(scene, user.email);
  const { token } = await rig.issue("root_admin");
  const change = async (body: object): Promise<void> => {
    const sent = { method: "PATCH", token, body };
    expect((await rig.send(`/api/v1/admin/users/${user.userId}`, sent)).status).toBe(200);
  };
  await change({ email: user.email.toUpperCase(), role: "gateway_user", display_name: "Ana" });
  expect((await see(one)).status).toBe(200);
  await change({ email: `new-${user.email}` });
  for (const browser of [one, two]) expect(await fail(await see(browser))).toEqual([...OVER]);
  const late = await openBrowser(scene).ask("/api/v1/auth/verify", { body: { token: link } });
  expect(late.status).toBe(401);
  expect((await rig.send("/api/v1/profile", { token: user.token })).status).toBe(200);
});

test("whoever changes his own e-mail stays where he is, and is signed out everywhere else", async () => {
  const { rig } = scene;
  const user = await rig.issue("gateway_admin");
  const [here, elsewhere] = [await enter(scene, user.email), await enter(scene, user.email)];
  const body = { email: `new-${user.email}` };
  expect((await here.ask(`/api/v1/admin/users/${user.userId}`, { method: "PATCH", body })).status).toBe(200);
  expect(await fail(await see(elsewhere))).toEqual([...OVER]);
  expect(await readJson(await see(here))).toMatchObject({ user: { email: body.email } });
});

test("another role ends sessions, and a key has it from then on", async () => {
  const { rig } = scene;
  const user = await rig.issue("gateway_admin");
  const browser = await enter(scene, user.email);
  expect((await browser.ask("/api/v1/admin/users")).status).toBe(200);
  await rig.directory.updateUser(OPERATOR, user.userId, { role: "gateway_user" });
  await rig.ring.refresh();
  expect(await fail(await browser.ask("/api/v1/admin/users"))).toEqual([...OVER]);
  expect((await rig.send("/api/v1/admin/users", { token: user.token })).status).toBe(403);
});

test("a key reaches no further than its owner's role when it was made", async () => {
  const { rig } = scene;
  const user = await rig.issue();
  const change = async (role: Role): Promise<void> => {
    await rig.directory.updateUser(OPERATOR, user.userId, { role });
    await rig.ring.refresh();
  };
  const statuses = (token: string): Promise<number[]> =>
    Promise.all(
      ["/v1/models", "/api/v1/profile", "/api/v1/admin/users", "/api/v1/admin/settings"].map(
        async (path) => (await rig.send(path, { token })).status,
      ),
    );
  await change("gateway_admin");
  expect(await statuses(user.token)).toEqual([200, 200, 403, 403]);
  const created = await rig.directory.createKey(OPERATOR, user.userId, {});
  await change("root_admin");
  expect(await statuses(user.token)).toEqual([200, 200, 403, 403]);
  expect(await statuses(created.token)).toEqual([200, 200, 200, 403]);
  // Who falls back and rises again has no more by it.
  await change("gateway_user");
  await change("root_admin");
  expect(await statuses(created.token)).toEqual([200, 200, 200, 403]);
  const latest = await rig.directory.createKey(OPERATOR, user.userId, {});
  expect(await statuses(latest.token)).toEqual([200, 200, 200, 200]);
});

/** From an invitation, for one, that somebody kept. */
const useLate = async (at: Scene, token: string): Promise<number> =>
  (await openBrowser(at).ask("/api/v1/auth/verify", { body: { token } })).status;

test.each([{ changes: [{ role: "gateway_admin" }] }, { changes: [{ status: "suspended" }, { status: "active" }] }])(
  "a link from before %j leads nobody in, and one from behind it does",
  async ({ changes }) => {
    const { rig } = scene;
    const user = await rig.issue();
    const [link, other] = [await makeLink(scene, user.email), await rig.issue()];
    const others = await makeLink(scene, other.email);
    for (const change of changes) await rig.directory.updateUser(OPERATOR, user.userId, change);
    expect(await useLate(scene, link)).toBe(401);
    expect(await useLate(scene, await makeLink(scene, user.email))).toBe(200);
    expect(await useLate(scene, others)).toBe(200);
  },
);

describe("a promotion at the very moment", () => {
  /** The store, which promotes the user right before it does what `step` says. */
  const promoteBefore = (step: "createLink" | "createLinks" | "createSession", userId: string) => {
    const { rig, clock } = scene;
    const { identity } = rig.store;
    const store = new Proxy(identity, {
      get: (whole, name, proxy) => {
        const own: unknown = Reflect.get(whole, name, proxy);
        if (name !== step || typeof own !== "function") return own;
        return async (...args: unknown[]): Promise<unknown> => {
          await rig.directory.updateUser(OPERATOR, userId, { role: "gateway_admin" });
          return Reflect.apply(own, whole, args);
        };
      },
    });
    return createSignIn({ store, now: clock.wallMs });
  };

  test("lets no invitation be made by whoever could not invite an administrator", async () => {
    const { userId, email } = await scene.rig.issue();
    const { directory } = scene.rig;
    const signIn = promoteBefore("createLink", userId);
    const host = { kind: "user", role: "gateway_admin", ...(await scene.rig.issue("gateway_admin")) } as const;
    const invited = inviteUser(host, { email }, { directory, signIn });
    expect(await invited.catch(({ code }: { code: string }) => code)).toBe("user_changed");
  });

  test("lets no link be made with those of a list, and nobody else go without", async () => {
    const { directory, store } = scene.rig;
    const [changed, gone, same] = [await scene.rig.issue(), await scene.rig.issue(), await scene.rig.issue()];
    const users = await Promise.all([changed, gone, same].map(({ userId }) => directory.getUser(userId)));
    await directory.updateUser(OPERATOR, gone.userId, { status: "suspended" });
    const made = await promoteBefore("createLinks", changed.userId).makeLinks(users);
    expect(made.map((link) => link?.of.userId ?? null)).toEqual([null, null, same.userId]);
    const { changes } = await store.changes.page({ action: "link.create" }, 10, null);
    expect(changes.map(({ subjectId }) => subjectId)).toEqual([made[2]?.of.id ?? ""]);
  });

  test("lets nobody in by a link from before", async () => {
    const { userId, email } = await scene.rig.issue();
    const signIn = promoteBefore("createSession", userId);
    const token = await makeLink(scene, email);
    const visitor = { userAgent: null, address: null };
    const entered = signIn.redeem(token, { browser: null, isConfirmed: true, visitor });
    expect(await entered.catch(({ code }: { code: string }) => code)).toBe("user_changed");
    expect(await signIn.listSessions(userId)).toEqual([]);
  });
});

describe.skipIf(!hasPostgres)("of two gateways on one database", () => {
  test.each([{ email: "new@example.com" }, { role: "gateway_user" }, { status: "suspended" }])(
    "what one does to a user by %j holds at the other",
    async (change) => {
      const identityPath = await createDatabase();
      const open = () => openScene((config) => ({ ...config, identityPath }));
      const [one, other] = [await open(), await open()];
      const user = await one.rig.issue("gateway_admin");
      const browser = await enter(one, user.email);
      const link = await makeLink(one, user.email);
      const { token } = await other.rig.issue("root_admin");
      const sent = { method: "PATCH", body: change, token };
      expect((await other.rig.send(`/api/v1/admin/users/${user.userId}`, sent)).status).toBe(200);
      // What the gateway does by itself every 400 ms.
      await one.rig.ring.refresh();
      expect((await fail(await browser.ask("/api/v1/admin/users")))[0]).toBe(401);
      await other.rig.directory.updateUser(OPERATOR, user.userId, { status: "active" });
      expect(await useLate(one, link)).toBe(401);
      await one.rig.close();
      await other.rig.close();
    },
  );
});
