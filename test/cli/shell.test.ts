// The shell around the commands: names, help, mistakes, and how each kind of failure ends.

import { describe, expect, test } from "bun:test";
import { CliError, EXIT, explainFailure } from "../../src/cli/error.ts";
import { type Command, runShell } from "../../src/cli/shell.ts";
import { ConfigError } from "../../src/config/index.ts";
import { type ErrorKind, GatewayError } from "../../src/ir/index.ts";
import { ANY_DATABASE, explainStoreError } from "../../src/store/error.ts";
import { capture, makeDesk, runLine } from "./desk.ts";

describe("names", () => {
  test.each([
    ["usge", "There is no command tokligence usge.", "Did you mean tokligence usage?"],
    ["admin user list", "There is no command tokligence admin user.", "Did you mean tokligence admin users?"],
    ["admin users lst", "There is no command tokligence admin users lst.", "Did you mean tokligence admin users list?"],
    ["admin usage", "There is no command tokligence admin usage.", "Did you mean tokligence usage?"],
    ["users list", "There is no command tokligence users.", "Did you mean tokligence admin users?"],
    [
      "keys",
      "There is no command tokligence keys.",
      "Did you mean tokligence admin api-keys or tokligence ledger key?",
    ],
    ["admin key", "There is no command tokligence admin key.", "Did you mean tokligence admin api-keys?"],
    [
      "admin audit tokens",
      "There is no command tokligence admin audit tokens.",
      "Did you mean tokligence audit tokens?",
    ],
    ["admin users add", "There is no command tokligence admin users add.", ""],
    ["audit list", "There is no command tokligence audit list.", "Did you mean tokligence admin audit list?"],
    [
      "route gpt-5",
      "There is no command tokligence route.",
      "Did you mean tokligence admin route or tokligence models route?",
    ],
    ["usage log --json=false", "There is no command tokligence usage log.", "Did you mean tokligence usage logs?"],
    ["toString", "There is no command tokligence toString.", ""],
  ])("%s", async (line, message, hint) => {
    const { code, out, err } = await runLine(line);
    expect(code).toBe(EXIT.usage);
    expect(out).toBe("");
    expect(err).toStartWith(`error: ${message}\n${hint}\n`);
    expect(err).toContain("USAGE tokligence");
  });

  test("a group needs a command, and says which there are", async () => {
    const { code, out, err } = await runLine("admin users");
    expect(code).toBe(EXIT.usage);
    expect(out).toBe("");
    expect(err).toStartWith("error: tokligence admin users needs a command.\n");
    for (const name of ["create", "delete", "import", "list", "status", "update"]) expect(err).toContain(name);
  });

  test("shared flags may stand before the name", async () => {
    for (const line of ["--json version", "--json=true version", "-json version"]) {
      expect(JSON.parse((await runLine(line)).out)).toHaveProperty("version");
    }
    const { code, err } = await runLine("--config /nowhere/at/all --env live usage summary");
    expect(code).toBe(EXIT.failed);
    expect(err).toContain("/nowhere/at/all");
  });
});

describe("flags", () => {
  test("one that the command does not have", async () => {
    const { code, out, err } = await runLine("admin users create --emial ana@example.com");
    expect(code).toBe(EXIT.usage);
    expect(out).toBe("");
    expect(err).toStartWith("error: There is no flag --emial here.\nDid you mean --email?\n");
    expect(err).toContain("USAGE tokligence admin users create");
  });

  test("one of another command", async () => {
    expect((await runLine("usage summary --limit 5")).err).toStartWith("error: There is no flag --limit here.\n");
  });

  test("one before a group that nobody has", async () => {
    expect((await runLine("--xyzzy")).err).toStartWith("error: There is no flag --xyzzy here.\n");
  });

  test("one that is missing", async () => {
    const { code, err } = await runLine("admin api-keys create");
    expect(code).toBe(EXIT.usage);
    expect(err).toStartWith("error: --user is missing.\n");
  });

  test("with --json the mistake is one line of JSON", async () => {
    const { code, out, err } = await runLine("admin users create --emial ana@example.com --json");
    expect(code).toBe(EXIT.usage);
    expect(out).toBe("");
    expect(JSON.parse(err)).toEqual({
      error: { message: "There is no flag --emial here.", hint: "Did you mean --email?", code: "usage" },
    });
    expect(err.trim()).not.toContain("\n");
  });
});

