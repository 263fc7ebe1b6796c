// Layers, origins, files and the folder: which word counts, and how it is named.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/index.ts";
import { CWD, HOME, findOrigin, findShown, load, loadProblems } from "./scene.ts";
import { CERTIFICATE, PRIVATE_KEY } from "./tls.ts";

test("an empty folder gives the defaults", async () => {
  const { config, files, warnings } = await load({});
  expect(files).toEqual([]);
  expect(warnings).toEqual([]);
  expect(config).toMatchObject({
    environment: "dev",
    home: `${HOME}/.tokligence`,
    http: { hostname: null, port: 8081, tlsCert: null, tlsKey: null, tlsCertHash: null, maxBodyBytes: 50_000_000 },
    adminEmail: "admin@local",
    identityPath: `${HOME}/.tokligence/identity.db`,
    ledgerPath: `${HOME}/.tokligence/ledger.db`,
    outboxPath: `${HOME}/.tokligence/outbox.db`,
    database: { maxConnections: 10, maxIdleMs: 600_000, maxLifetimeMs: 3_600_000 },
    log: { level: "info", fileDaemon: null, fileCli: null },
    timeouts: {
      keepAliveMs: 15_000,
      upstream: { connect: 10_000, firstOutput: 900_000, header: 600_000, idle: 300_000, total: 3_600_000 },
      shutdownMs: 30_000,
    },
    caps: {
      total: 10_000,
      perKey: 0,
      perUser: 0,
      perProvider: 0,
      queueLength: 1_000,
      queueMs: 30_000,
      responseBytes: 128 * 1024 * 1024,
    },
    modelsRefreshMs: 600_000,
    workMode: "auto",
    routes: [],
    aliases: [],
    secrets: [],
  });
  expect(config.providers.map(({ name, kind, baseUrl, needsApiKey }) => [name, kind, baseUrl, needsApiKey])).toEqual([
    ["loopback", "loopback", "", false],
    ["openai", "openai", "https://api.openai.com/v1", true],
    ["anthropic", "anthropic", "https://api.anthropic.com", true],
  ]);
});

test("the value is frozen to its leaves", async () => {
  const { config } = await load({ files: { "config/setting.ini": "[provider.a]\nbase_url=http://a\nheader.x-a=1" } });
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    expect(Object.isFrozen(value)).toBe(true);
    Object.values(value).forEach(visit);
  };
  visit(config);
});

