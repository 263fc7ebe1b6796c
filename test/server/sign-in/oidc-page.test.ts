// What surrounds a sign-in at an identity provider: where people end up, what they are shown, what is recorded and what is not.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createSignIn } from "../../../src/identity/index.ts";
import { readJson } from "../../rig.ts";
import {
  CLIENT,
  type Idp,
  comeBack,
  makeOidc,
  openIdp,
  openOidcScene,
  setOut,
  signIn,
  signInAt,
} from "./oidc-scene.ts";
import { type Browser, type Scene, fail, openBrowser, openScene } from "./scene.ts";

let idp: Idp;
let scene: Scene;
beforeAll(async () => {
  idp = await openIdp();
  idp.people.set("ann", { email: "ann@example.com", email_verified: true, name: "Ann Lee", groups: ["staff"] });
  idp.people.set("boss", { email: "boss@example.com", email_verified: true, groups: ["staff"] });
  idp.people.set("eve", { email: "ann@example.com", email_verified: false });
});
afterAll(() => idp.close());
afterEach(() => scene.rig.close());

const add = (email: string, role = "gateway_user") =>
  scene.rig.directory.createUser({ kind: "operator" }, { email, role });
const profileOf = async (browser: Browser) => (await readJson(await browser.ask("/api/v1/profile"))).user;

describe("where to go afterwards", () => {
  test.each([
    "//evil.test",
    "https://evil.test/",
    "/\\evil.test",
    "/\t/evil.test",
    "/ui/\n//evil.test",
    "javascript:alert(1)",
    "evil.test",
    "/.//evil.test",
    "/x/..//evil.test",
    `/${"a".repeat(1_001)}`,
  ])("is no other server: %j", async (target) => {
    scene = await openOidcScene(idp);
    const query = new URLSearchParams({ return_to: target });
    const answer = await openBrowser(scene).ask(`/api/v1/auth/oidc/start?${query.toString()}`);
    expect(await fail(answer)).toEqual([422, "invalid_return_to"]);
  });

  test("is a path of ours", async () => {
    scene = await openOidcScene(idp);
    await add("ann@example.com");
    const browser = openBrowser(scene);
    const url = await signInAt(await setOut(browser, `?return_to=${encodeURIComponent("/ui/?a=b#keys")}`), "ann");
    expect((await comeBack(browser, url)).headers.get("location")).toBe("/ui/?a=b#keys");
  });

  test("and where to come back to is our own address, whatever a request says of it", async () => {
    scene = await openOidcScene(idp);
    const browser = openBrowser(scene, { origin: "http://evil.test" });
    const first = await setOut(browser);
    expect(first.href).toStartWith("http://127.0.0.1:8081/api/v1/auth/oidc/start?");
    const second = await setOut(browser, first.search);
    expect(second.searchParams.get("redirect_uri")).toBe("http://127.0.0.1:8081/api/v1/auth/oidc/callback");
  });
});

test("a person sees a page, and nothing in it comes from elsewhere", async () => {
  scene = await openOidcScene(idp);
  const browser = openBrowser(scene);
  const answer = await browser.ask("/api/v1/auth/oidc/callback?error=%3Cscript%3E&state=x", {
    headers: { accept: "text/html,application/xhtml+xml", "sec-fetch-site": "cross-site" },
  });
  expect(answer.status).toBe(401);
  expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
  const html = await answer.text();
  expect(html).toContain("Begin anew.");
  expect(html).not.toContain("script>");
});

test("whoever comes again and again is sent away for a while", async () => {
  scene = await openOidcScene(idp);
  const browser = openBrowser(scene);
  const knock = () => browser.ask("/api/v1/auth/oidc/callback", { headers: { accept: "text/html" } });
  for (let index = 0; index < 300; index++) expect((await knock()).status).toBe(401);
  const answer = await knock();
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "900"]);
  const { token } = await scene.rig.issue();
  expect((await scene.rig.send("/api/v1/profile", { token })).status).toBe(200);
});

test("a stranger's page that asks for it as for a picture keeps nobody out", async () => {
  scene = await openOidcScene(idp);
  const browser = openBrowser(scene);
  const [start, back] = ["/api/v1/auth/oidc/start", "/api/v1/auth/oidc/callback"];
  for (let index = 0; index < 301; index++) {
    const headers = { "sec-fetch-site": "cross-site", "sec-fetch-dest": index % 2 === 0 ? "image" : "iframe" };
    const answer = await browser.ask(index % 3 === 0 ? start : back, { headers });
    expect([answer.status, answer.headers.has("set-cookie")]).toEqual([403, false]);
  }
  const headers = { "sec-fetch-site": "cross-site", "sec-fetch-dest": "document" };
  expect((await browser.ask(start, { headers })).status).toBe(303);
});

