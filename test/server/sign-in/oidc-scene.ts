// A real identity provider on this machine, whose people the test names, and a person who goes there and back with a browser. Knows no test.

import { createServer } from "node:http";
import { Provider, type Configuration } from "oidc-provider";
import type { Config } from "../../../src/config/value.ts";
import { type Browser, type Scene, openBrowser, openScene } from "./scene.ts";

export interface Person {
  email?: string;
  email_verified?: boolean;
  name?: string;
  groups?: readonly string[];
}

export interface Idp {
  issuer: string;
  /** By subject. */
  people: Map<string, Person>;
  /** Forgets the codes that it gave out, as it does with those that are too old. */
  expireCodes(): void;
  close(): Promise<void>;
}

export const CLIENT = { id: "gate", secret: "canary-oidc-client-secret-0123456789" };
const REDIRECT = "http://127.0.0.1:8081/api/v1/auth/oidc/callback";

/** `over`: of its own configuration. */
export async function openIdp(over: Configuration = {}): Promise<Idp> {
  const people = new Map<string, Person>();
  let handle: (request: never, response: never) => unknown = () => undefined;
  const server = createServer((request, response) => void handle(request as never, response as never));
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const at = server.address();
  const issuer = `http://127.0.0.1:${typeof at === "object" && at !== null ? at.port : 0}`;
  const codes: { destroy(): Promise<unknown> }[] = [];
  const provider = new Provider(issuer, {
    clients: [{ client_id: CLIENT.id, client_secret: CLIENT.secret, redirect_uris: [REDIRECT] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
    conformIdTokenClaims: false,
    cookies: { keys: ["a key of this test"] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people.get(id) }) }),
    async loadExistingGrant({ oidc }) {
      const grant = new provider.Grant({
        ...(oidc.client === undefined ? {} : { clientId: oidc.client.clientId }),
        ...(oidc.session?.accountId === undefined ? {} : { accountId: oidc.session.accountId }),
      });
      grant.addOIDCScope("openid email profile");
      await grant.save();
      return grant;
    },
    ...over,
  });
  provider.on("authorization_code.saved", (code) => void codes.push(code));
  const callback = provider.callback();
  handle = async (request: never, response: never) => {
    const { url = "" } = request as { url?: string };
    const login = /^\/interaction\/[^?]+\?as=([^&]+)$/u.exec(url)?.[1];
    if (login === undefined) return callback(request, response);
    const result =
      login === "nobody" ? { error: "access_denied" } : { login: { accountId: decodeURIComponent(login) } };
    return provider.interactionFinished(request, response, result);
  };
  return {
    issuer,
    people,
    expireCodes: () => void codes.splice(0).map((code) => code.destroy()),
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}

export function makeOidc(idp: Pick<Idp, "issuer">, over: Partial<NonNullable<Config["oidc"]>> = {}): Config["oidc"] {
  return {
    issuer: idp.issuer,
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    name: "Staff login",
    scopes: "openid email profile",
    domains: ["example.com"],
    trustsIssuer: false,
    createsUsers: false,
    roleClaim: null,
    roles: [],
    defaultRole: "gateway_user",
    ...over,
  };
}

export async function openOidcScene(
  idp: Pick<Idp, "issuer">,
  over: Partial<NonNullable<Config["oidc"]>> = {},
): Promise<Scene> {
  return openScene((config) => ({ ...config, oidc: makeOidc(idp, over) }));
}

/** The way out: what the gateway sends the browser to. */
export async function setOut(browser: Browser, query = ""): Promise<URL> {
  const answer = await browser.ask(`/api/v1/auth/oidc/start${query}`, { headers: { "sec-fetch-site": "none" } });
  const location = answer.headers.get("location");
  if (location === null) throw new Error(`the gateway sends nobody anywhere: ${answer.status} ${await answer.text()}`);
  return new URL(location);
}

/** At the provider: a person signs in as `subject`, and is sent back. Answers by which address. */
export async function signInAt(url: URL, subject: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let next = url;
  for (let steps = 0; steps < 10; steps++) {
    if (next.href.startsWith(REDIRECT)) return next;
    const to = next.pathname.startsWith("/interaction/")
      ? new URL(`${next.href}?as=${encodeURIComponent(subject)}`)
      : next;
    const response = await fetch(to, {
      redirect: "manual",
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/u.exec(line) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get("location");
    if (location === null)
      throw new Error(`the provider stays at ${to.pathname}: ${response.status} ${await response.text()}`);
    next = new URL(location, to);
  }
  throw new Error("the provider sends people in a circle");
}

/** The way back. */
export function comeBack(browser: Browser, url: URL, headers: Record<string, string> = {}): Promise<Response> {
  return browser.ask(`${url.pathname}${url.search}`, { headers: { "sec-fetch-site": "cross-site", ...headers } });
}

/** There and back. */
export async function signIn(
  scene: Scene,
  subject: string,
  browser = openBrowser(scene),
): Promise<{ answer: Response; browser: Browser }> {
  const answer = await comeBack(browser, await signInAt(await setOut(browser), subject));
  return { answer, browser };
}
