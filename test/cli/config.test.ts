// `config show`, `config validate` and `init`, run as a user runs them.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { EXIT } from "../../src/cli/error.ts";
import { printOverlayTemplate, printSettingTemplate } from "../../src/config/index.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tokligence-cli-config-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function run(words: string, env: Record<string, string> = {}) {
  const child = Bun.spawn([process.execPath, MAIN, ...words.split(" ")], {
    cwd: root,
    env: { HOME: root, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, code };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

describe("config show", () => {
  test("prints keys and values, and with --origin who said them", async () => {
    write("config/setting.ini", "log_level=error\n");
    const plain = await run("config show");
    expect(plain).toMatchObject({ code: EXIT.ok, err: "" });
    expect(plain.out).toMatch(/^log_level +error$/m);
    const { out } = await run("config show --origin", { TOKLIGENCE_WORK_MODE: "passthrough" });
    expect(out).toMatch(/^log_level +error +config\/setting\.ini:1$/m);
    expect(out).toMatch(/^work_mode +passthrough +TOKLIGENCE_WORK_MODE$/m);
    expect(out).toMatch(/^http_address +:8081 +default$/m);
    expect(out).toMatch(/^tls_cert +- +default$/m);
    expect(out).toMatch(/^aliases\.claude-sonnet +claude-sonnet-\S+ +default$/m);
  });

  test("prints one setting, or those under a name", async () => {
    expect((await run("config show log_level")).out).toMatch(/^KEY +VALUE\nlog_level +\w+\n$/u);
    const { values } = JSON.parse((await run("config show aliases --json")).out) as { values: { key: string }[] };
    expect(values.length).toBeGreaterThan(1);
    expect(values.every(({ key }) => key.startsWith("aliases."))).toBe(true);
    expect(await run("config show log_levle")).toMatchObject({
      code: EXIT.notFound,
      out: "",
      err: 'error: There is no setting "log_levle".\nDid you mean log_level?\n',
    });
  });

  test("masks secrets, at a terminal and as JSON", async () => {
    const env = {
      OPENAI_API_KEY: "sk-hidden-1",
      TOKLIGENCE_IDENTITY_PATH: "postgres://u:hidden-2@127.0.0.1:9/main",
      TOKLIGENCE_PROVIDER_A_BASE_URL: "http://a",
      TOKLIGENCE_PROVIDER_A_API_KEY: "hidden-3",
      TOKLIGENCE_AUTH_SECRET: "hidden-4",
    };
    for (const words of ["config show --origin", "config show --json"]) {
      const { out, err, code } = await run(words, env);
      expect(code).toBe(EXIT.ok);
      expect(out + err).not.toContain("hidden");
      expect(out).toContain("********");
      expect(err).toContain("warning: what was set while gateways ran is left out, as it cannot be read");
    }
  });

  test("--json: values with origins, files and warnings", async () => {
    write("config/setting.ini", "auth_disabled=true");
    const { out, code } = await run("config show --json --env dev");
    const shown: unknown = JSON.parse(out);
    expect(code).toBe(EXIT.ok);
    expect(shown).toMatchObject({
      values: expect.arrayContaining([
        { key: "environment", value: "dev", origin: "--environment", secret: false },
        { key: "openai_api_key", value: null, origin: "default", secret: true },
      ]),
      files: [join(root, "config/setting.ini")],
      warnings: expect.arrayContaining([expect.stringContaining("authentication cannot be switched off")]),
    });
  });
});

describe("config validate", () => {
  test("names what is wrong, all of it, and fails", async () => {
    write("config/setting.ini", "opnai_api_key=sk-hidden\n");
    write("config/dev/gateway.ini", "\nlog_level=loud\n");
    const { out, err, code } = await run("config validate");
    expect(code).toBe(EXIT.failed);
    expect(out).toBe("");
    expect(err).toContain('config/setting.ini:1: unknown key "opnai_api_key" — did you mean "openai_api_key"?\n');
    expect(err).toContain('config/dev/gateway.ini:2: log_level: "loud" is not one of debug, info, warn, error\n');
    expect(err).not.toContain("hidden");
    const json = await run("config validate --json");
    expect(json.code).toBe(EXIT.failed);
    expect(JSON.parse(json.out)).toMatchObject({ valid: false, problems: [{ line: 1 }, { line: 2 }] });
  });

  test("says what it has read, and warns", async () => {
    write("mine.ini", "chat_to_anthropic=true");
    const { out, err, code } = await run("config validate --config mine.ini");
    expect({ out, code }).toEqual({ out: "configuration is valid\n", code: EXIT.ok });
    expect(err).toStartWith(`read ${join(root, "mine.ini")}\nwarning: mine.ini:1: chat_to_anthropic has no effect`);
    const json = await run("config validate --json --config mine.ini");
    expect(JSON.parse(json.out)).toMatchObject({ valid: true, files: [join(root, "mine.ini")] });
  });

  test("show fails in the same words", async () => {
    const { err, code } = await run("config show", { TOKLIGENCE_LOG_LEVEL: "loud" });
    expect(code).toBe(EXIT.failed);
    expect(err).toContain('TOKLIGENCE_LOG_LEVEL: "loud" is not one of');
  });
});

describe("init", () => {
  const read = (path: string): string => readFileSync(join(root, path), "utf8");

  test("writes two files that nobody else can read, and that are valid", async () => {
    const { out, code } = await run("init");
    expect({ out, code }).toEqual({ out: "gateway config initialised\n", code: EXIT.ok });
    expect(read("config/setting.ini")).toBe(printSettingTemplate({ environment: "dev" }));
    expect(read("config/dev/gateway.ini")).toBe(printOverlayTemplate("dev", {}));
    for (const path of ["config/setting.ini", "config/dev/gateway.ini"]) {
      expect(statSync(join(root, path)).mode & 0o777).toBe(0o600);
    }
    expect(await run("config validate")).toMatchObject({ code: EXIT.ok, out: "configuration is valid\n" });
  });

  test("takes every flag of before", async () => {
    const { code } = await run(
      "init --root sub --env live --email a@b.c --display-name Mine --base-url http://m --provider --ledger-path l.db " +
        "--publish-name p --model-family f --price 0.5 --http-address 127.0.0.1:7000 --json",
    );
    expect(code).toBe(EXIT.ok);
    const shown = await run("config show --origin --config sub/config");
    expect(shown.out).toMatch(/^http_address +127\.0\.0\.1:7000 +sub\/config\/setting\.ini:\d+$/m);
    expect(shown.out).toMatch(/^environment +live /m);
    expect(shown.out).toMatch(new RegExp(`^ledger_path +${join(root, "l.db")} `, "m"));
    const kept = ["email=a@b.c", "display_name=Mine", "base_url=http://m", "publish_name=p", "model_family=f"];
    for (const line of [...kept, "price_per_1k=0.5", "enable_provider=true"]) {
      expect(read("sub/config/setting.ini")).toContain(`\n${line}\n`);
    }
  });

  test("overwrites nothing unless told to", async () => {
    write("config/dev/gateway.ini", "mine");
    const refused = await run("init");
    expect(refused).toMatchObject({ code: EXIT.conflict, out: "" });
    expect(refused.err).toContain("--force");
    expect(readdirSync(join(root, "config"))).toEqual(["dev"]);
    expect(read("config/dev/gateway.ini")).toBe("mine");
    expect(await run("init --force")).toMatchObject({ code: EXIT.ok });
    expect(read("config/dev/gateway.ini")).toBe(printOverlayTemplate("dev", {}));
  });

  test("--force replaces a link and leaves alone what it led to", async () => {
    write("elsewhere.ini", "mine");
    mkdirSync(join(root, "config"));
    symlinkSync("../elsewhere.ini", join(root, "config/setting.ini"));
    expect(await run("init --force")).toMatchObject({ code: EXIT.ok });
    expect(read("elsewhere.ini")).toBe("mine");
  });

  test.each([
    "--email nobody",
    "--env ../up",
    "--price cheap",
    "--http-address nowhere",
    "--ledger-path mysql://u:hidden@h/d",
  ])("%s is refused before anything is written", async (flag) => {
    const { err, code } = await run(`init ${flag}`);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain(flag.split(" ", 1)[0] ?? "");
    expect(err).not.toContain("hidden");
    expect(existsSync(join(root, "config"))).toBe(false);
  });
});
