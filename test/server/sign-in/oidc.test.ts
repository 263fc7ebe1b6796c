// Signing in at a real identity provider: who gets in, as whom and as what, and what becomes of answers that are none.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createSignIn } from "../../../src/identity/index.ts";
import { readJson } from "../../rig.ts";
import { type Idp, comeBack, makeOidc, openIdp, openOidcScene, setOut, signIn, signInAt } from "./oidc-scene.ts";
import { type Browser, type Scene, fail, openBrowser } from "./scene.ts";

const OPERATOR = { kind: "operator" } as const;
let idp: Idp;
let scene: Scene;
beforeAll(async () => {
  idp = await openIdp();
  idp.people.set("ann", { email: "Ann@Example.com", email_verified: true, name: "Ann Lee", groups: ["staff"] });
  idp.people.set("boss", { email: "boss@example.com", email_verified: true, groups: ["staff", "llm-admins"] });
  idp.people.set("eve", { email: "ann@example.com", email_verified: false });
  idp.people.set("far", { email: "far@evil.example.com", email_verified: true });
  idp.people.set("bare", {});
  idp.people.set("silent", { email: "silent@example.com" });
  idp.people.set("silent-far", { email: "silent@elsewhere.example" });
});
afterAll(() => idp.close());
afterEach(() => scene.rig.close());

const add = (email: string, role = "gateway_user") => scene.rig.directory.createUser(OPERATOR, { email, role });
const profileOf = async (browser: Browser) => (await readJson(await browser.ask("/api/v1/profile"))).user;

async function enterByLink(email: string): Promise<Browser> {
  const links = createSignIn({ store: scene.rig.store.identity, now: scene.clock.wallMs });
  const { token } = await links.makeLink(email, { kind: "hand-out", ttlMs: 60_000 });
  const browser = openBrowser(scene);
  expect((await browser.ask("/api/v1/auth/verify", { body: { token } })).status).toBe(200);
  return browser;
}