describe("layers", () => {
  const layers = [
    { name: "default", scene: {}, level: "info", origin: "default" },
    { name: "usual name", scene: { env: { LOG_LEVEL: "WARNING" } }, level: "warn", origin: "LOG_LEVEL" },
    {
      name: "setting.ini",
      scene: { files: { "config/setting.ini": "# x\nlog_level=error" } },
      level: "error",
      origin: "config/setting.ini:2",
    },
    {
      name: "overlay",
      scene: { files: { "config/dev/gateway.ini": "Log_Level = debug" } },
      level: "debug",
      origin: "config/dev/gateway.ini:1",
    },
    {
      name: "environment",
      scene: { env: { TOKLIGENCE_LOG_LEVEL: "error" } },
      level: "error",
      origin: "TOKLIGENCE_LOG_LEVEL",
    },
    { name: "flag", scene: { flags: { log_level: "warn" } }, level: "warn", origin: "--log-level" },
  ] as const;

  test.each(layers.map((layer, index) => [layer.name, index] as const))(
    "%s overrules what is below",
    async (_, top) => {
      const scenes = layers.slice(0, top + 1).map((layer) => layer.scene);
      const merge = <Part extends "env" | "files" | "flags">(part: Part): Record<string, string> =>
        Object.assign({}, ...scenes.map((scene) => (part in scene ? scene[part as keyof typeof scene] : {})));
      const loaded = await load({ env: merge("env"), files: merge("files"), flags: merge("flags") });
      expect(loaded.config.log.level).toBe(layers[top]?.level ?? "info");
      expect(findOrigin(loaded, "log_level")).toBe(layers[top]?.origin ?? "");
    },
  );

  test("an empty value is unset", async () => {
    const loaded = await load({
      files: { "config/setting.ini": "log_level=error", "config/dev/gateway.ini": "log_level=" },
      env: { TOKLIGENCE_LOG_LEVEL: "  ", OPENAI_API_KEY: "" },
      flags: { log_level: "" },
    });
    expect(loaded.config.log.level).toBe("error");
  });

  test("our own names win over the usual ones, in a file too", async () => {
    const env = { OPENAI_API_KEY: "sk-usual", ANTHROPIC_API_KEY: "sk-usual-2", PORT: "9999" };
    const files = { "config/setting.ini": "openai_api_key=sk-ours\nhttp_address=127.0.0.1:7000" };
    const { config } = await load({ env, files });
    expect(config.providers.map(({ apiKey }) => apiKey)).toEqual([null, "sk-ours", "sk-usual-2"]);
    expect(config.http.port).toBe(7000);
    expect((await load({ env })).config.http).toMatchObject({ hostname: null, port: 9999 });
  });

  test("providers' usual variables", async () => {
    const { config } = await load({
      env: {
        OPENAI_API_KEY: "sk-o",
        OPENAI_BASE_URL: "https://eu.api.openai.com/v1/",
        OPENAI_ORG_ID: "org-1",
        OPENAI_PROJECT_ID: "proj_1",
        ANTHROPIC_API_KEY: "sk-a",
        ANTHROPIC_BASE_URL: "https://anthropic.example.com",
      },
    });
    expect(config.providers[1]).toMatchObject({
      apiKey: "sk-o",
      baseUrl: "https://eu.api.openai.com/v1",
      options: { organization: "org-1", project: "proj_1" },
    });
    expect(config.providers[2]).toMatchObject({ apiKey: "sk-a", baseUrl: "https://anthropic.example.com" });
  });

  test("a shell that points clients at this gateway does not point it at itself", async () => {
    const env = { OPENAI_BASE_URL: "http://localhost:8081/v1", OPENAI_API_KEY: "tok_abcdefgh" };
    const { config, warnings } = await load({ env });
    expect(config.providers[1]).toMatchObject({ baseUrl: "https://api.openai.com/v1", apiKey: null });
    expect(warnings.map((warning) => warning.split(" ", 1)[0])).toEqual(["OPENAI_BASE_URL", "OPENAI_API_KEY"]);
    expect(warnings.join()).not.toContain("abcdefgh");
    const elsewhere = await load({ env: { ...env, TOKLIGENCE_HTTP_ADDRESS: ":9000" } });
    expect(elsewhere.config.providers[1]?.baseUrl).toBe("http://localhost:8081/v1");
  });
});

describe("the overlay", () => {
  const files = {
    "config/setting.ini": "environment=live",
    "config/live/gateway.ini": "admin_email=live@example.com",
    "config/test/gateway.ini": "admin_email=test@example.com\nenvironment=live",
  };

  test("is named by setting.ini", async () => {
    const loaded = await load({ files });
    expect(loaded.config).toMatchObject({ environment: "live", adminEmail: "live@example.com" });
    expect(loaded.files).toEqual([`${CWD}/config/setting.ini`, `${CWD}/config/live/gateway.ini`]);
    expect(loaded.watched).toEqual([...loaded.files]);
  });

  test.each([
    [{ env: { TOKLIGENCE_ENV: "test" } }, "TOKLIGENCE_ENV"],
    [{ env: { TOKLIGENCE_ENVIRONMENT: "test", TOKLIGENCE_ENV: "live" } }, "TOKLIGENCE_ENVIRONMENT"],
    [{ env: { TOKLIGENCE_ENV: "live" }, flags: { environment: "test" } }, "--environment"],
  ])("or by %j; its own word on it is worth a warning", async (scene, origin) => {
    const loaded = await load({ ...scene, files });
    expect(loaded.config).toMatchObject({ environment: "test", adminEmail: "test@example.com" });
    expect(findOrigin(loaded, "environment")).toBe(origin);
    expect(loaded.warnings).toEqual([
      "config/test/gateway.ini:2: environment has no effect in an overlay: say it in setting.ini",
    ]);
  });

  test("that is missing though it was asked for is worth a warning", async () => {
    const { warnings, watched } = await load({ files, env: { TOKLIGENCE_ENV: "staging" } });
    expect(warnings).toEqual(["TOKLIGENCE_ENV: environment is staging, but there is no config/staging/gateway.ini"]);
    expect(watched).toContain(`${CWD}/config/staging/gateway.ini`);
  });

  test("never leads out of the folder", async () => {
    const { text } = await loadProblems({ flags: { environment: "../../etc" } });
    expect(text).toContain('--environment: "../../etc" is no name');
  });
});

