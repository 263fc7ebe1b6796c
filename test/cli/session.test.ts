// `admin sessions …` and `admin users invite|show`: who is signed in, who is brought in, and who is signed out.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../src/cli/error.ts";
import { createSignIn, hashToken } from "../../src/identity/index.ts";
import { openMailServer } from "../mail-server.ts";
import { type Desk, makeDesk } from "./desk.ts";

interface SessionJson {
  id: string;
  email: string;
  address: string | null;
}

let desk: Desk;
beforeEach(() => {
  desk = makeDesk();
});
afterEach(() => desk.close());

const list = async (flags = ""): Promise<SessionJson[]> =>
  (await desk.read<{ sessions: SessionJson[] }>(`admin sessions list${flags}`)).sessions;

/** As the built-in page does. */
async function enter(link: string): Promise<void> {
  await desk.withStore(async ({ identity }) => {
    const signIn = createSignIn({ store: identity, now: Date.now });
    const visitor = { userAgent: "Browser\u001B[2J", address: "192.0.2.1" };
    await signIn.redeem(link.split("#")[1] ?? "", { browser: null, isConfirmed: false, visitor });
  });
}

async function invite(email: string): Promise<string> {
  return (await desk.read<{ link: string }>(`admin users invite --email ${email}`)).link;
}

test("an invitation makes the user and prints the link alone", async () => {
  const { code, out, err } = await desk.run("admin users invite --email ana@example.com --role gateway_admin --ttl 1h");
  expect(code).toBe(0);
  expect(out).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/ui\/login#[\w-]{43}\n$/u);
  expect(err).toContain("Created user id=");
  await enter(out.trim());
  const shown = await desk.read<{ user: object; sessions: object[]; api_keys: object[] }>(
    "admin users show --id ana@example.com",
  );
  expect(shown.user).toMatchObject({ email: "ana@example.com", role: "gateway_admin" });
  expect([shown.sessions.length, shown.api_keys.length]).toEqual([1, 0]);
  expect((await desk.run("admin users show --id ana@example.com")).out).toContain("email       ana@example.com\n");
  expect((await desk.run("admin users show --id nobody@example.com")).code).toBe(EXIT.notFound);
  expect((await desk.run("admin users invite --email ana@example.com --role gateway_user")).code).toBe(EXIT.conflict);
  expect((await desk.run("admin users invite --email ana@example.com --ttl 8d")).code).toBe(EXIT.usage);
});

test("an invitation goes through the mail server where there is one, and nobody at the terminal sees the link", async () => {
  const server = await openMailServer("canary-smtp-password", { authOptional: true, hideSTARTTLS: true });
  const setting = join(desk.folder, "config/setting.ini");
  const smtp = ["smtp_host = 127.0.0.1", `smtp_port = ${server.port}`, "smtp_from = gate@example.com"];
  writeFileSync(setting, `${readFileSync(setting, "utf8")}${smtp.join("\n")}\n`);
  const { code, out, err } = await desk.run("admin users invite --email ana@example.com");
  expect([code, out]).toEqual([0, "Sent to ana@example.com\n"]);
  const [mail] = server.mails;
  const [link = ""] = /http:\S+\/ui\/login#[\w-]{43}/u.exec(mail?.text ?? "") ?? [];
  expect(err).not.toContain(link.split("#")[1] ?? "none");
  expect(mail?.subject).toBe("You are invited to Tokligence Gateway at 127.0.0.1:8081");
  expect(mail?.html === false ? "" : mail?.html).toContain(link);
  await enter(link);
  expect(await list()).toMatchObject([{ email: "ana@example.com" }]);
  await server.close();
  const lost = await desk.run("admin users invite --email bo@example.com");
  expect(lost.code).toBe(EXIT.unavailable);
  expect(lost.err).toContain("tokligence admin login-link --email bo@example.com");
});

test("sessions are listed with their owners, and nothing in them steers the terminal", async () => {
  for (const email of ["ana@example.com", "bo@example.com"]) await enter(await invite(email));
  expect((await list()).map(({ email }) => email)).toEqual(["bo@example.com", "ana@example.com"]);
  expect(await list(" --user ana@example.com")).toMatchObject([{ email: "ana@example.com", address: "192.0.2.1" }]);
  const { out, err } = await desk.run("admin sessions list --limit 1");
  expect(out).not.toContain("\u001B");
  const cursor = /--cursor (\S+)/u.exec(err)?.[1] ?? "";
  expect((await list(` --limit 1 --cursor ${cursor}`)).map(({ email }) => email)).toEqual(["ana@example.com"]);
});

test("sessions end one by one, by user, and all", async () => {
  for (const email of ["ana@example.com", "ana@example.com", "bo@example.com", "cy@example.com"])
    await enter(await invite(email));
  const [, , newest] = await list();
  expect((await desk.run(`admin sessions revoke --id ${newest?.id}`)).out).toBe("1 session ended\n");
  expect((await desk.run(`admin sessions revoke --id ${newest?.id}`)).code).toBe(EXIT.ok);
  expect((await desk.run("admin sessions revoke --id never-was")).code).toBe(EXIT.notFound);
  expect((await desk.run("admin sessions revoke --user ana@example.com")).out).toBe("1 session ended\n");
  expect((await list()).map(({ email }) => email)).toEqual(["cy@example.com", "bo@example.com"]);
  expect(await desk.read("admin sessions revoke --all")).toEqual({ ended: 2 });
  expect(await list()).toEqual([]);
  expect((await desk.run("admin sessions revoke")).code).toBe(EXIT.usage);
  expect((await desk.run("admin sessions revoke --all --user bo@example.com")).code).toBe(EXIT.usage);
});

test("an address is changed, and users are listed by how theirs begins, by role and by status, a page at a time", async () => {
  for (const email of ["ana@example.com", "anb@example.com", "bo@example.com"])
    await desk.run(`admin users create --email ${email}`);
  expect((await desk.run("admin users update --id bo@example.com --email ANC@example.com")).code).toBe(0);
  await desk.run("admin users status --id anb@example.com --status suspended");
  const read = async (flags: string): Promise<string[]> =>
    (await desk.read<{ users: { email: string }[] }>(`admin users list ${flags}`)).users.map(({ email }) => email);
  expect(await read("--email an")).toEqual(["ana@example.com", "anb@example.com", "anc@example.com"]);
  expect(await read("--status suspended")).toEqual(["anb@example.com"]);
  expect(await read("--role root_admin")).toEqual(["admin@local"]);
  const { err } = await desk.run("admin users list --email an --limit 2");
  expect(await read(`--email an --cursor ${/--cursor (\S+)/u.exec(err)?.[1] ?? ""}`)).toEqual(["anc@example.com"]);
  expect((await desk.run("admin users update --id ana@example.com --email anb@example.com")).code).toBe(EXIT.conflict);
});

test("no link stays readable in the database", async () => {
  const token = (await invite("ana@example.com")).split("#")[1] ?? "";
  await desk.withStore(async ({ identity }) => {
    const link = await identity.findLink(hashToken(token), new Date());
    expect(JSON.stringify(link)).not.toContain(token);
  });
});
