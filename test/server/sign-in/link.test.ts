// Signing in by link: asked for, mailed, used once, in the browser that asked; and who gets none.

import { afterEach, describe, expect, test } from "bun:test";
import { createSignIn } from "../../../src/identity/index.ts";
import { isDue } from "../../clock.ts";
import { readJson } from "../../rig.ts";
import { type Scene, SMTP, fail, openBrowser, openScene } from "./scene.ts";

let scene: Scene;
afterEach(() => scene.rig.close());

const open = async (): Promise<Scene> => (scene = await openScene((config) => ({ ...config, smtp: SMTP })));
const login = (email: string) => ({ body: { email } });

async function addUser(email = "ann@example.com"): Promise<string> {
  return (await scene.rig.directory.createUser({ kind: "operator" }, { email })).id;
}

describe("a link by e-mail", () => {
  test("signs its browser in, once", async () => {
    await open();
    await addUser();
    const browser = openBrowser(scene);
    const asked = await browser.ask("/api/v1/auth/login", login("Ann@Example.com "));
    expect(asked.status).toBe(202);
    // Nothing is done for anybody before everybody is answered.
    expect(scene.mails).toEqual([]);
    await scene.mailed();
    expect(await asked.text()).not.toContain(scene.token());
    expect(scene.mails).toHaveLength(1);
    expect(scene.mails[0]?.to).toBe("ann@example.com");
    expect(scene.mails[0]?.notice.html).toContain(`/ui/login#${scene.token()}`);
    const entered = await browser.ask("/api/v1/auth/verify", { body: { token: scene.token() } });
    expect(entered.status).toBe(200);
    expect(await readJson(entered)).toMatchObject({ user: { email: "ann@example.com", role: "gateway_user" } });
    expect(entered.headers.get("set-cookie")).toMatch(
      /^tokligence_session=[\w-]{43}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Lax$/u,
    );
    expect((await browser.ask("/api/v1/profile")).status).toBe(200);
    expect(await fail(await browser.ask("/api/v1/auth/verify", { body: { token: scene.token() } }))).toEqual([
      401,
      "invalid_link",
    ]);
  });

  test("wants to be confirmed in another browser, and is still good then", async () => {
    await open();
    await addUser();
    await openBrowser(scene).ask("/api/v1/auth/login", login("ann@example.com"));
    await scene.mailed();
    const other = openBrowser(scene);
    const body = { token: scene.token() };
    expect(await fail(await other.ask("/api/v1/auth/verify", { body }))).toEqual([409, "other_browser"]);
    expect((await other.ask("/api/v1/auth/verify", { body: { ...body, confirm: true } })).status).toBe(200);
  });

  test("dies after fifteen minutes, and with the next one that is asked for", async () => {
    await open();
    await addUser();
    const browser = openBrowser(scene);
    const verify = async (token: string) => (await browser.ask("/api/v1/auth/verify", { body: { token } })).status;
    await browser.ask("/api/v1/auth/login", login("ann@example.com"));
    await scene.mailed();
    const first = scene.token();
    await browser.ask("/api/v1/auth/login", login("ann@example.com"));
    await scene.mailed();
    expect(await verify(first)).toBe(401);
    scene.clock.advance(15 * 60_000);
    expect(await verify(scene.token())).toBe(401);
  });

  test("of many who use it at once, one gets in", async () => {
    await open();
    await addUser();
    const browser = openBrowser(scene);
    await browser.ask("/api/v1/auth/login", login("ann@example.com"));
    await scene.mailed();
    const body = { token: scene.token() };
    const answers = await Promise.all(Array.from({ length: 8 }, () => browser.ask("/api/v1/auth/verify", { body })));
    expect(answers.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([
      200, 401, 401, 401, 401, 401, 401, 401,
    ]);
  });

  test("goes to nobody who is unknown or suspended, in the same words", async () => {
    await open();
    const id = await addUser();
    const browser = openBrowser(scene);
    const known = await browser.ask("/api/v1/auth/login", login("ann@example.com"));
    await scene.mailed();
    await scene.rig.directory.updateUser({ kind: "operator" }, id, { status: "suspended" });
    const answers = [known];
    for (const email of ["ann@example.com", "bob@example.com", "no address"]) {
      answers.push(await browser.ask("/api/v1/auth/login", login(email)));
    }
    await scene.mailed();
    const told = await Promise.all(
      answers.map(async (each) => [each.status, (await readJson(each)).message, [...each.headers.keys()].toSorted()]),
    );
    expect(new Set(told.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(scene.mails).toHaveLength(1);
  });

  test("a stranger's page can neither ask nor use", async () => {
    await open();
    const browser = openBrowser(scene);
    for (const headers of [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site", origin: "http://evil.test" },
    ]) {
      for (const [path, body] of [
        ["/api/v1/auth/login", { email: "admin@local" }],
        ["/api/v1/auth/verify", { token: "x" }],
      ] as const) {
        expect(await fail(await browser.ask(path, { body, headers }))).toEqual([403, "cross_site"]);
      }
    }
  });

  test("too many tries are refused, by address and by e-mail", async () => {
    await open();
    const browser = openBrowser(scene);
    const statuses = [];
    for (let index = 0; index < 7; index++) {
      statuses.push((await browser.ask("/api/v1/auth/login", login("eve@example.com"))).status);
    }
    expect(statuses).toEqual([202, 202, 202, 202, 202, 429, 429]);
    for (let index = 0; index < 30; index++) await browser.ask("/api/v1/auth/verify", { body: { token: "x" } });
    const refused = await browser.ask("/api/v1/auth/verify", { body: { token: "x" } });
    expect(refused.headers.get("retry-after")).toMatch(/^\d+$/u);
    const { error } = await readJson(refused);
    expect([refused.status, error.code]).toEqual([429, "too_many_sign_ins"]);
    expect(error.message).toEndWith("Try again in 15 minutes.");
    expect((await openBrowser(scene, { peer: "192.0.2.7" }).ask("/api/v1/auth/login", login("x@y.z"))).status).toBe(
      202,
    );
  });

  test("nobody who is unknown has long bodies read", async () => {
    await open();
    const pieces = { read: 0 };
    for (const [path, field] of [
      ["/api/v1/auth/login", "email"],
      ["/api/v1/auth/verify", "token"],
    ] as const) {
      const browser = openBrowser(scene);
      expect(await fail(await browser.ask(path, { body: { [field]: "x".repeat(20_000) } }))).toEqual([
        413,
        "request_too_large",
      ]);
      const body = new ReadableStream({
        pull(controller) {
          pieces.read++;
          controller.enqueue(new Uint8Array(8_000).fill(32));
          if (pieces.read === 1_000) controller.close();
        },
      });
      const response = await scene.rig.send(path, { method: "POST", token: null, body });
      expect(response.status).toBe(413);
      const { error } = await readJson(response);
      expect(error.message).not.toContain("max_body_bytes");
    }
    expect(pieces.read).toBeLessThan(20);
  });

  test("whoever has a whole network of addresses is one", async () => {
    await open();
    const knock = (peer: string) => openBrowser(scene, { peer }).ask("/api/v1/auth/verify", { body: { token: "x" } });
    for (let index = 0; index < 30; index++) await knock(`2001:db8:0:1::${index.toString(16)}`);
    expect((await knock("2001:db8:0:1:ffff::1")).status).toBe(429);
    expect((await knock("2001:db8:0:2::1")).status).toBe(401);
    for (let index = 0; index < 30; index++) await knock("192.0.2.9");
    expect((await knock("::ffff:192.0.2.9")).status).toBe(429);
  });

  test("whoever gets in uses up no tries", async () => {
    await open();
    await addUser();
    const signIn = createSignIn({ store: scene.rig.store.identity, now: scene.clock.wallMs });
    for (let index = 0; index < 40; index++) {
      const { token } = await signIn.makeLink("ann@example.com", { kind: "hand-out", ttlMs: 60_000 });
      expect((await openBrowser(scene).ask("/api/v1/auth/verify", { body: { token } })).status).toBe(200);
    }
  });

  test("leads to our own address, whatever a request says of it", async () => {
    await open();
    await addUser();
    const browser = openBrowser(scene, { origin: "http://evil.test" });
    await browser.ask("/api/v1/auth/login", {
      ...login("ann@example.com"),
      headers: { "x-forwarded-host": "evil.test" },
    });
    await scene.mailed();
    expect(scene.mails[0]?.notice.text).toContain("http://127.0.0.1:8081/ui/login#");
    expect(JSON.stringify(scene.mails)).not.toContain("evil.test");
  });

  test("its answer waits for no mail server, and the link for none that is away for a moment", async () => {
    let isDown = true;
    scene = await openScene(
      (config) => ({ ...config, smtp: SMTP }),
      () => (isDown ? Promise.reject(new Error("away")) : Promise.resolve()),
    );
    await addUser();
    const browser = openBrowser(scene);
    expect((await browser.ask("/api/v1/auth/login", login("ann@example.com"))).status).toBe(202);
    scene.clock.advance(1_000);
    await waitFor(() => scene.mails.length === 1 && isDue(scene.clock, 5_000));
    isDown = false;
    scene.clock.advance(5_000);
    await scene.rig.app.mailed();
    // The same link, and not a new one: a mail that came after all would bring one that is dead.
    expect(scene.mails).toHaveLength(2);
    expect(scene.mails[1]).toEqual(scene.mails[0] as never);
    expect((await browser.ask("/api/v1/auth/verify", { body: { token: scene.token() } })).status).toBe(200);
  });
});

test("a link that an operator hands out works in any browser", async () => {
  await open();
  await addUser();
  const { rig, clock } = scene;
  const signIn = createSignIn({ store: rig.store.identity, now: clock.wallMs });
  const { token } = await signIn.makeLink("ann@example.com", { kind: "hand-out", ttlMs: 60_000 });
  const browser = openBrowser(scene);
  expect((await browser.ask("/api/v1/auth/verify", { body: { token } })).status).toBe(200);
});

test("under https the cookies are of this host alone", async () => {
  scene = await openScene((config) => ({
    ...config,
    smtp: SMTP,
    signIn: { ...config.signIn, publicUrl: "https://gate.example.com" },
  }));
  await addUser();
  const browser = openBrowser(scene, { origin: "http://10.0.0.5:8081" });
  const headers = { host: "gate.example.com", origin: "https://gate.example.com" };
  await browser.ask("/api/v1/auth/login", { body: { email: "ann@example.com" }, headers });
  await scene.mailed();
  expect(scene.mails[0]?.notice.text).toContain("https://gate.example.com/ui/login#");
  const entered = await browser.ask("/api/v1/auth/verify", { body: { token: scene.token() }, headers });
  expect(entered.headers.get("set-cookie")).toMatch(/^__Host-tokligence_session=.*; Secure$/u);
  expect((await browser.ask("/api/v1/profile", { headers })).status).toBe(200);
  // What a neighbour or somebody on the way has planted under the plain name counts for nothing.
  const planted = browser.cookies.get("__Host-tokligence_session") ?? "";
  const other = openBrowser(scene, { origin: "http://10.0.0.5:8081" });
  other.cookies.set("tokligence_session", planted);
  expect((await other.ask("/api/v1/profile", { headers })).status).toBe(401);
});

/** Until what was set going has come so far. */
async function waitFor(isThere: () => boolean): Promise<void> {
  while (!isThere()) await new Promise(setImmediate);
}