describe("--config", () => {
  test("names another folder", async () => {
    const files = { "/etc/tokligence/setting.ini": "log_level=error", "config/setting.ini": "log_level=debug" };
    const loaded = await load({ files, env: { TOKLIGENCE_CONFIG: "/etc/tokligence" } });
    expect(findOrigin(loaded, "log_level")).toBe("/etc/tokligence/setting.ini:1");
    expect(
      (await load({ files, env: { TOKLIGENCE_CONFIG: "x" }, flags: { config: "/etc/tokligence" } })).files,
    ).toEqual(["/etc/tokligence/setting.ini"]);
  });

  test("or one file, which is then all", async () => {
    const files = { "my.ini": "log_level=error", "config/dev/gateway.ini": "log_level=debug" };
    const loaded = await load({ files, flags: { config: "my.ini" } });
    expect(loaded.config.log.level).toBe("error");
    expect(loaded.files).toEqual([`${CWD}/my.ini`]);
  });

  test("must be there", async () => {
    const { text } = await loadProblems({ flags: { config: "nowhere" } });
    expect(text).toBe(`--config: there is no file or folder "${CWD}/nowhere"`);
  });
});

describe("paths", () => {
  test("~ is expanded, and relative ones start at the working folder", async () => {
    const { config } = await load({
      files: { "config/setting.ini": "identity_path=~/x.db\nledger_path=data/l.db\nlog_file=~\n" },
    });
    expect(config).toMatchObject({ identityPath: `${HOME}/x.db`, ledgerPath: `${CWD}/data/l.db` });
    expect(config.log.fileCli).toBe(HOME);
  });

  test("a user without a home folder is told to name one, and needs none where nothing lies in it", async () => {
    const { problems, text } = await loadProblems({ homedir: null });
    expect(problems).toHaveLength(1);
    expect(text).toMatch(/^HOME: is not set.*TOKLIGENCE_HOME/u);
    const { config } = await load({ homedir: null, env: { TOKLIGENCE_HOME: "/data" } });
    expect([config.home, config.identityPath]).toEqual(["/data", "/data/identity.db"]);
    const log = { TOKLIGENCE_HOME: "/data", TOKLIGENCE_LOG_FILE: "~/gateway.log" };
    expect((await loadProblems({ homedir: null, env: log })).text).toStartWith("HOME: ");
  });

  test("TOKLIGENCE_HOME moves the default databases", async () => {
    const { config } = await load({ env: { TOKLIGENCE_HOME: "~/gate" } });
    expect(config).toMatchObject({
      home: `${HOME}/gate`,
      identityPath: `${HOME}/gate/identity.db`,
      ledgerPath: `${HOME}/gate/ledger.db`,
    });
  });

  test("the ledger follows an identity that is in PostgreSQL, unless it has a place of its own", async () => {
    const dsn = "postgresql://gate:pass%40word@db/main";
    const both = await load({ env: { TOKLIGENCE_IDENTITY_PATH: dsn } });
    expect(both.config.ledgerPath).toBe("postgres://gate:pass%40word@db/main");
    const apart = await load({ env: { TOKLIGENCE_IDENTITY_PATH: dsn, TOKLIGENCE_LEDGER_PATH: "l.db" } });
    expect(apart.config.ledgerPath).toBe(`${CWD}/l.db`);
    const file = await load({ env: { TOKLIGENCE_IDENTITY_PATH: "other/i.db" } });
    expect(file.config.ledgerPath).toBe(`${HOME}/.tokligence/ledger.db`);
  });

  test("log files: the specific one, else the common one, and - for none", async () => {
    const logs = async (text: string) => (await load({ files: { "config/setting.ini": text } })).config.log;
    expect(await logs("log_file=a.log\nlog_file_cli=-")).toMatchObject({ fileDaemon: `${CWD}/a.log`, fileCli: null });
    expect(await logs("log_file=-\nlog_file_cli=b.log")).toMatchObject({ fileDaemon: null, fileCli: `${CWD}/b.log` });
  });

  test("TLS files are read before a start would refuse them", async () => {
    const files = { "c.pem": CERTIFICATE, "k.pem": PRIVATE_KEY, "config/setting.ini": "tls_cert=c.pem\ntls_key=k.pem" };
    expect((await load({ files })).config.http.tlsCert).toEndWith("c.pem");
    const swapped = { ...files, "k.pem": CERTIFICATE, "c.pem": PRIVATE_KEY };
    expect((await loadProblems({ files: swapped })).text).toMatch(
      /1: tls_cert: .* PEM certificate\n.*2: tls_key: .* PEM private key/,
    );
  });

  test("TLS needs both of its files", async () => {
    const files = { "c.pem": CERTIFICATE, "config/setting.ini": "tls_cert=c.pem" };
    expect((await loadProblems({ files })).text).toBe("config/setting.ini:1: tls_cert: tls_key is needed too");
    const both = { ...files, "config/setting.ini": "tls_cert=c.pem\ntls_key=k.pem" };
    expect((await loadProblems({ files: both })).text).toBe(
      `config/setting.ini:2: tls_key: "${CWD}/k.pem" does not exist, or may not be read`,
    );
    const { config } = await load({ files: { ...both, "k.pem": PRIVATE_KEY } });
    expect(config.http).toMatchObject({ tlsCert: `${CWD}/c.pem`, tlsKey: `${CWD}/k.pem` });
  });
});

