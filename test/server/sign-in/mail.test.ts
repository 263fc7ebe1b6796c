// Sign-in links through a real mail server: how they look, how they travel, and what becomes of those that cannot.

import { afterEach, expect, test } from "bun:test";
import type { SMTPServerOptions } from "smtp-server";
import { type Smtp, sendMail } from "../../../src/notice/index.ts";
import { isDue } from "../../clock.ts";
import { type MailServer, openMailServer } from "../../mail-server.ts";
import { type Scene, openBrowser, openScene } from "./scene.ts";

const PASSWORD = "canary-smtp-password-0123456789";
let scene: Scene;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await scene.rig.close();
});

async function open(options: SMTPServerOptions, over: Partial<Smtp> = {}): Promise<MailServer> {
  const server = await openMailServer(PASSWORD, options);
  closing.push(server.close);
  await openAt(server.port, over);
  return server;
}

async function openAt(port: number, over: Partial<Smtp> = {}): Promise<void> {
  const smtp: Smtp = {
    host: "127.0.0.1",
    port,
    username: null,
    password: null,
    from: "gate@example.com",
    security: "auto",
    ...over,
  };
  scene = await openScene((config) => ({ ...config, smtp }), sendMail);
  await scene.rig.directory.createUser({ kind: "operator" }, { email: "ann@example.com" });
}

const ask = (email = "ann@example.com") => openBrowser(scene).ask("/api/v1/auth/login", { body: { email } });

test("a link arrives as text and as a page that says whose it is, and signs in", async () => {
  const server = await open({ authOptional: true, hideSTARTTLS: true });
  const browser = openBrowser(scene);
  await browser.ask("/api/v1/auth/login", { body: { email: "ann@example.com" } });
  await scene.mailed();
  const [mail] = server.mails;
  expect(server.users).toEqual([]);
  expect([mail?.from?.text, mail?.subject]).toEqual([
    "gate@example.com",
    "Sign in to Tokligence Gateway at 127.0.0.1:8081",
  ]);
  expect(mail?.headers.get("auto-submitted")).toBe("auto-generated");
  const [, token = ""] = /http:\/\/127\.0\.0\.1:8081\/ui\/login#([\w-]{43})/u.exec(mail?.text ?? "") ?? [];
  const html = mail?.html === false ? "" : (mail?.html ?? "");
  expect(html).toContain("Tokligence Gateway");
  expect(html.split(`/ui/login#${token}`)).toHaveLength(3);
  // Nothing in it is fetched from anywhere: it tells nobody that it was read.
  expect(html).not.toMatch(/<(?:img|link|script|style)|url\(/u);
  expect(mail?.text).toContain("15 minutes");
  expect((await browser.ask("/api/v1/auth/verify", { body: { token } })).status).toBe(200);
});

test("with user and password, where the server wants them", async () => {
  const server = await open({ hideSTARTTLS: true, allowInsecureAuth: true }, { username: "gate", password: PASSWORD });
  await ask();
  await scene.mailed();
  expect([server.users, server.mails.length]).toEqual([["gate"], 1]);
});

test("by STARTTLS, where the server offers it and its certificate is known", async () => {
  const server = await open({ authOptional: true }, { security: "starttls" });
  await ask();
  scene.clock.advance(1_000);
  // Ours is nobody's: that it is looked at shows that it travelled no other way.
  await waitFor(() => isDue(scene.clock, 5_000));
  expect(server.mails).toEqual([]);
  expect(scene.rig.log.join("\n")).toMatch(/certificate/iu);
});

const TRIES_MS = [5_000, 30_000, 120_000, 300_000];

test.each<[string, SMTPServerOptions, Partial<Smtp>, number[]]>([
  ["no TLS, where it is wanted", { authOptional: true, hideSTARTTLS: true }, { security: "starttls" }, TRIES_MS],
  ["a certificate of nobody's", { authOptional: true, secure: true }, { security: "tls" }, TRIES_MS],
  [
    "another password",
    { hideSTARTTLS: true, allowInsecureAuth: true },
    { username: "gate", password: `${PASSWORD}-wrong` },
    // It means what it says.
    [],
  ],
])("a server with %s gets none, and whoever asks is told nothing else", async (_, options, over, pauses) => {
  const server = await open(options, over);
  const known = await ask();
  const unknown = await ask("bob@example.com");
  expect([known.status, unknown.status]).toEqual([202, 202]);
  scene.clock.advance(1_000);
  for (const pause of pauses) {
    await waitFor(() => isDue(scene.clock, pause));
    scene.clock.advance(pause);
  }
  await scene.rig.app.mailed();
  expect(server.mails).toEqual([]);
  const log = scene.rig.log.join("\n");
  expect(log).toContain("A sign-in link could not be sent; admin login-link makes one to hand over");
  for (const mail of scene.mails) expect(log).not.toContain(/#([\w-]{43})/u.exec(mail.notice.text)?.[1] ?? "none");
  expect(log).not.toContain(PASSWORD);
});

test("a server that is gone, or takes a link and says nothing, keeps nobody waiting", async () => {
  const gone = await openMailServer(PASSWORD, {});
  await gone.close();
  await openAt(gone.port);
  expect((await ask()).status).toBe(202);
  scene.clock.advance(1_000);
  await waitFor(() => isDue(scene.clock, 5_000));
  await scene.rig.close();
  const { promise, resolve } = Promise.withResolvers<void>();
  await open({
    authOptional: true,
    hideSTARTTLS: true,
    onMailFrom(_, __, done) {
      void promise.then(() => done());
    },
  });
  for (const email of ["ann@example.com", "bob@example.com", "ann@example.com"])
    expect((await ask(email)).status).toBe(202);
  scene.clock.advance(1_000);
  await waitFor(() => scene.mails.length === 2);
  expect((await ask("cid@example.com")).status).toBe(202);
  resolve();
  await scene.mailed();
});

/** Until what was set going has come so far. */
async function waitFor(isThere: () => boolean): Promise<void> {
  while (!isThere()) await new Promise(setImmediate);
}
