// Notices over every channel, to real files, servers and a mail server of this process; and what becomes of those that fail.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SMTPServerOptions } from "smtp-server";
import {
  createNotifier,
  type Notice,
  type Notifier,
  type NoticeShelf,
  openNoticeShelf,
  type Smtp,
  type Target,
} from "../../src/notice/index.ts";
import type { Log, LogFields } from "../../src/telemetry/log.ts";
import { type MailServer, openMailServer } from "../mail-server.ts";
import { makeClock, type TestClock } from "../rig.ts";

const NOTICE: Notice = {
  subject: "Head 7 of the books",
  text: "Keep this.\nIt proves what the books said — today.",
  data: { chain: "abc/1", seq: 7, hash: "h" },
  level: "info",
};

let folder: string;
let clock: TestClock;
let told: { level: string; message: string; fields: LogFields }[];
let onTold: (() => void)[];
const closing: (() => unknown)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tokligence-notice-"));
  clock = makeClock();
  told = [];
  onTold = [];
});

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  rmSync(folder, { recursive: true, force: true });
});

function makeLog(): Log {
  const emit =
    (level: string) =>
    (message: string, fields: LogFields = {}) => {
      told.push({ level, message, fields });
      for (const resolve of onTold.splice(0)) resolve();
    };
  const [debug, info, warn, error] = ["debug", "info", "warn", "error"].map(emit) as [
    Log["debug"],
    Log["info"],
    Log["warn"],
    Log["error"],
  ];
  return { debug, info, warn, error, setLevel: () => undefined };
}

async function waitForTold(count: number): Promise<void> {
  while (told.length < count) await new Promise<void>((resolve) => onTold.push(resolve));
}

function make(targets: readonly Target[], smtp: Smtp | null = null, shelf?: NoticeShelf): Notifier {
  return createNotifier({ targets, smtp, fetch, log: makeLog(), clock, ...(shelf === undefined ? {} : { shelf }) });
}

interface Received {
  method: string;
  path: string;
  headers: Headers;
  body: unknown;
}

/** A server whose answers the test gives. */
function listen(answer: (request: Request) => Response | Promise<Response>): { url: string; received: Received[] } {
  const received: Received[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const body = await request.json();
      received.push({ method: request.method, path: `${pathname}${search}`, headers: request.headers, body });
      return answer(request);
    },
  });
  closing.push(() => server.stop(true));
  return { url: `http://127.0.0.1:${server.port}`, received };
}

describe("channels", () => {
  test("a file gets a line for each, and is its owner's alone", async () => {
    const path = join(folder, "worm/heads.jsonl");
    const notifier = make([{ kind: "file", path }]);
    notifier.deliver(NOTICE);
    notifier.deliver({ ...NOTICE, data: { seq: 8 } });
    await notifier.stop(10_000);
    expect(readFileSync(path, "utf8")).toBe('{"chain":"abc/1","seq":7,"hash":"h"}\n{"seq":8}\n');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(told).toEqual([]);
  });

  test("a webhook is posted subject, text and data", async () => {
    const { url, received } = listen(() => new Response("ok"));
    const notifier = make([{ kind: "webhook", url: `${url}/hook?token=t` }]);
    notifier.deliver(NOTICE);
    await notifier.stop(10_000);
    const { level: _, ...body } = NOTICE;
    expect(received).toMatchObject([{ method: "POST", path: "/hook?token=t", body }]);
    expect(received[0]?.headers.get("content-type")).toBe("application/json");
  });

  test("an object store gets the data under a name of its own, with the URL's credentials", async () => {
    const { url, received } = listen(() => new Response(null, { status: 201 }));
    const store = `${url.replace("//", "//user:p%40ss@")}/{chain}/{seq}.json?sig=x`;
    const notifier = make([{ kind: "object", url: store }]);
    notifier.deliver(NOTICE);
    await notifier.stop(10_000);
    expect(received).toMatchObject([{ method: "PUT", path: "/abc%2F1/7.json?sig=x", body: NOTICE.data }]);
    expect(received[0]?.headers.get("authorization")).toBe(`Basic ${btoa("user:p@ss")}`);
  });

  test("the log gets a line of the notice's level", async () => {
    const notifier = make([{ kind: "log" }]);
    notifier.deliver({ ...NOTICE, level: "warn" });
    await notifier.stop(10_000);
    expect(told).toEqual([{ level: "warn", message: NOTICE.subject, fields: NOTICE.data }]);
  });
});

