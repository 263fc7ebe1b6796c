// Two gateways on one database: a session that one of them gave is the other's too, and what ends it there ends it here.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createSignIn } from "../../../src/identity/index.ts";
import { createDatabase, hasPostgres } from "../../postgres.ts";
import { readJson } from "../../rig.ts";
import { type Idp, comeBack, makeOidc, openIdp, setOut, signInAt } from "./oidc-scene.ts";
import { type Browser, type Scene, fail, openBrowser, openScene } from "./scene.ts";

const OPERATOR = { kind: "operator" } as const;
const HOUR_MS = 3_600_000;

describe.skipIf(!hasPostgres)("two gateways", () => {
  let idp: Idp;
  let one: Scene;
  let other: Scene;
  beforeEach(async () => {
    idp = await openIdp();
    const identityPath = await createDatabase();
    const open = () => openScene((config) => ({ ...config, identityPath, oidc: makeOidc(idp) }));
    [one, other] = [await open(), await open()];
  });
  afterEach(async () => {
    await one.rig.close();
    await other.rig.close();
    await idp.close();
  });

  /** The same browser, led to the other gateway. */
  function lead(browser: Browser, to: Scene): Browser {
    const led = openBrowser(to);
    for (const [name, value] of browser.cookies) led.cookies.set(name, value);
    return led;
  }

  async function enter(): Promise<{ userId: string; browser: Browser }> {
    const { id: userId } = await one.rig.directory.createUser(OPERATOR, { email: "ann@example.com" });
    const links = createSignIn({ store: one.rig.store.identity, now: one.clock.wallMs });
    const { token } = await links.makeLink("ann@example.com", { kind: "hand-out", ttlMs: 60_000 });
    const browser = openBrowser(one);
    expect((await browser.ask("/api/v1/auth/verify", { body: { token } })).status).toBe(200);
    return { userId, browser };
  }

  test("share sessions from the moment on, and what ends them", async () => {
    const { browser } = await enter();
    const led = lead(browser, other);
    expect((await led.ask("/api/v1/profile")).status).toBe(200);
    expect((await readJson(await led.ask("/api/v1/auth/sessions"))).sessions).toMatchObject([{ current: true }]);
    expect((await led.ask("/api/v1/auth/logout", { body: {} })).status).toBe(204);
    // What the gateway does by itself every 400 ms.
    await one.rig.ring.refresh();
    expect(await fail(await browser.ask("/api/v1/profile"))).toEqual([401, "invalid_session"]);
  });

  test("a suspension at one of them ends what was begun at the other", async () => {
    const { userId, browser } = await enter();
    const { token } = await other.rig.issue("root_admin");
    const change = { method: "PATCH", body: { status: "suspended" }, token };
    expect((await other.rig.send(`/api/v1/admin/users/${userId}`, change)).status).toBe(200);
    await one.rig.ring.refresh();
    expect((await browser.ask("/api/v1/profile")).status).toBe(401);
  });

  test("a session that is used at one of them is not idle at the other", async () => {
    const { browser } = await enter();
    const led = lead(browser, other);
    expect((await led.ask("/api/v1/profile")).status).toBe(200);
    for (let step = 0; step < 3; step++) {
      one.clock.advance(6 * HOUR_MS);
      other.clock.advance(6 * HOUR_MS);
      expect((await browser.ask("/api/v1/profile")).status).toBe(200);
    }
    // As it does every five seconds; here, when it stops.
    await one.rig.ring.stop();
    expect((await led.ask("/api/v1/profile")).status).toBe(200);
    one.clock.advance(13 * HOUR_MS);
    other.clock.advance(13 * HOUR_MS);
    expect((await led.ask("/api/v1/profile")).status).toBe(401);
  });

  test("a link, and a way to the identity provider, that was begun at one of them ends at either, once", async () => {
    const { id } = await one.rig.directory.createUser(OPERATOR, { email: "ann@example.com" });
    idp.people.set("ann", { email: "ann@example.com", email_verified: true });
    const browser = openBrowser(one);
    const url = await signInAt(await setOut(browser), "ann");
    const led = lead(browser, other);
    expect((await comeBack(led, url)).status).toBe(303);
    expect((await readJson(await led.ask("/api/v1/profile"))).user).toMatchObject({ id });
    expect(await fail(await comeBack(browser, url))).toEqual([401, "sign_in_over"]);
  });

  test("a stranger who comes at both of them at once becomes one user", async () => {
    idp.people.set("new", { email: "new@example.com", email_verified: true });
    for (const { rig } of [one, other]) rig.app.reload({ ...rig.config, oidc: makeOidc(idp, { createsUsers: true }) });
    const ways = await Promise.all(
      [one, other, one, other].map(async (scene) => {
        const browser = openBrowser(scene);
        return { browser, url: await signInAt(await setOut(browser), "new") };
      }),
    );
    const answers = await Promise.all(ways.map(({ browser, url }) => comeBack(browser, url)));
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303, 303]);
    const users = await one.rig.directory.listUsers();
    expect(users.filter(({ email }) => email === "new@example.com")).toHaveLength(1);
  });
});
