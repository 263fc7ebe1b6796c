// `tokligence doctor` on machines with one thing wrong at a time: what it says, what it makes of the rest, and that it changes nothing and tells no secret.

import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../src/cli/error.ts";
import { openKey } from "../../src/cli/ledger/key-file.ts";
import { VERSION } from "../../src/lib/version.ts";
import { NAMED_CERTIFICATE, NAMED_KEY } from "../config/tls.ts";
import { desk, examine, firstUse, of, serve, setting, useMachines } from "./doctor-scene.ts";

useMachines();

/** Whatever is in the folder, and when it was changed. */
const listFiles = () =>
  readdirSync(desk.folder, { recursive: true })
    .map(String)
    .toSorted()
    .map((name) => [name, statSync(join(desk.folder, name)).mtimeMs, statSync(join(desk.folder, name)).size]);

describe("a machine", () => {
  test("that no gateway ran on yet has nothing wrong, and stays as it is", async () => {
    const before = listFiles();
    const report = await examine("--offline");
    expect(report.code).toBe(EXIT.ok);
    expect(of(report, "database")).toEqual([
      `note: ${desk.folder}/identity.db: is not there yet`,
      `note: ${desk.folder}/ledger.db: is not there yet`,
    ]);
    expect(listFiles()).toEqual(before);
  });

  test("with databases is looked at without a file of theirs being touched", async () => {
    await firstUse();
    const before = listFiles();
    const report = await examine("--offline");
    expect(of(report, "database").map((line) => line.replace(/[\d.]+ \w+/gu, "N"))).toEqual([
      `ok: ${desk.folder}/identity.db: N, its log N; whole`,
      `ok: ${desk.folder}/ledger.db: N, its log N; whole`,
    ]);
    expect(of(report, "setup")[0]).toStartWith("note: set-up: no root administrator has signed in yet");
    expect(listFiles()).toEqual(before);
  });

  test("is described for people in a table, and below it what to do", async () => {
    setting("public_url = http://gateway.example.com");
    const { out, code } = await desk.run("admin doctor --offline");
    expect(code).toBe(EXIT.ok);
    expect(out).toMatch(/^LEVEL +CHECK +SUBJECT +FOUND$/mu);
    expect(out).toContain("\nwarning: public_url: http://gateway.example.com is not https\n  why:  ");
    expect(out).toMatch(/\n\d+ ok, \d+ note, \d+ warning, 0 error\n$/u);
  });

  test("whose disk has room is said to have it", async () => {
    expect(of(await examine("--offline"), "disk")[0]).toMatch(/GiB free for .*home/u);
  });
});

describe("a configuration that cannot be used", () => {
  test("is told by file, line and key, and the rest is looked at by what is left of it", async () => {
    await firstUse();
    setting("http_addres = :1\nlog_level = loud\n[provider.acme]\ntype = nonsense\nbase_url = http://127.0.0.1:9");
    const report = await examine("--offline");
    expect(report.code).toBe(EXIT.unhealthy);
    const file = join(desk.folder, "config/setting.ini");
    const at = report.findings.flatMap((finding) => (finding.check === "config" && finding.at ? [finding.at] : []));
    expect(at.map(({ line, key }) => [line, key])).toEqual([
      [5, "http_addres"],
      [6, "log_level"],
      [8, "provider.acme.type"],
    ]);
    expect(at.every((each) => file.endsWith(each.file.replace(/^(?:\.\.\/)+/u, "")))).toBeTrue();
    expect(report.findings.find(({ at: place }) => place?.line === 5)?.remedy).toBe('Did you mean "http_address"?');
    // Its home and databases are still those that it says.
    expect(of(report, "database").join()).toContain(`ok: ${desk.folder}/identity.db`);
    expect(report.err).toContain("3 errors found");
  });

  test("that is no text at all leaves the defaults", async () => {
    writeFileSync(join(desk.folder, "config/setting.ini"), new Uint8Array([0xff, 0xfe, 0x00, 0xd8, 0x00]));
    const report = await examine("--offline");
    expect(report.code).toBe(EXIT.unhealthy);
    expect(of(report, "config")[0]).toStartWith("error: ");
    expect(report.findings.length).toBeGreaterThan(8);
  });

  test("is looked at with what was set while gateways ran above it", async () => {
    await desk.read("admin settings set log_level warn");
    expect((await examine("--offline")).code).toBe(EXIT.ok);
    const { Database } = await import("bun:sqlite");
    const db = new Database(join(desk.folder, "identity.db"));
    db.run(`update runtime_settings set fields = '{"log_level":"loud"}'`);
    db.close();
    const report = await examine("--offline");
    expect(report.code).toBe(EXIT.ok);
    expect(of(report, "config")[0]).toStartWith("warning: log_level: what was set while gateways ran cannot be used");
  });

  test("whose environment is wrong names the variable, not what is in it", async () => {
    process.env["OPENAI_BASE_URL"] = "canary-of-no-url";
    try {
      const report = await examine("--offline");
      expect(of(report, "config")[0]).toStartWith("error: OPENAI_BASE_URL: ");
    } finally {
      delete process.env["OPENAI_BASE_URL"];
    }
  });
});