describe("e-mail", () => {
  const USER = { username: "gate", password: "hidden-word" };

  async function serveMail(options: SMTPServerOptions): Promise<MailServer> {
    const server = await openMailServer(USER.password, options);
    closing.push(server.close);
    return server;
  }

  const smtpOf = (port: number, over: Partial<Smtp> = {}): Smtp => ({
    host: "127.0.0.1",
    port,
    username: null,
    password: null,
    from: "gate@example.com",
    security: "none",
    ...over,
  });
  const target: Target = { kind: "mail", address: "audit@example.com" };

  test("arrives without a sign-in, with text and data", async () => {
    const { port, mails, users } = await serveMail({ authOptional: true, hideSTARTTLS: true });
    const notifier = make([target], smtpOf(port));
    notifier.deliver(NOTICE);
    await notifier.stop(10_000);
    expect(users).toEqual([]);
    expect(mails).toHaveLength(1);
    const [mail] = mails;
    expect(mail?.subject).toBe(NOTICE.subject);
    expect(mail?.text?.trim()).toBe(NOTICE.text);
    expect(mail?.from?.text).toBe("gate@example.com");
    expect(mail?.headers.get("auto-submitted")).toBe("auto-generated");
    expect(JSON.parse(mail?.attachments[0]?.content.toString() ?? "")).toEqual(NOTICE.data);
  });

  test("signs in where the server wants it", async () => {
    const { port, mails, users } = await serveMail({ hideSTARTTLS: true, allowInsecureAuth: true });
    const notifier = make([target], smtpOf(port, USER));
    notifier.deliver(NOTICE);
    await notifier.stop(10_000);
    expect(users).toEqual(["gate"]);
    expect(mails).toHaveLength(1);
  });

  test.each([
    ["starttls, where the server has none", { security: "starttls" }, { hideSTARTTLS: true, authOptional: true }],
    ["a certificate of nobody's, with starttls", { security: "starttls" }, { authOptional: true }],
    ["a certificate of nobody's, with tls", { security: "tls" }, { secure: true, authOptional: true }],
    [
      "a wrong password",
      { username: "gate", password: "hidden-wrong" },
      { hideSTARTTLS: true, allowInsecureAuth: true },
    ],
  ] as const)("is refused with %s, and no password is told", async (_, over, options) => {
    const { port, mails } = await serveMail(options);
    const notifier = make([target], smtpOf(port, over));
    notifier.deliver(NOTICE);
    await waitForTold(1);
    expect(mails).toEqual([]);
    expect(told[0]).toMatchObject({ level: "warn", fields: { target: "mailto:audit@example.com" } });
    expect(JSON.stringify(told)).not.toContain("hidden");
  });

  test("fails with a remedy where there is no mail server", async () => {
    make([target]).deliver(NOTICE);
    await waitForTold(1);
    expect(told[0]?.fields["reason"]).toContain("set smtp_host");
  });
});