describe("somebody whom the provider vouches for", () => {
  test("is the user of the same verified address, and from then on known by issuer and subject alone", async () => {
    scene = await openOidcScene(idp);
    const { id } = await add("ann@example.com", "gateway_admin");
    const { answer, browser } = await signIn(scene, "ann");
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/ui/"]);
    expect(await profileOf(browser)).toMatchObject({ id, role: "gateway_admin" });
    expect(await readJson(await browser.ask("/api/v1/auth/methods"))).toMatchObject({ signed_in: true });
    const { identities } = await readJson(await browser.ask("/api/v1/auth/identities"));
    expect(identities).toMatchObject([{ issuer: idp.issuer, subject: "ann", email: "ann@example.com" }]);
    // Another address there changes nothing here, and the old one leads somebody else nowhere.
    idp.people.set("ann", { email: "ann.smith@example.com", email_verified: true });
    idp.people.set("heir", { email: "ann@example.com", email_verified: true });
    const again = await signIn(scene, "ann");
    expect(await profileOf(again.browser)).toMatchObject({ id, email: "ann@example.com" });
    expect(await fail((await signIn(scene, "heir")).answer)).toEqual([409, "other_account"]);
    idp.people.set("ann", { email: "Ann@Example.com", email_verified: true, name: "Ann Lee", groups: ["staff"] });
  });

  test.each([
    ["eve", "email_not_verified"],
    ["far", "domain_not_allowed"],
    ["bare", "email_missing"],
    ["silent", "email_not_verified"],
    ["boss", "not_invited"],
    ["nobody", "identity_provider_refused"],
  ])("%s does not get in", async (subject, code) => {
    scene = await openOidcScene(idp);
    await add("ann@example.com");
    await add("far@evil.example.com");
    const { answer, browser } = await signIn(scene, subject);
    expect(await fail(answer)).toEqual([403, code]);
    expect(browser.cookies.has("tokligence_session")).toBe(false);
    expect((await scene.rig.directory.listUsers()).map(({ email }) => email)).not.toContain("boss@example.com");
  });

  test.each<[string, [number, string | null]]>([
    ["silent", [303, null]],
    ["ann", [303, null]],
    ["eve", [403, "email_not_verified"]],
    ["bare", [403, "email_missing"]],
    ["silent-far", [403, "domain_not_allowed"]],
  ])("%s, where the operator trusts the issuer for its addresses: %p", async (subject, expected) => {
    scene = await openOidcScene(idp, { trustsIssuer: true, createsUsers: true });
    await add("admin@example.com", "root_admin");
    const { answer } = await signIn(scene, subject);
    const found: [number, string | null] = answer.status === 303 ? [303, null] : await fail(answer);
    expect(found).toEqual(expected);
  });

  test("becomes a user where the rules say so, with the name that the provider gives, once however many come at a time", async () => {
    scene = await openOidcScene(idp, { createsUsers: true });
    const answers = await Promise.all(Array.from({ length: 4 }, () => signIn(scene, "ann")));
    expect(answers.map(({ answer }) => answer.status)).toEqual([303, 303, 303, 303]);
    const users = (await scene.rig.directory.listUsers()).filter(({ email }) => email === "ann@example.com");
    expect(users).toMatchObject([{ role: "gateway_user", displayName: "Ann Lee" }]);
  });

  test("has the role that the claim says, at every sign-in, and none where it says none", async () => {
    scene = await openOidcScene(idp, {
      createsUsers: true,
      roleClaim: "groups",
      roles: [
        { value: "llm-admins", role: "gateway_admin" },
        { value: "staff", role: "gateway_user" },
      ],
      defaultRole: null,
    });
    const boss = await signIn(scene, "boss");
    expect(await profileOf(boss.browser)).toMatchObject({ role: "gateway_admin" });
    idp.people.set("boss", { email: "boss@example.com", email_verified: true, groups: ["staff"] });
    const again = await signIn(scene, "boss");
    expect(await profileOf(again.browser)).toMatchObject({ role: "gateway_user" });
    // What was begun as an administrator is over.
    expect((await boss.browser.ask("/api/v1/profile")).status).toBe(401);
    idp.people.set("boss", { email: "boss@example.com", email_verified: true, groups: [] });
    expect(await fail((await signIn(scene, "boss")).answer)).toEqual([403, "no_role"]);
    idp.people.set("boss", { email: "boss@example.com", email_verified: true, groups: ["staff", "llm-admins"] });
  });

  test("is no root administrator by the address alone; a root connects the account while signed in", async () => {
    scene = await openOidcScene(idp, { roleClaim: "groups", roles: [{ value: "staff", role: "gateway_user" }] });
    const { id } = await add("boss@example.com", "root_admin");
    expect(await fail((await signIn(scene, "boss")).answer)).toEqual([403, "root_not_connected"]);
    const browser = await enterByLink("boss@example.com");
    const { url } = await readJson(await browser.ask("/api/v1/auth/oidc/connect", { body: {} }));
    expect((await comeBack(browser, await signInAt(new URL(url), "boss"))).status).toBe(303);
    const byProvider = await signIn(scene, "boss");
    // And no claim takes the role away.
    expect(await profileOf(byProvider.browser)).toMatchObject({ id, role: "root_admin" });
    const [account] = (await readJson(await browser.ask("/api/v1/auth/identities"))).identities;
    const { token } = await scene.rig.issue("root_admin");
    const path = `/api/v1/auth/identities/${account.id}`;
    expect((await scene.rig.send(path, { method: "DELETE", token })).status).toBe(404);
    const byKey = await scene.rig.send("/api/v1/auth/oidc/connect", { body: {}, token });
    expect(await fail(byKey)).toEqual([403, "session_needed"]);
    expect((await (await enterByLink("admin@local")).ask(path, { method: "DELETE" })).status).toBe(404);
    expect((await browser.ask(path, { method: "DELETE" })).status).toBe(204);
    expect(await fail((await signIn(scene, "boss")).answer)).toEqual([403, "root_not_connected"]);
  });

  test("connects no account that is another's, none for a page of another site, and none in another's session", async () => {
    scene = await openOidcScene(idp);
    await add("ann@example.com");
    await add("boss@example.com");
    await signIn(scene, "ann");
    const browser = await enterByLink("boss@example.com");
    const connect = async (of: Browser) =>
      new URL((await readJson(await of.ask("/api/v1/auth/oidc/connect", { body: {} }))).url);
    expect(await fail(await comeBack(browser, await signInAt(await connect(browser), "ann")))).toEqual([
      409,
      "identity_taken",
    ]);
    const headers = { "sec-fetch-site": "cross-site", origin: "http://evil.test" };
    expect(await fail(await browser.ask("/api/v1/auth/oidc/connect", { body: {}, headers }))).toEqual([
      403,
      "cross_site",
    ]);
    const way = await signInAt(await connect(browser), "boss");
    await browser.ask("/api/v1/auth/logout", { body: {} });
    expect(await fail(await comeBack(browser, way))).toEqual([401, "sign_in_over"]);
  });

  test("stays out who is suspended or was removed, and gets in again as whom an administrator has added anew", async () => {
    scene = await openOidcScene(idp, { createsUsers: true });
    const first = await signIn(scene, "ann");
    const { id } = await profileOf(first.browser);
    await scene.rig.directory.updateUser(OPERATOR, id, { status: "suspended" });
    expect(await fail((await signIn(scene, "ann")).answer)).toEqual([403, "user_suspended"]);
    await scene.rig.directory.deleteUser(OPERATOR, id, { hard: false });
    expect(await fail((await signIn(scene, "ann")).answer)).toEqual([403, "user_removed"]);
    const anew = await add("ann@example.com");
    expect(await profileOf((await signIn(scene, "ann")).browser)).toMatchObject({ id: anew.id });
  });

  test.each([false, true])(
    "stays out who was removed (for good: %p), whether he ever came this way or not",
    async (hard) => {
      scene = await openOidcScene(idp, { createsUsers: true });
      const { id } = await add("boss@example.com");
      await signIn(scene, "ann");
      await scene.rig.directory.updateUser(OPERATOR, "ann@example.com", { email: "ann@elsewhere.example" });
      for (const gone of [id, "ann@elsewhere.example"]) await scene.rig.directory.deleteUser(OPERATOR, gone, { hard });
      for (const who of ["boss", "ann"])
        expect(await fail((await signIn(scene, who)).answer)).toEqual([403, "user_removed"]);
      const anew = await add("boss@example.com");
      expect(await profileOf((await signIn(scene, "boss")).browser)).toMatchObject({ id: anew.id });
    },
  );
});

