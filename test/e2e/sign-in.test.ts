// Signing in at the executable: the first start's link, a link from the command line, the page, and what ends a session elsewhere.

import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "bun:test";
import { LOCAL_CERTIFICATE, LOCAL_PRIVATE_KEY } from "../config/tls.ts";
import { openMailServer } from "../mail-server.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { type Served, expectOk, makeFolder, serve, waitUntil } from "./binary.ts";

const JSON_TYPE = { "content-type": "application/json" };

function readToken(link: string): string {
  const [, token = ""] = /#([\w-]{43})$/u.exec(link.trim()) ?? [];
  return token;
}

/** Uses a link up; answers the cookie of the session. */
async function enter({ url }: Pick<Served, "url">, link: string): Promise<string> {
  const answer = await fetch(`${url}/api/v1/auth/verify`, {
    method: "POST",
    headers: JSON_TYPE,
    body: JSON.stringify({ token: readToken(link) }),
  });
  if (answer.status !== 200) throw new Error(`refused: ${answer.status} ${await answer.text()}`);
  return (answer.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
}

const statusOf = async ({ url }: Pick<Served, "url">, cookie: string): Promise<number> =>
  (await fetch(`${url}/api/v1/profile`, { headers: { cookie } })).status;

test("the first start leaves a link for its owner alone, which works once and is in no log", async () => {
  const gateway = await serve();
  const path = join(gateway.folder, "home/setup-link");
  const link = readFileSync(path, "utf8");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(link).toStartWith(`${gateway.url}/ui/setup#`);
  expect(gateway.log()).not.toContain(readToken(link));
  const cookie = await enter(gateway, link);
  expect(await statusOf(gateway, cookie)).toBe(200);
  expect(await enter(gateway, link).catch((error: Error) => error.message)).toContain("refused: 401");
  const made = JSON.parse(await expectOk(gateway.run(["admin", "login-link", "--ttl", "1m", "--json"])));
  expect(await statusOf(gateway, await enter(gateway, made.url))).toBe(200);
  await gateway.stop();
});

test("no page of ours asks anybody else for anything, and no other page reads an answer", async () => {
  const gateway = await serve();
  for (const path of ["/ui/", "/ui/login", "/ui/setup", "/ui/page.js", "/ui/page.css"]) {
    const answer = await fetch(`${gateway.url}${path}`, { headers: { origin: "http://evil.test" } });
    expect([path, answer.status]).toEqual([path, 200]);
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect((await answer.text()).replaceAll(/"http:\/\/www\.w3\.org[^"]*"/gu, "")).not.toMatch(
      /(?:https?:)?\/\/[a-z]/iu,
    );
  }
  const preflight = await fetch(`${gateway.url}/api/v1/auth/login`, {
    method: "OPTIONS",
    headers: { origin: "http://evil.test", "access-control-request-method": "POST" },
  });
  expect(preflight.ok).toBe(false);
  expect([...preflight.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  await gateway.stop();
});

test("a link travels by STARTTLS with a password, to a mail server whose certificate is known", async () => {
  const password = "canary-smtp-password-0123456789";
  const mail = await openMailServer(password, { key: LOCAL_PRIVATE_KEY, cert: LOCAL_CERTIFICATE });
  const folder = makeFolder();
  await Bun.write(join(folder, "ca.pem"), LOCAL_CERTIFICATE);
  const gateway = await serve({
    folder,
    config: `smtp_host = localhost\nsmtp_port = ${mail.port}\nsmtp_username = gate@example.com\nsmtp_password = ${password}\n`,
    env: { NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") },
  });
  await expectOk(gateway.run(["admin", "users", "create", "--email", "ann@example.com"]));
  const asked = await fetch(`${gateway.url}/api/v1/auth/login`, {
    method: "POST",
    headers: JSON_TYPE,
    body: JSON.stringify({ email: "ann@example.com" }),
  });
  expect(asked.status).toBe(202);
  const browser = (asked.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
  await waitUntil(() => mail.mails.length === 1, "the link to arrive");
  expect(mail.users).toEqual(["gate@example.com"]);
  const [, token = ""] = /#([\w-]{43})\b/u.exec(mail.mails[0]?.text ?? "") ?? [];
  const verify = (cookie: string) =>
    fetch(`${gateway.url}/api/v1/auth/verify`, {
      method: "POST",
      headers: { ...JSON_TYPE, cookie },
      body: JSON.stringify({ token }),
    });
  expect((await verify("")).status).toBe(409);
  expect((await verify(browser)).status).toBe(200);
  for (const secret of [token, password]) expect(gateway.log()).not.toContain(secret);
  await gateway.stop();
  await mail.close();
  rmSync(folder, { recursive: true, force: true });
});

test.skipIf(!hasPostgres)("what ends a session at one gateway ends it at another within a second", async () => {
  const env = { TOKLIGENCE_IDENTITY_PATH: await createDatabase() };
  const one = await serve({ env });
  const other = await serve({ env });
  await expectOk(one.run(["admin", "users", "create", "--email", "ann@example.com"]));
  const link = async () =>
    JSON.parse(await expectOk(one.run(["admin", "login-link", "--email", "ann@example.com", "--json"]))).url;
  const within = async (gateway: Served, cookie: string): Promise<number> => {
    const start = performance.now();
    await waitUntil(async () => (await statusOf(gateway, cookie)) === 401, "the session to be over");
    return performance.now() - start;
  };
  const first = await enter(one, await link());
  expect([await statusOf(one, first), await statusOf(other, first)]).toEqual([200, 200]);
  const gone = await fetch(`${other.url}/api/v1/auth/logout`, {
    method: "POST",
    headers: { cookie: first, "sec-fetch-site": "same-origin" },
  });
  expect(gone.status).toBe(204);
  expect(await within(one, first)).toBeLessThan(1_000);
  const second = await enter(other, await link());
  expect(await statusOf(one, second)).toBe(200);
  await expectOk(other.run(["admin", "users", "status", "--id", "ann@example.com", "--status", "suspended"]));
  expect(Math.max(await within(one, second), await within(other, second))).toBeLessThan(1_000);
  await one.stop();
  await other.stop();
});
