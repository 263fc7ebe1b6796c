// What a shell is told when somebody presses the key: commands, flags and values of this machine, or of a gateway elsewhere; and on any trouble nothing.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { splitLine } from "../../src/cli/complete/line.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { type Desk, makeDesk, runLine } from "./desk.ts";

let desk: Desk;
beforeEach(() => {
  desk = makeDesk();
});
afterEach(() => desk.close());

/** The flag that says where to look stands first, as what is being typed stands last. */
const ask = async (...words: string[]) => {
  const { code, out, err } = await runLine(["complete", "--", "--config", join(desk.folder, "config"), ...words]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const lines = out.trimEnd().split("\n");
  expect(lines.at(-1)).toMatch(/^:[04]$/u);
  return {
    names: lines.slice(0, -1).map((line) => line.split("\t")[0]),
    lines: lines.slice(0, -1),
    last: lines.at(-1),
  };
};
const names = async (...words: string[]) => (await ask(...words)).names;
const setting = (text: string): void => appendFileSync(join(desk.folder, "config/setting.ini"), `${text}\n`);
const addUser = (email: string) => desk.read<{ user: { id: string } }>(["admin", "users", "create", "--email", email]);
const addKey = async (email: string) =>
  (await desk.read<{ api_key: { id: string; prefix: string } }>(["admin", "api-keys", "create", "--user", email]))
    .api_key;
const listFiles = () =>
  readdirSync(desk.folder, { recursive: true })
    .map(String)
    .toSorted()
    .map((name) => [name, statSync(join(desk.folder, name)).mtimeMs, statSync(join(desk.folder, name)).size]);

describe("commands and flags", () => {
  test("follow the word that is being typed", async () => {
    expect((await ask("us")).lines).toEqual(["usage\tRead the books"]);
    expect(await names("admin", "users", "s")).toEqual(["show", "status"]);
    expect(await names("admin", "users", "create", "--e")).toEqual(["--email", "--env"]);
    expect(await names("admin", "users", "create", "--email", "a@b.test", "--e")).toEqual(["--env"]);
    expect(await names("admin", "nosuch", "")).toEqual([]);
  });

  test("and words that stand for themselves", async () => {
    expect(await names("completion", "")).toEqual(["bash", "fish", "powershell", "zsh"]);
    expect(await names("admin", "users", "update", "--role", "gateway_")).toEqual(["gateway_admin", "gateway_user"]);
    expect(await names("admin", "users", "list", "--status=s")).toEqual(["suspended"]);
    expect(await names("admin", "api-keys", "create", "--scopes", "admin,usage")).toEqual(["admin,usage:read"]);
    expect(await names("admin", "providers", "add", "new", "type=gr")).toContain("type=groq");
    expect(await names("config", "show", "smtp_p")).toEqual(["smtp_password", "smtp_port"]);
    expect(await names("admin", "settings", "set", "log_")).toEqual(["log_level"]);
    expect(await names("admin", "settings", "set", "log_level", "")).toEqual(["debug", "error", "info", "warn"]);
    expect(await names("admin", "settings", "set", "--json", "capture", "")).toEqual(["no", "yes"]);
    expect(await names("admin", "settings", "set", "work_mode", "p")).toEqual(["passthrough"]);
    expect((await ask("admin", "settings", "set", "retry_window", "")).lines).toEqual(["2m\tunless said"]);
    expect(await names("admin", "settings", "set", "nosuch", "")).toEqual([]);
    expect(await names("admin", "settings", "unset", "log_level", "")).not.toContain("debug");
    expect(await names("admin", "routes", "set", "x", "strat")).toEqual(["strategy="]);
    expect(await names("connect", "cla")).toEqual(["claude-code"]);
    expect(await names("admin", "audit", "list", "--action", "ke")).toEqual(["key"]);
    expect(await names("admin", "audit", "export", "--action", "session.")).toEqual(["session.end"]);
    expect(await names("usage", "logs", "--endpoint", "chat")).toEqual(["chat.completions"]);
    expect((await ask("usage", "export", "--output", "")).last).toBe(":0");
    // A letter that stands for a flag is as good as the flag.
    expect((await ask("usage", "export", "-o", "")).last).toBe(":0");
    expect(await names("usage", "export", "-o", "books.csv", "--ou")).toEqual([]);
    expect((await ask("usage", "export", "--tz", "")).last).toBe(":4");
  });
});

const ENGINES = ["sqlite", ...(hasPostgres ? ["postgres"] : [])];

describe.each(ENGINES)("values on %s", (engine) => {
  beforeEach(async () => {
    if (engine === "sqlite") return;
    desk.close();
    desk = makeDesk(await createDatabase());
  });

  test("are people, keys, providers, routes, budgets, limits and models", async () => {
    await addUser("alice@example.com");
    await addUser("alina@example.com");
    await addUser("bob@example.com");
    const key = await addKey("bob@example.com");
    setting("model_aliases = fast=>gpt-4.1-mini\n[provider.acme]\ntype = compatible\nbase_url = http://127.0.0.1:9/v1");
    const runtime = desk.write("key.txt", "sk-canary-complete-1234");
    const added = ["type=compatible", "base_url=https://later.test/v1", "--key-file", runtime];
    await desk.read(["admin", "providers", "add", "later", ...added]);
    await desk.read("admin routes set evening match=gpt-* targets=acme");
    await desk.read("admin limits set slow --requests-per-minute 3");
    const budget = ["admin", "budgets", "create", "--name", "all of us", "--limit-usd", "5", "--period", "day"];
    const { budget: made } = await desk.read<{ budget: { id: string } }>(budget);
    expect(await names("usage", "summary", "--user", "al")).toEqual(["alice@example.com", "alina@example.com"]);
    expect(await names("admin", "users", "show", "--id=b")).toEqual(["bob@example.com"]);
    expect(await names("usage", "summary", "--key", key.prefix.slice(0, 6))).toEqual([key.prefix]);
    expect(await names("admin", "api-keys", "show", "--id", key.id.slice(0, 8))).toEqual([key.id]);
    expect(await names("admin", "api-keys", "revoke", "--prefix", "tok")).toEqual([key.prefix]);
    expect(await names("admin", "providers", "show", "")).toEqual(["acme", "anthropic", "later", "loopback", "openai"]);
    expect(await names("admin", "routes", "show", "")).toEqual(["evening"]);
    expect(await names("admin", "limits", "show", "s")).toEqual(["slow"]);
    expect(await names("admin", "budgets", "show", "--id", "")).toEqual([made.id]);
    expect(await names("models", "route", "f")).toEqual(["fast"]);
    expect(await names("doctor", "--call", "acme/f")).toEqual(["acme/fast"]);
  });
});

describe("nothing", () => {
  test("is changed or made, whatever is asked", async () => {
    const before = listFiles();
    expect(await names("usage", "summary", "--user", "")).toEqual([]);
    expect(listFiles()).toEqual(before);
    await addUser("alice@example.com");
    const used = listFiles();
    expect(await names("usage", "summary", "--user", "")).toEqual(["admin@local", "alice@example.com"]);
    expect(await names("admin", "limits", "show", "")).toEqual([]);
    expect(listFiles()).toEqual(used);
  });

  test("is said of what is wrong", async () => {
    await addUser("alice@example.com");
    setting("no_such_key = 1");
    expect(await names("usage", "summary", "--user", "al")).toEqual(["alice@example.com"]);
    writeFileSync(join(desk.folder, "identity.db"), "this is no database at all".repeat(100));
    expect(await names("usage", "summary", "--user", "al")).toEqual([]);
    expect(await names("admin", "providers", "show", "o")).toEqual(["openai"]);
    rmSync(join(desk.folder, "config"), { recursive: true });
    expect(await names("usage", "summary", "--user", "nobody")).toEqual([]);
    expect(existsSync(join(desk.folder, "config"))).toBeFalse();
  });

  test("is offered in which a shell could find something to run", async () => {
    await addUser("a`id`b@example.com");
    await addUser("a$b@example.com");
    await addUser("ab@example.com");
    expect(await names("usage", "summary", "--user", "a")).toEqual(["ab@example.com", "admin@local"]);
  });
});

describe("a gateway elsewhere", () => {
  const asked: string[] = [];
  const answer = (request: Request): Response => {
    const { pathname, search } = new URL(request.url);
    asked.push(`${pathname}${search} ${request.headers.get("authorization")}`);
    if (pathname === "/api/v1/admin/users") return Response.json({ users: [{ email: "far@example.com", role: "x" }] });
    return new Response("no", { status: 500 });
  };
  const withUrl = async (url: string, work: () => Promise<void>): Promise<void> => {
    const names = { TOKLIGENCE_URL: url, TOKLIGENCE_KEY: "tok_canary" };
    const { openLocalNames } = await import("../../src/cli/complete/local.ts");
    const { openRemoteNames } = await import("../../src/cli/complete/remote.ts");
    const local = openLocalNames({ config: join(desk.folder, "config") });
    remote = openRemoteNames(names, local) ?? local;
    await work();
    await local.close();
  };
  let remote: Awaited<ReturnType<typeof import("../../src/cli/complete/local.ts").openLocalNames>>;

  test("is asked with the key that is said, and over http only on this machine", async () => {
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
    try {
      await withUrl(`http://127.0.0.1:${server.port}/`, async () => {
        expect(await remote.users("fa")).toEqual([{ name: "far@example.com", about: "x" }]);
        expect(await remote.budgets()).toEqual([]);
      });
      expect(asked).toEqual([
        "/api/v1/admin/users?limit=100&email=fa Bearer tok_canary",
        "/api/v1/admin/budgets Bearer tok_canary",
      ]);
    } finally {
      await server.stop(true);
    }
    await withUrl("http://gateway.example.com", async () => {
      expect(await remote.users("fa")).toEqual([]);
    });
  });
});

test.each([
  ["admin users ", ["admin", "users", ""]],
  ["  --name 'Ann B' x", ["--name", "Ann B", "x"]],
  [String.raw`a\ b "c \" d" ''`, ["a b", 'c " d', ""]],
  ["$(touch x) `id`", ["$(touch", "x)", "`id`"]],
  ['half "a b', ["half", "a b"]],
])("the line %j is taken apart without being run", (line, words) => {
  expect(splitLine(line)).toEqual(words);
});