test("says which ways there are, and nothing that is secret", async () => {
  scene = await openOidcScene(idp);
  const methods = await (await openBrowser(scene).ask("/api/v1/auth/methods")).text();
  expect(JSON.parse(methods)).toEqual({
    link: { mail: false },
    oidc: { name: "Staff login", issuer: idp.issuer, start: "/api/v1/auth/oidc/start" },
    signed_in: false,
  });
  const asked = await openBrowser(scene).ask("/api/v1/auth/login", { body: { email: "ann@example.com" } });
  expect((await readJson(asked)).message).toStartWith(
    "This gateway sends no e-mail. Continue with Staff login, or let",
  );
  await scene.rig.close();
  scene = await openScene();
  expect(await readJson(await openBrowser(scene).ask("/api/v1/auth/methods"))).toEqual({
    link: { mail: false },
    oidc: null,
    signed_in: false,
  });
  expect(await fail(await openBrowser(scene).ask("/api/v1/auth/oidc/start"))).toEqual([404, "no_identity_provider"]);
});

test("an identity provider that is not there is said to be so, and is asked again the next time", async () => {
  const away = await openIdp();
  await away.close();
  scene = await openOidcScene(away);
  expect(await fail(await openBrowser(scene).ask("/api/v1/auth/oidc/start"))).toEqual([
    502,
    "identity_provider_unreachable",
  ]);
  scene.rig.app.reload({ ...scene.rig.config, oidc: makeOidc(idp) });
  expect((await setOut(openBrowser(scene))).origin).toBe(idp.issuer);
});

test("the claims may come from the provider's other door, and its description is asked for once", async () => {
  const strict = await openIdp({ conformIdTokenClaims: true });
  strict.people.set("ann", { email: "ann@example.com", email_verified: true, groups: ["staff"] });
  scene = await openOidcScene(strict, {
    createsUsers: true,
    roleClaim: "groups",
    roles: [{ value: "staff", role: "gateway_admin" }],
  });
  const { browser } = await signIn(scene, "ann");
  expect(await profileOf(browser)).toMatchObject({ role: "gateway_admin" });
  await strict.close();
});

test("what comes of it is recorded, and who got no further", async () => {
  scene = await openOidcScene(idp, {
    createsUsers: true,
    roleClaim: "groups",
    roles: [{ value: "staff", role: "gateway_admin" }],
  });
  await add("boss@example.com");
  await signIn(scene, "ann");
  await signIn(scene, "boss");
  await signIn(scene, "eve");
  const { changes } = await scene.rig.store.changes.page({}, 1_000, null);
  const told = changes
    .toReversed()
    .map(({ action, actor, actorName, address }) => `${action} by ${actor} ${actorName ?? "-"} from ${address}`);
  // It is the provider's word that makes and changes users.
  expect(told.slice(-7)).toEqual([
    `user.create by visitor ${idp.issuer} from 127.0.0.1`,
    `identity.connect by visitor ${idp.issuer} from 127.0.0.1`,
    "auth.sign_in by user ann@example.com from 127.0.0.1",
    `identity.connect by visitor ${idp.issuer} from 127.0.0.1`,
    `user.update by visitor ${idp.issuer} from 127.0.0.1`,
    "auth.sign_in by user boss@example.com from 127.0.0.1",
    "auth.sign_in_failed by visitor - from 127.0.0.1",
  ]);
});

test("an account that somebody connects while signed in is recorded as his own doing", async () => {
  scene = await openOidcScene(idp);
  const { id } = await add("boss@example.com", "root_admin");
  const browser = openBrowser(scene);
  const links = createSignIn({ store: scene.rig.store.identity, now: scene.clock.wallMs });
  const { token } = await links.makeLink(id, { kind: "hand-out", ttlMs: 60_000 });
  await browser.ask("/api/v1/auth/verify", { body: { token } });
  const { url } = await readJson(await browser.ask("/api/v1/auth/oidc/connect", { body: {} }));
  expect((await comeBack(browser, await signInAt(new URL(url), "boss"))).status).toBe(303);
  const { changes } = await scene.rig.store.changes.page({ action: "identity.connect" }, 10, null);
  expect(changes).toMatchObject([
    { actor: "user", actorId: id, actorName: "boss@example.com", keyId: null, address: "127.0.0.1" },
  ]);
});

test("no secret is in a log, the database or an answer", async () => {
  scene = await openOidcScene(idp);
  await add("ann@example.com");
  const browser = openBrowser(scene);
  const url = await signInAt(await setOut(browser), "ann");
  const errand = browser.cookies.get("tokligence_errand") ?? "none";
  await comeBack(browser, url);
  const wrong = await signInAt(await setOut(browser), "eve");
  await comeBack(browser, wrong);
  const code = url.searchParams.get("code") ?? "none";
  const told = `${scene.rig.log.join("\n")}`;
  for (const secret of [CLIENT.secret, code, errand, browser.cookies.get("tokligence_session") ?? "none"]) {
    expect(told).not.toContain(secret);
  }
  const file = Bun.file(scene.rig.config.identityPath);
  const wal = Bun.file(`${scene.rig.config.identityPath}-wal`);
  const bytes = Buffer.concat([Buffer.from(await file.arrayBuffer()), Buffer.from(await wal.arrayBuffer())]).toString(
    "latin1",
  );
  for (const secret of [CLIENT.secret, code, errand, url.searchParams.get("state") ?? "none"])
    expect(bytes).not.toContain(secret);
});
