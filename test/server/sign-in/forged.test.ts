// An identity provider that lies, or whose key or clock is another: what it says counts only where it is signed, for us, and of now.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { SignJWT, UnsecuredJWT, exportJWK, generateKeyPair } from "jose";
import { readJson } from "../../rig.ts";
import { CLIENT, comeBack, openOidcScene, setOut } from "./oidc-scene.ts";
import { type Browser, type Scene, fail, openBrowser } from "./scene.ts";

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

interface Lie {
  claims?: Record<string, unknown>;
  /** By how many seconds its clock is ahead. */
  aheadS?: number;
  signedBy?: Keys;
  kid?: string;
  isUnsigned?: boolean;
}

let scene: Scene;
let issuer: string;
let server: ReturnType<typeof Bun.serve>;
let keys: Keys;
let published: { keys: Keys; kid: string }[];
let lie: Lie;
let nonce: string | null;
let asked: string[];

beforeEach(async () => {
  keys = await generateKeyPair("RS256");
  published = [{ keys, kid: "one" }];
  lie = {};
  asked = [];
  server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
  issuer = `http://127.0.0.1:${server.port}`;
  scene = await openOidcScene({ issuer }, { createsUsers: true });
});
afterEach(async () => {
  await server.stop(true);
  await scene.rig.close();
});

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  asked.push(pathname);
  switch (pathname) {
    case "/.well-known/openid-configuration":
      return Response.json({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ["code"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256"],
      });
    case "/jwks": {
      const all = published.map(async ({ keys: pair, kid }) => ({
        ...(await exportJWK(pair.publicKey)),
        kid,
        alg: "RS256",
        use: "sig",
      }));
      return Response.json({ keys: await Promise.all(all) });
    }
    case "/token":
      return Response.json({ access_token: "a", token_type: "Bearer", id_token: await makeToken() });
    default:
      return new Response("no", { status: 404 });
  }
}

function makeToken(): Promise<string> {
  const now = Math.floor(Date.now() / 1000) + (lie.aheadS ?? 0);
  const claims = {
    iss: issuer,
    sub: "ann",
    aud: CLIENT.id,
    iat: now,
    exp: now + 60,
    nonce,
    email: "ann@example.com",
    email_verified: true,
    ...lie.claims,
  };
  if (lie.isUnsigned === true) return Promise.resolve(new UnsecuredJWT(claims).encode());
  const kid = lie.kid ?? "one";
  return new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid }).sign((lie.signedBy ?? keys).privateKey);
}

async function goThere(): Promise<{ answered: Response; browser: Browser }> {
  const browser = openBrowser(scene);
  const out = await setOut(browser);
  nonce = out.searchParams.get("nonce");
  const state = out.searchParams.get("state") ?? "";
  const url = new URL(
    `http://127.0.0.1:8081/api/v1/auth/oidc/callback?${new URLSearchParams({ code: "c", state }).toString()}`,
  );
  return { answered: await comeBack(browser, url), browser };
}

test("what is right gets in", async () => {
  expect((await goThere()).answered.status).toBe(303);
});

test.each<[string, Lie]>([
  ["meant for another client", { claims: { aud: "other" } }],
  ["of another issuer", { claims: { iss: "https://evil.example.com" } }],
  ["to another question", { claims: { nonce: "other" } }],
  ["to no question", { claims: { nonce: undefined } }],
  ["of an hour ago", { aheadS: -3_600 }],
  ["without a subject", { claims: { sub: undefined } }],
  ["with a subject that is too long", { claims: { sub: "s".repeat(256) } }],
  ["of nobody's, for it is not signed", { isUnsigned: true }],
])("a token %s proves nothing", async (_, what) => {
  lie = what;
  const { answered, browser } = await goThere();
  expect(await fail(answered)).toEqual([401, "identity_not_proven"]);
  expect(browser.cookies.has("tokligence_session")).toBe(false);
  expect((await scene.rig.directory.listUsers()).map(({ email }) => email)).not.toContain("ann@example.com");
});

test("a token that another key has signed proves nothing, under whichever name", async () => {
  const strange = await generateKeyPair("RS256");
  for (const kid of ["one", "two"]) {
    lie = { signedBy: strange, kid };
    expect(await fail((await goThere()).answered)).toEqual([401, "identity_not_proven"]);
  }
});

test("a key that was changed a moment ago holds at once, and the old one no more", async () => {
  expect((await goThere()).answered.status).toBe(303);
  const next = await generateKeyPair("RS256");
  published = [{ keys: next, kid: "two" }];
  lie = { signedBy: next, kid: "two" };
  expect((await goThere()).answered.status).toBe(303);
  lie = {};
  expect(await fail((await goThere()).answered)).toEqual([401, "identity_not_proven"]);
  // The provider describes itself once in an hour.
  expect(asked.filter((path) => path === "/.well-known/openid-configuration")).toHaveLength(1);
  scene.clock.advance(3_600_000);
  lie = { signedBy: next, kid: "two" };
  await goThere();
  expect(asked.filter((path) => path === "/.well-known/openid-configuration")).toHaveLength(2);
});

test.each([-100, 45])("a clock that is %d seconds off is near enough", async (aheadS) => {
  lie = { aheadS };
  expect((await goThere()).answered.status).toBe(303);
});

test.each([
  ["a word", "true", 303],
  ["another word", "yes", 403],
  ["a number", 1, 403],
  ["nothing", null, 403],
])("that the address is verified, told as %s", async (_, word, status) => {
  lie = { claims: { email_verified: word } };
  expect((await goThere()).answered.status).toBe(status);
});

test("an address that is none, or of a domain that only looks allowed, gets nobody in", async () => {
  for (const email of [
    "ann@example.com@evil.test",
    "ann@sub.example.com",
    "ann@example.com.evil.test",
    "ann@exаmple.com",
    "ann",
  ]) {
    lie = { claims: { email } };
    expect([422, 403]).toContain((await goThere()).answered.status);
  }
  expect(await readJson(await scene.rig.send("/api/v1/profile"))).toBeObject();
});