describe("secrets in files", () => {
  const files = { "/run/secrets/openai": "  sk-from-file\n", "/run/secrets/dsn": "postgres://u:hunter22@db/main\n" };

  test.each([
    ["TOKLIGENCE_OPENAI_API_KEY_FILE", { env: { TOKLIGENCE_OPENAI_API_KEY_FILE: "/run/secrets/openai" } }],
    ["OPENAI_API_KEY_FILE", { env: { OPENAI_API_KEY_FILE: "/run/secrets/openai" } }],
    ["config/setting.ini:1", { files: { ...files, "config/setting.ini": "openai_api_key_file=/run/secrets/openai" } }],
    [
      "TOKLIGENCE_PROVIDER_OPENAI_API_KEY_FILE",
      { env: { TOKLIGENCE_PROVIDER_OPENAI_API_KEY_FILE: "/run/secrets/openai" } },
    ],
  ])("%s", async (origin, scene) => {
    const loaded = await load({ files, ...scene });
    expect(loaded.config.providers[1]?.apiKey).toBe("sk-from-file");
    expect(loaded.config.secrets).toEqual(["sk-from-file"]);
    expect(findOrigin(loaded, "openai_api_key")).toBe(origin);
    expect(findShown(loaded, "openai_api_key")).toBe("********");
    expect(loaded.watched).toContain("/run/secrets/openai");
  });

  test("a database's URL may be one", async () => {
    const loaded = await load({ files, env: { TOKLIGENCE_IDENTITY_PATH_FILE: "/run/secrets/dsn" } });
    expect(loaded.config.ledgerPath).toBe("postgres://u:hunter22@db/main");
    expect(findShown(loaded, "identity_path")).toBe("postgres://u:********@db/main");
  });

  test("what is no secret is not read from a file, and whoever thinks so is told", async () => {
    const env = {
      TOKLIGENCE_LOG_LEVEL_FILE: "/run/level",
      TOKLIGENCE_TLS_KEY_FILE: "/k",
      TOKLIGENCE_LOG_FILE: "x.log",
    };
    const loaded = await load({ env, files: { "/run/level": "debug" } });
    expect(loaded.warnings).toEqual([
      "TOKLIGENCE_LOG_LEVEL_FILE has no effect: only what may be secret is read from a file; set TOKLIGENCE_LOG_LEVEL",
      "TOKLIGENCE_TLS_KEY_FILE has no effect: only what may be secret is read from a file; set TOKLIGENCE_TLS_KEY",
    ]);
    expect([findShown(loaded, "log_level"), loaded.config.log.fileDaemon]).toEqual(["info", "/srv/gate/x.log"]);
  });

  test("a file that is missing, empty or no text is a problem with the setting's name", async () => {
    const env = { TOKLIGENCE_OPENAI_API_KEY_FILE: "/run/none" };
    expect((await loadProblems({ env })).text).toBe('TOKLIGENCE_OPENAI_API_KEY_FILE: "/run/none" does not exist');
    expect((await loadProblems({ env, files: { "/run/none": " \n" } })).text).toBe(
      "TOKLIGENCE_OPENAI_API_KEY_FILE: the file that it names is empty",
    );
    expect((await loadProblems({ env, files: { "/run/none": "a\0" } })).text).toContain("NUL");
    expect((await loadProblems({ env, files: { "/run/none/x": "" } })).text).toContain("is a folder");
  });

  test("a lower layer's file need not exist where a higher one has spoken", async () => {
    const { config } = await load({
      files: { "config/setting.ini": "openai_api_key_file=/gone" },
      env: { TOKLIGENCE_OPENAI_API_KEY: "sk-env" },
    });
    expect(config.providers[1]?.apiKey).toBe("sk-env");
  });

  test("a value and a file at once are a problem", async () => {
    const env = { OPENAI_API_KEY: "sk-hidden", OPENAI_API_KEY_FILE: "/run/secrets/openai" };
    expect((await loadProblems({ env, files })).text).toBe("OPENAI_API_KEY: OPENAI_API_KEY_FILE is set too: keep one");
    const ini = "openai_api_key=sk-hidden\nopenai_api_key_file=/run/secrets/openai";
    const { text } = await loadProblems({ files: { ...files, "config/setting.ini": ini } });
    expect(text).toBe(
      "config/setting.ini:2: openai_api_key: given both as a value and as a file (see line 1): keep one",
    );
  });
});