describe("a delivery that fails", () => {
  test("is tried again later, and says nothing of the URL's path", async () => {
    let status = 503;
    const { url, received } = listen(() => new Response("no", { status }));
    const notifier = make([{ kind: "webhook", url: `${url}/hidden-token` }]);
    notifier.deliver(NOTICE);
    await waitForTold(1);
    expect(told[0]).toMatchObject({
      level: "warn",
      fields: { reason: "it answered with status 503", again_in_ms: 1000 },
    });
    expect(JSON.stringify(told)).not.toContain("hidden");
    status = 200;
    clock.advance(1_000);
    await notifier.stop(10_000);
    expect(received).toHaveLength(2);
    expect(told).toHaveLength(1);
  });

  test("is given up after some hours, and the next one has its turn", async () => {
    const { url, received } = listen(() => new Response("no", { status: 500 }));
    const notifier = make([{ kind: "webhook", url }]);
    notifier.deliver(NOTICE);
    for (let tries = 1; tries <= 6; tries++) {
      await waitForTold(tries);
      clock.advance(3_600_000);
    }
    await waitForTold(7);
    expect(told[6]).toMatchObject({ level: "error", message: "A notice was given up" });
    expect(received).toHaveLength(7);
    notifier.deliver({ ...NOTICE, subject: "next" });
    await waitForTold(8);
    expect(received).toHaveLength(8);
  });

  test("holds up no other target", async () => {
    const path = join(folder, "a.jsonl");
    const { url } = listen(() => new Response("no", { status: 500 }));
    const notifier = make([
      { kind: "webhook", url },
      { kind: "file", path: folder },
      { kind: "file", path },
    ]);
    notifier.deliver(NOTICE);
    await waitForTold(2);
    await notifier.stop(10_000);
    expect(readFileSync(path, "utf8")).toContain('"seq":7');
  });

  test("leads nowhere else", async () => {
    const other = listen(() => new Response("stolen"));
    const { url } = listen(() => Response.redirect(`${other.url}/hidden`, 307));
    make([{ kind: "webhook", url }]).deliver(NOTICE);
    await waitForTold(1);
    expect(told[0]?.fields["reason"]).toContain("redirects are not followed");
    expect(other.received).toEqual([]);
  });

  test("a server that cannot be reached is told by its host alone", async () => {
    const { url } = listen(() => new Response("ok"));
    for (const close of closing.splice(0)) await close();
    make([{ kind: "object", url: `${url}/hidden/{seq}` }]).deliver(NOTICE);
    await waitForTold(1);
    expect(told[0]?.fields).toMatchObject({
      target: `put+${url}/…`,
      reason: "it cannot be reached (ECONNREFUSED)",
    });
  });

  test("leaves no more than a hundred waiting, the newest ones", async () => {
    const path = join(folder, "late/heads.jsonl");
    writeFileSync(join(folder, "late"), "in the way");
    const notifier = make([{ kind: "file", path }]);
    notifier.deliver({ ...NOTICE, data: { seq: 0 } });
    await waitForTold(1);
    for (let seq = 1; seq <= 120; seq++) notifier.deliver({ ...NOTICE, data: { seq } });
    expect(told.filter(({ level }) => level === "error")).toHaveLength(21);
    rmSync(join(folder, "late"));
    await notifier.stop(10_000);
    const kept = readFileSync(path, "utf8").trim().split("\n");
    expect(kept).toHaveLength(100);
    expect([kept[0], kept.at(-1)]).toEqual(['{"seq":21}', '{"seq":120}']);
  });

  test("a stop waits no longer than it may", async () => {
    const { url } = listen(() => new Promise<Response>(() => undefined));
    const notifier = make([{ kind: "webhook", url }]);
    notifier.deliver(NOTICE);
    const stopped = notifier.stop(5_000);
    clock.advance(5_000);
    await stopped;
    expect(told).toMatchObject([
      { level: "error", fields: { subject: NOTICE.subject, reason: "the gateway stopped" } },
    ]);
  });
});

describe("what has not arrived when the process ends", () => {
  const SECOND: Notice = { ...NOTICE, subject: "Head 8 of the books", data: { seq: 8 } };

  test.each(["is killed", "is stopped"])("is told by the next one, once, where it %s", async (how) => {
    let isDown = true;
    const { url, received } = listen(() => new Response(null, { status: isDown ? 503 : 200 }));
    const targets: Target[] = [{ kind: "log" }, { kind: "webhook", url }];
    const path = join(folder, "alerts.json");
    const first = make(targets, null, openNoticeShelf(path));
    first.deliver(NOTICE);
    first.deliver(SECOND);
    await waitForTold(3);
    if (how === "is stopped") {
      await first.stop(10_000);
      expect(told.at(-1)).toMatchObject({ level: "warn", fields: { subject: SECOND.subject } });
      expect(told.at(-1)?.message).toContain("the next start tries it again");
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, "utf8")).not.toContain(url);
    isDown = false;
    const before = received.length;
    const second = make(targets, null, openNoticeShelf(path));
    await second.stop(10_000);
    expect(received.slice(before).map(({ body }) => body)).toMatchObject([
      { subject: NOTICE.subject },
      { subject: SECOND.subject },
    ]);
    expect(existsSync(path)).toBe(false);
    // Who was told is not told again.
    expect(told.filter(({ message }) => message === NOTICE.subject)).toHaveLength(1);
  });

  test("is not told to anybody else, but the log says once that it was given up", async () => {
    const path = join(folder, "alerts.json");
    writeFileSync(path, JSON.stringify([{ target: "somebody", notice: NOTICE }]));
    for (let times = 0; times < 2; times++) await make([{ kind: "log" }], null, openNoticeShelf(path)).stop(10_000);
    expect(told).toMatchObject([
      { level: "error", message: "A notice was given up", fields: { subject: NOTICE.subject } },
    ]);
    expect(existsSync(path)).toBe(false);
  });

  test("is nothing where nobody can read it", async () => {
    const path = join(folder, "alerts.json");
    writeFileSync(path, JSON.stringify([{ target: 7 }, null]));
    await make([{ kind: "log" }], null, openNoticeShelf(path)).stop(10_000);
    writeFileSync(path, "[{");
    await make([{ kind: "log" }], null, openNoticeShelf(path)).stop(10_000);
    expect(told).toEqual([]);
  });
});
