// Files of the gateway's earlier editions keep working: what has a meaning is obeyed, what has none is named once.

import { expect, test } from "bun:test";
import { KEY_NAMES } from "../../src/config/key.ts";
import { OLD_KEYS } from "../../src/config/old-key.ts";
import { HOME, load, loadProblems } from "./scene.ts";

const SETTING = `
# base settings
environment=dev
base_url=http://localhost:8080
email=dev@example.com
display_name=My Gateway
enable_provider=false
publish_name=
model_family=
price_per_1k=0.5
log_file_cli=logs/gateway-cli.log
log_file_daemon=logs/gatewayd.log
log_level=debug
auth_disabled=true
work_mode=auto
db_max_open_conns=1000
db_max_idle_conns=100
db_conn_max_lifetime=60
db_conn_max_idle_time=10
`;

const OVERLAY = `
base_url=https://dev.tokligence.ai
ledger_path=~/.tokligence/ledger-dev.db
auth_secret=tokligence-dev-secret
log_file_cli=logs/dev-cli.log
bridge_session_enabled = false
bridge_session_ttl = 5m
model_aliases_dir=config/model_aliases.d
work_mode=translation
model_provider_routes=gpt*=openai,claude*=anthropic
enable_facade=true
multiport_mode=true
facade_port=9081
admin_port=8079
`;

test("a ledger's file beside users in PostgreSQL is not used, and that is said", async () => {
  const dsn = "identity_path = postgres://u@h/db\n";
  const warn = async (text: string) => (await load({ files: { "config/setting.ini": text } })).warnings;
  expect(await warn(`${dsn}ledger_path = ~/ledger.db\n`)).toEqual([
    "config/setting.ini:2: ledger_path: the file is not used, as the ledger lies where identity_path says: leave it out, or name a postgres:// URL to keep the ledger in another database",
  ]);
  expect(await warn(`${dsn}ledger_path = postgres://u@h/books\n`)).toEqual([]);
  expect(await warn(dsn)).toEqual([]);
  expect(await warn("ledger_path = ~/ledger.db\n")).toEqual([]);
});

test("as shipped", async () => {
  const { config, warnings } = await load({
    files: {
      "config/setting.ini": SETTING,
      "config/dev/gateway.ini": OVERLAY,
      "config/model_aliases.d/anthropic.aliases": "# ends\nclaude-3-5-sonnet* => claude-3-5-haiku-latest\n",
    },
  });
  expect(config).toMatchObject({
    http: { hostname: null, port: 9081 },
    ledgerPath: `${HOME}/.tokligence/ledger-dev.db`,
    database: { maxConnections: 1000, maxLifetimeMs: 3_600_000, maxIdleMs: 600_000 },
    log: { level: "debug", fileDaemon: "/srv/gate/logs/gatewayd.log", fileCli: "/srv/gate/logs/dev-cli.log" },
    workMode: "auto",
    routes: [
      { pattern: "gpt*", targets: [{ provider: "openai", model: null }] },
      { pattern: "claude*", targets: [{ provider: "anthropic", model: null }] },
    ],
    aliases: [{ pattern: "claude-3-5-sonnet*", target: "claude-3-5-haiku-latest" }],
  });
  const name = (warning: string): string => /: (\w+)/.exec(warning)?.[1] ?? warning;
  expect(warnings.map(name)).toEqual([
    "base_url",
    "email",
    "display_name",
    "price_per_1k",
    "auth_disabled",
    "db_max_idle_conns",
    "auth_secret",
    "bridge_session_ttl",
    "multiport_mode",
    "admin_port",
    "work_mode",
  ]);
  expect(warnings).toContain(
    "config/setting.ini:14: auth_disabled has no effect: authentication cannot be switched off",
  );
});

test("http_address goes before facade_port, and both before PORT", async () => {
  const old = { "config/setting.ini": "facade_port=7001" };
  expect((await load({ files: old, env: { PORT: "7002" } })).config.http.port).toBe(7001);
  expect((await load({ files: old, env: { TOKLIGENCE_HTTP_ADDRESS: ":7003" } })).config.http.port).toBe(7003);
  expect((await load({ env: { TOKLIGENCE_FACADE_PORT: "7004" } })).config.http.port).toBe(7004);
});

test("0 connections meant without limit", async () => {
  const { config, warnings } = await load({ env: { TOKLIGENCE_DB_MAX_OPEN_CONNS: "0" } });
  expect(config.database.maxConnections).toBe(10);
  expect(warnings).toEqual([
    "TOKLIGENCE_DB_MAX_OPEN_CONNS: db_max_open_conns: 0 (without limit) is not supported: 10 are opened at most",
  ]);
});

test.each(Object.keys(OLD_KEYS))(
  "%s is accepted in a file and as a variable, with at most one warning",
  async (name) => {
    // Of a switch one position is what is so anyway; every other value deserves its warning.
    const loads = ["yes", "no"].map((value) =>
      load({
        files: { "config/setting.ini": `${name}=${value}` },
        env: { [`TOKLIGENCE_${name.toUpperCase()}`]: value },
      }),
    );
    const counts = (await Promise.all(loads)).map(({ warnings }) => warnings.length);
    expect([
      [1, 1],
      [1, 0],
      [0, 1],
    ]).toContainEqual(counts);
  },
);

test("old variables with names of their own", async () => {
  const { warnings } = await load({ env: { TOKLIGENCE_HOOK_SCRIPT: "/x", TOKLIGENCE_PROMPT_FIREWALL_CONFIG: "y" } });
  expect(warnings).toEqual([
    "TOKLIGENCE_HOOK_SCRIPT: hooks_script_path has no effect: this version has no hooks",
    "TOKLIGENCE_PROMPT_FIREWALL_CONFIG: firewall_config has no effect: this version has no prompt firewall",
  ]);
});

test("an old switch must still be a switch", async () => {
  const { text } = await loadProblems({ files: { "config/setting.ini": "auth_disabled=perhaps" } });
  expect(text).toStartWith('config/setting.ini:1: auth_disabled: "perhaps" is neither yes');
});

test("no key is old and current at once", () => {
  expect(KEY_NAMES.filter((name) => Object.hasOwn(OLD_KEYS, name))).toEqual([]);
});