describe("databases", () => {
  test("that are damaged are errors, and everything else is still found", async () => {
    await firstUse();
    const path = join(desk.folder, "identity.db");
    const file = openSync(path, "r+");
    for (let page = 2; page < 20; page++) writeSync(file, Buffer.alloc(600, 0xa5), 0, 600, page * 4096);
    const report = await examine("--offline");
    expect(of(report, "database")[0]).toMatch(/^error: .*identity\.db/u);
    expect(of(report, "database")[1]).toMatch(/^ok: .*ledger\.db/u);
    expect(of(report, "disk")).toHaveLength(1);
    truncateSync(path, 0);
    writeFileSync(path, "this is no database, but it is long enough to be taken for one".repeat(20));
    expect(of(await examine("--offline"), "database")[0]).toMatch(/^error: .*not a SQLite database or is damaged/u);
  });

  test("of a newer version are not for this one", async () => {
    await firstUse();
    await desk.withStore(async () => undefined);
    const { Database } = await import("bun:sqlite");
    const db = new Database(join(desk.folder, "ledger.db"));
    db.run("insert into tokligence_migrations (name, applied_at) values ('29990101000000_more', 'then')");
    db.close();
    expect(of(await examine("--offline"), "database").join()).toContain(
      "newer version of this program (migration 2999",
    );
  });

  test("of an older version are told to be so, and what they lack yet is no error", async () => {
    await firstUse();
    await desk.withStore(async () => undefined);
    const { Database } = await import("bun:sqlite");
    const db = new Database(join(desk.folder, "ledger.db"));
    db.run("delete from tokligence_migrations where name > '20261125'");
    for (const table of ["ledger_chains", "ledger_places", "ledger_refused"]) db.run(`drop table ${table}`);
    db.close();
    const report = await examine("--offline");
    expect(report.code).toBe(EXIT.ok);
    expect(of(report, "database").join()).toContain("ledger.db: its tables are older than this program");
    expect(of(report, "keys").join()).not.toContain("could not be looked at");
  });

  test("of the earlier edition are errors, and not empty", async () => {
    const { Database } = await import("bun:sqlite");
    const db = new Database(join(desk.folder, "ledger.db"), { create: true });
    db.run("create table usage_entries (id integer primary key)");
    db.close();
    expect(of(await examine("--offline"), "database").join()).toContain(
      "ledger.db: is a database of the earlier edition",
    );
  });

  test("of other programs are errors where the gateway cannot start on them, and a folder is none", async () => {
    const { Database } = await import("bun:sqlite");
    const db = new Database(join(desk.folder, "identity.db"));
    db.run("create table notes (id text)");
    const state = async () => of(await examine("--offline"), "database").join();
    expect(await state()).not.toContain("did not make");
    db.run("create table users (id text)");
    db.close();
    expect(await state()).toContain(
      `error: ${desk.folder}/identity.db: has a table "users" that this program did not make`,
    );
    rmSync(join(desk.folder, "identity.db"));
    mkdirSync(join(desk.folder, "identity.db"));
    expect(await state()).toContain(`${desk.folder}/identity.db is a folder; name a file in it.`);
  });

  test("that others may read, and a log that grew, are warnings", async () => {
    await firstUse();
    chmodSync(join(desk.folder, "identity.db"), 0o644);
    const found = of(await examine("--offline"), "database");
    expect(found[0]).toBe(
      `warning: ${desk.folder}/identity.db: other users of this machine have rights to it (mode 0644)`,
    );
  });

  test("whose journals have rows that nobody reads are told", async () => {
    await firstUse();
    writeFileSync(join(desk.folder, "ledger.db.journal-0-1"), Buffer.alloc(10_000, "x"));
    // Of which nobody wrote a byte.
    writeFileSync(join(desk.folder, "ledger.db.journal-0-2"), Buffer.alloc(10_000));
    writeFileSync(join(desk.folder, "ledger.db.journal-0-0.damaged"), "x");
    const found = of(await examine("--offline"), "books").join();
    expect(found).toContain("journal-0-0.damaged: part of a journal could not be read");
    expect(found).toContain("9.8 KiB of its journals are not in the file yet");
  });
});

describe("keys", () => {
  test("that sign the books must be there and be ours alone", async () => {
    await firstUse();
    const path = join(desk.folder, "ledger.key");
    openKey(path);
    chmodSync(path, 0o640);
    expect(of(await examine("--offline"), "keys")[0]).toBe(
      `error: ${path}: other users of this machine have rights to it (mode 0640)`,
    );
    writeFileSync(path, "canary: no key at all");
    const report = await examine("--offline");
    expect(of(report, "keys")[0]).toContain("it holds no Ed25519 private key");
    expect(report.raw).not.toContain("canary: no key");
  });

  test("that providers' credentials are encrypted with must be the one that the database names", async () => {
    const key = desk.write("key.txt", "sk-canary-doctor-ABCDwxyz");
    const words = ["type=compatible", "base_url=https://acme.test/v1", "--key-file", key];
    await desk.read(["admin", "providers", "add", "acme", ...words]);
    expect(of(await examine("--offline"), "keys").at(-1)).toContain(
      "secret.key: opens all credentials in the database",
    );
    rmSync(join(desk.folder, "secret.key"));
    const report = await examine("--offline");
    expect(of(report, "keys").at(-1)).toMatch(/^error: .*there is no key that opens credentials/u);
    expect(of(report, "providers").join()).toContain("warning: acme: api_key of the provider");
    expect(report.raw).not.toContain("canary");
  });
});