test("a disk that refuses is a problem of the file, not a crash", async () => {
  const refuse = (): never => {
    throw Object.assign(new Error("no"), { code: "EACCES" });
  };
  const disk = { readFile: refuse, listFolder: refuse };
  const options = { cwd: CWD, homedir: HOME, disk };
  const env = { TOKLIGENCE_CONFIG: "c", TOKLIGENCE_MODEL_ALIASES_DIR: "d", OPENAI_API_KEY_FILE: "k/x" };
  const error: unknown = await loadConfig({ ...options, env }).catch((reason: unknown) => reason);
  expect(String(error).split("\n")).toEqual([
    "ConfigError: c/setting.ini: this file may not be read by this user",
    "c/dev/gateway.ini: this file may not be read by this user",
    `OPENAI_API_KEY_FILE: "${CWD}/k/x" may not be read by this user`,
    `TOKLIGENCE_MODEL_ALIASES_DIR: "${CWD}/d" may not be read by this user`,
  ]);
});

test("a real folder, with a byte order mark and CRLF", async () => {
  const root = mkdtempSync(join(tmpdir(), "tokligence-config-"));
  try {
    writeFileSync(join(root, "my.ini"), "\uFEFFlog_level=error\r\nopenai_api_key_file=key.txt\r\n");
    writeFileSync(join(root, "key.txt"), "sk-real\r\n");
    const { config, watched } = await loadConfig({ cwd: root, env: {}, flags: { config: "my.ini" } });
    expect(config.log.level).toBe("error");
    expect(config.providers[1]?.apiKey).toBe("sk-real");
    expect(watched).toEqual([join(root, "my.ini"), join(root, "key.txt")]);
  } finally {
    rmSync(root, { recursive: true });
  }
});