describe("an answer", () => {
  /** A browser that has been to the provider, and the address by which it is to come back. */
  async function wayBack(): Promise<{ browser: Browser; url: URL }> {
    scene = await openOidcScene(idp);
    await add("ann@example.com");
    const browser = openBrowser(scene);
    return { browser, url: await signInAt(await setOut(browser), "ann") };
  }

  test("is good once", async () => {
    const { browser, url } = await wayBack();
    const cookie = browser.cookies.get("tokligence_errand") ?? "";
    expect((await comeBack(browser, url)).status).toBe(303);
    expect(browser.cookies.has("tokligence_errand")).toBe(false);
    browser.cookies.set("tokligence_errand", cookie);
    expect(await fail(await comeBack(browser, url))).toEqual([401, "sign_in_over"]);
  });

  test("of many at once, one is taken", async () => {
    const { browser, url } = await wayBack();
    const answers = await Promise.all(Array.from({ length: 6 }, () => comeBack(browser, url)));
    expect(answers.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([
      303, 401, 401, 401, 401, 401,
    ]);
  });

  test("is bound to the browser that was sent out", async () => {
    const { url } = await wayBack();
    expect(await fail(await comeBack(openBrowser(scene), url))).toEqual([401, "sign_in_over"]);
    const other = openBrowser(scene);
    await setOut(other);
    expect(await fail(await comeBack(other, url))).toEqual([401, "sign_in_over"]);
  });

  test("is bound to ten minutes", async () => {
    const { browser, url } = await wayBack();
    scene.clock.advance(10 * 60_000);
    expect(await fail(await comeBack(browser, url))).toEqual([401, "sign_in_over"]);
  });

  test("of a stranger's page spoils nothing", async () => {
    const { browser, url } = await wayBack();
    for (const search of ["?state=x&code=y", "", `${url.search}&state=x`, "?code=y"]) {
      const wrong = new URL(url);
      wrong.search = search;
      expect(await fail(await comeBack(browser, wrong))).toEqual([401, "sign_in_over"]);
    }
    expect((await comeBack(browser, url)).status).toBe(303);
  });

  test.each([
    ["another issuer's", (url: URL) => url.searchParams.set("iss", "https://evil.example.com")],
    ["no issuer's", (url: URL) => url.searchParams.delete("iss")],
    ["another code", (url: URL) => url.searchParams.set("code", "x")],
    ["two codes", (url: URL) => url.searchParams.append("code", "x")],
  ])("with %s proves nothing", async (_, change) => {
    const { browser, url } = await wayBack();
    change(url);
    expect(await fail(await comeBack(browser, url))).toEqual([401, "identity_not_proven"]);
    expect(browser.cookies.has("tokligence_session")).toBe(false);
  });

  test("with a code that is too old proves nothing", async () => {
    const { browser, url } = await wayBack();
    idp.expireCodes();
    expect(await fail(await comeBack(browser, url))).toEqual([401, "identity_not_proven"]);
  });

  test.each([
    ["nonce", "nonce"],
    ["proof of who asked", "code_challenge"],
  ])("to a question with another %s proves nothing", async (_, name) => {
    scene = await openOidcScene(idp);
    await add("ann@example.com");
    const browser = openBrowser(scene);
    const out = await setOut(browser);
    expect(out.searchParams.get("code_challenge_method")).toBe("S256");
    out.searchParams.set(name, "A".repeat(43));
    expect(await fail(await comeBack(browser, await signInAt(out, "ann")))).toEqual([401, "identity_not_proven"]);
  });

  test("of the provider of before is none of the present one's", async () => {
    const { browser, url } = await wayBack();
    const other = await openIdp();
    scene.rig.app.reload({ ...scene.rig.config, oidc: makeOidc(other) });
    expect(await fail(await comeBack(browser, url))).toEqual([401, "sign_in_over"]);
    await other.close();
  });
});