describe("help", () => {
  test("no words, help and --help print the same to stdout", async () => {
    const [bare, ...others] = await Promise.resolve(["", "help", "--help", "-h"]).then(async (lines) => {
      const all = [];
      for (const line of lines) all.push(await runLine(line));
      return all;
    });
    expect(bare).toMatchObject({ code: 0, err: "" });
    expect(bare?.out).toContain("USAGE tokligence");
    for (const other of others) expect(other).toEqual(bare as NonNullable<typeof bare>);
  });

  test("at each level; nothing is run", async () => {
    for (const line of ["admin --help", "admin users create --help", "help usage logs", "serve -h", "models --help"]) {
      const { code, out, err } = await runLine(line);
      expect({ line, code, err }).toEqual({ line, code: 0, err: "" });
      expect(out).toContain("USAGE tokligence");
    }
  });

  test("after -- it is a word like others", async () => {
    expect((await runLine("completion -- --help")).err).toStartWith('error: There is no completion for "--help".');
  });

  test("every command says what it is, and so does every flag of it; all but completion can print JSON", async () => {
    const { out } = await runLine("--help");
    const names = [...out.matchAll(/^ +([a-z-]+) {4}/gmu)].map(([, name = ""]) => name);
    expect(names).toEqual([
      "admin",
      "audit",
      "capabilities",
      "completion",
      "config",
      "connect",
      "doctor",
      "init",
      "ledger",
      "migrate",
      "models",
      "prices",
      "serve",
      "usage",
      "version",
    ]);
    const lines = [
      "admin users",
      "admin api-keys",
      "audit",
      "config",
      "ledger",
      "migrate",
      "models",
      "prices",
      "usage",
    ];
    const leaves = names.filter((name) => !lines.some((line) => line.startsWith(name)));
    for (const line of lines) {
      const help = (await runLine(`${line} --help`)).out;
      for (const [, name = ""] of help.matchAll(/^ +([a-z-]+) {4}/gmu)) leaves.push(`${line} ${name}`);
    }
    expect(leaves.length).toBeGreaterThan(15);
    for (const leaf of leaves) {
      const help = (await runLine(`${leaf} --help`)).out;
      expect(help).toMatch(/^\S.+ \(tokligence /u);
      const flags = help.split("\n").filter((line) => /^ +--/u.test(line));
      for (const flag of flags) expect(flag).toMatch(/^ +--\S+ {4}\S/u);
      if (leaf !== "completion") expect(help).toContain("--json");
    }
  });
});

describe("how a failure ends", () => {
  const root = (fail: () => unknown): Command => ({ meta: { name: "try" }, run: fail });
  const fail = (error: unknown, words: string[] = []) =>
    capture(() =>
      runShell({
        root: {
          ...root(() => {
            throw error;
          }),
          args: { json: { type: "boolean" } },
        },
        name: "try",
        words,
      }),
    );

  test.each([
    ["conflict", 5],
    ["forbidden", 4],
    ["internal", 1],
    ["invalid_request", 2],
    ["not_configured", 1],
    ["not_found", 3],
    ["overloaded", 69],
    ["timeout", 69],
    ["unauthenticated", 4],
    ["upstream_unavailable", 69],
  ] as const satisfies [ErrorKind, number][])("%s ends with %d", async (kind, code) => {
    const error = new GatewayError({ kind, message: "It is so." });
    expect(await fail(error)).toEqual({ code, out: "", err: "error: It is so.\n" });
  });

  test("a sentence, a hint and a code", async () => {
    const error = new CliError("It is taken.", { exitCode: EXIT.conflict, hint: "Say --force." });
    expect(await fail(error)).toEqual({ code: 5, out: "", err: "error: It is taken.\nSay --force.\n" });
    const { err } = await fail(error, ["--json"]);
    expect(JSON.parse(err)).toEqual({ error: { message: "It is taken.", hint: "Say --force.", code: "conflict" } });
  });

  test("all problems of a configuration", async () => {
    const place = { file: "setting.ini", suggestion: null };
    const error = new ConfigError(
      [
        { ...place, line: 1, key: "http_address", message: "is no address" },
        { ...place, line: 2, key: "log_level", message: "is no level" },
      ],
      [],
    );
    const { code, err } = await fail(error);
    expect(code).toBe(1);
    expect(err).toContain("setting.ini:1");
    expect(err).toContain("setting.ini:2");
    const json = JSON.parse((await fail(error, ["--json"])).err);
    expect(json.error.code).toBe("invalid_config");
    expect(json.error.problems).toEqual(error.problems);
  });

  test.each([
    ["admin users show --id nobody@example.com", "tokligence admin users list shows what there is."],
    ["admin api-keys show --id x", "tokligence admin api-keys list shows what there is."],
    ["capabilities --model nope", "tokligence models list shows what there is."],
    ["models route nope", "tokligence models list shows what there is."],
    ["admin budgets show --id x", "tokligence admin budgets list shows what there is."],
    ["admin sessions revoke --id x", "tokligence admin sessions list shows what there is."],
    ["admin identities delete --id x", "tokligence admin identities list --user EMAIL shows what there is."],
    ["admin routes show x", "tokligence admin routes list shows what there is."],
  ])("%s says what to do next", async (line, hint) => {
    const desk = makeDesk();
    const { code, err } = await desk.run(line);
    desk.close();
    expect([code, err.trimEnd().split("\n").at(-1)]).toEqual([EXIT.notFound, hint]);
  });

  test("what nobody foresaw is called a defect, and shows where it came from", async () => {
    const { code, err } = await fail(new TypeError("x is not a function"));
    expect(code).toBe(1);
    expect(err).toStartWith("error: This should not have happened. TypeError: x is not a function\n");
    expect(err).toContain("shell.test.ts");
    expect(explainFailure("just text")).toMatchObject({ exitCode: 1, code: "internal" });
  });

  test("what a database said of a failure is told, for a command has no log", () => {
    const error = explainStoreError(new Error("integer overflow"), ANY_DATABASE);
    expect(explainFailure(error).message).toBe("The database failed: integer overflow.");
  });

  test("Ctrl-C is left to the system, which waits for no pause; nothing piles up", async () => {
    const before = process.listenerCount("SIGINT");
    let during = -1;
    const look = root(() => void (during = process.listenerCount("SIGINT")));
    await capture(() => runShell({ root: look, name: "try", words: [] }));
    expect(during).toBe(before);
    for (let round = 0; round < 20; round++) await runLine("version");
    expect(process.listenerCount("SIGINT")).toBe(before);
    expect(process.stdout.listenerCount("error")).toBeLessThan(5);
  });
});

describe("version", () => {
  test("for people and for programs", async () => {
    const { code, out } = await runLine("--version");
    expect(code).toBe(0);
    expect(out).toMatch(/^tokligence \d+\.\d+\.\d+ \(\S+, bun \d+\.\d+\.\d+, \w+-\w+\)\n$/u);
    expect((await runLine("version")).out).toBe(out);
    expect((await runLine("-v")).out).toBe(out);
    const json = JSON.parse((await runLine("version --json")).out);
    expect(Object.keys(json)).toEqual(["version", "commit", "bun", "platform"]);
    expect(JSON.parse((await runLine("--version --json")).out)).toEqual(json);
  });
});

describe("completion", () => {
  test.each(["bash", "fish", "powershell", "zsh"])("%s", async (shell) => {
    const { code, out } = await runLine(`completion ${shell}`);
    expect(code).toBe(0);
    expect(out).toContain("tokligence");
    expect(out.split("\n").length).toBeGreaterThan(20);
  });

  test("a shell that it does not know", async () => {
    const { code, out, err } = await runLine("completion tcsh");
    expect(code).toBe(EXIT.usage);
    expect(out).toBe("");
    expect(err).toContain("Shells: bash, fish, powershell, zsh.");
  });

  test("what may follow", async () => {
    const follow = async (...words: string[]) => (await runLine(["complete", "--", ...words])).out.split("\n");
    expect(await follow("")).toContain("usage\tRead the books");
    expect(await follow("admin", "")).toContain("api-keys\tManage API keys");
    expect((await follow("admin", "users", "create", "--")).join("\n")).toContain("--email");
  });
});