describe("an address", () => {
  test("that another program has is an error; one of ours is told by its version and health", async () => {
    const other = serve(() => new Response("hello"));
    setting(`http_address = 127.0.0.1:${new URL(other).port}`);
    const path = join(desk.folder, "config/setting.ini");
    const say = (url: string): void =>
      writeFileSync(
        path,
        readFileSync(path, "utf8").replaceAll(/http_address = .*\n/gu, "") + `http_address = ${new URL(url).host}\n`,
      );
    say(other);
    expect(of(await examine("--offline"), "ports")[0]).toContain("another program listens there");
    const gateway = (version: string, state: string) => (request: Request) =>
      request.url.endsWith("/version")
        ? Response.json({ version, commit: "x" })
        : Response.json({ status: "", checks: { ledger: state } }, { status: state === "ok" ? 200 : 503 });
    say(serve(gateway("9.9.9", "failed")));
    const found = of(await examine("--offline"), "ports");
    expect(found[0]).toContain(`version 9.9.9; this program is ${VERSION}`);
    expect(found[1]).toContain("is not ready: ledger");
    say(serve(gateway(VERSION, "ok")));
    expect(of(await examine("--offline"), "ports").slice(0, 2)).toEqual([
      expect.stringContaining(`ok: ${"127.0.0.1"}`),
      expect.stringContaining("is ready for requests"),
    ]);
  });

  test.each([
    ["trusted_proxies = 10.0.0.0/8, 0.0.0.0/0", "error: trusted_proxies: 0.0.0.0/0 trusts everybody"],
    ["public_url = https://gateway.example.com", "warning: trusted_proxies: is not set, while public_url is https"],
    ["smtp_host = 127.0.0.1\nsmtp_from = a@b.test", "warning: public_url: is not set, while people get links"],
    ["public_url = https://gateway.example.com/llm", "warning: public_url: https://gateway.example.com/llm has a path"],
    ["trusted_proxies = 10.0.0.7", "warning: public_url: is not set, while trusted_proxies names a proxy"],
  ])("%s is looked at", async (text, found) => {
    setting(text);
    expect(of(await examine("--offline"), "address").join("\n")).toContain(found);
  });
});

test.each([
  ["https://gateway.test", true],
  ["https://other.test", false],
  ["https://127.0.0.1:8443", true],
  ["https://127.0.0.2:8443", false],
  ["https://[::1]:8443", true],
])("a certificate is held against %s, a name or an address", async (url, isMade) => {
  const [certificate, key] = [desk.write("tls.pem", NAMED_CERTIFICATE), desk.write("tls.key", NAMED_KEY)];
  setting(`public_url = ${url}\ntls_cert = ${certificate}\ntls_key = ${key}`);
  const found = of(await examine("--offline"), "address").join("\n");
  expect(found).toContain(`ok: ${certificate}: expires at`);
  expect(found.includes("is not made for")).toBe(!isMade);
});

test("what is asked for wrongly is said", async () => {
  expect((await desk.run("doctor --call openai")).err).toContain('"openai" is no PROVIDER/MODEL');
  expect((await desk.run("doctor --offline --call a/b")).code).toBe(EXIT.usage);
});

test("a set-up link that is old is not offered, and none is shown", async () => {
  await firstUse();
  const link = desk.write("setup-link", "http://127.0.0.1/ui/setup#canary-link\n");
  chmodSync(link, 0o600);
  const fresh = await examine("--offline");
  expect(of(fresh, "setup")[0]).toContain(`the link for it lies in ${link}`);
  utimesSync(link, new Date(0), new Date(0));
  expect(of(await examine("--offline"), "setup")[0]).not.toContain(link);
  expect(fresh.raw).not.toContain("canary");
});

describe("a price file", () => {
  const file = () => join(desk.folder, "prices.json");
  const look = async () => of(await examine("--offline"), "prices")[0] ?? "";

  test("that is missing or holds no prices is told of, and what is well of it", async () => {
    expect(await look()).toStartWith("ok: price_file: is not set");
    setting(`price_file = ${file()}`);
    expect(await look()).toStartWith(`warning: price_file ${file()}: There is no price file at `);
    writeFileSync(file(), "{");
    expect(await look()).toStartWith(`warning: price_file ${file()}: The price file `);
    writeFileSync(file(), JSON.stringify({ prices: [{ model: "gpt-x", input: 2.5, output: 10 }] }));
    const before = listFiles();
    expect(await look()).toStartWith(`ok: price_file ${file()}: holds `);
    expect(listFiles()).toEqual(before);
  });
});
