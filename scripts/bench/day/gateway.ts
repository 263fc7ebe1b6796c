// A whole gateway in this process, as `serve` opens it: its daemon with its threads, on a port of its own, in front of the provider of the bench, with
// all that happens by the clock switched on and quickened. Knows no traffic.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startDaemon } from "../../../src/cli/daemon.ts";
import { type Config, loadConfig } from "../../../src/config/index.ts";
import { createDirectory } from "../../../src/identity/index.ts";
import { openStore } from "../../../src/store/index.ts";
import { createLog } from "../../../src/telemetry/log.ts";
import { type MailServer, openMailServer } from "../../../test/mail-server.ts";
import { fill } from "../crowd.ts";
import { type Mock, startMock } from "../mock/server.ts";
import { findFreePort } from "../peer/launch.ts";

export interface DayGateway {
  url: string;
  adminToken: string;
  mails: MailServer["mails"];
  /** What it said above "info", each once. */
  complaints: ReadonlySet<string>;
  stop(): Promise<void>;
}

/** Keys of as many users: each comes once. */
export async function startGateway(folder: string, keys: number): Promise<DayGateway> {
  const [whole, broken] = [startMock(), startMock()];
  whole.follow({ model: "gpt-4o-mini", delayMs: 0, answer: { kind: "whole", bytes: 100 } });
  broken.follow({ model: "gpt-4o-mini", delayMs: 0, answer: { kind: "failure" } });
  const mail = await openMailServer("", { authOptional: true, hideSTARTTLS: true, disabledCommands: ["AUTH"] });
  mkdirSync(join(folder, "config"));
  await Bun.write(
    join(folder, "config/setting.ini"),
    printConfig({ folder, whole, broken, mail, port: findFreePort() }),
  );
  const load = (runtime: Readonly<Record<string, string>> = {}) =>
    loadConfig({ cwd: folder, env: { HOME: folder }, homedir: folder, runtime });
  const loaded = await load();
  const { config } = loaded;
  await (await openStore(config)).close();
  await fill({ engine: "sqlite", location: config.identityPath, users: keys, keys });
  const adminToken = await makeAdminKey(config);
  const complaints = new Set<string>();
  const log = createLog({
    level: "warn",
    pretty: false,
    write: (line) => {
      const { level, msg, message, error } = JSON.parse(line) as Record<string, unknown>;
      complaints.add([level, msg ?? message, JSON.stringify(error ?? "").slice(0, 300)].join(" "));
    },
    keep: null,
    redact: (text) => text,
    now: () => new Date(),
  });
  const ignore = (): void => undefined;
  const daemon = await startDaemon({
    loaded,
    load,
    log,
    adopt: ignore,
    keepLine: ignore,
    closeLog: async () => undefined,
  });
  return {
    url: daemon.url,
    adminToken,
    mails: mail.mails,
    complaints,
    async stop() {
      process.emit("SIGTERM");
      await daemon.stopped;
      for (const each of [whole, broken]) each.stop();
      await mail.close();
    },
  };
}

async function makeAdminKey(config: Config): Promise<string> {
  const store = await openStore(config);
  const directory = createDirectory({ store: store.identity, now: Date.now });
  const root = await directory.ensureRoot(config.adminEmail);
  const { token } = await directory.createKey({ kind: "operator" }, root.id, {});
  await store.close();
  return token;
}

interface Place {
  folder: string;
  whole: Mock;
  broken: Mock;
  mail: MailServer;
  port: number;
}

function printConfig({ folder, whole, broken, mail, port }: Place): string {
  const base = (mock: Mock): string => `base_url = http://127.0.0.1:${mock.port}/v1`;
  return [
    `http_address = 127.0.0.1:${port}`,
    `home = ${folder}`,
    `identity_path = ${join(folder, "identity.db")}`,
    `ledger_path = ${join(folder, "ledger.db")}`,
    `ledger_outbox = ${join(folder, "outbox.db")}`,
    "log_level = warn",
    "recount = off",
    "admin_email = admin@local",
    "cache = memory",
    "cache_ttl = 20m",
    "idempotency_window = 20m",
    "max_concurrent_per_key = 4",
    "ledger_sign_interval = 1m",
    "capture = on",
    "retention_captured = 1h",
    "models_refresh = 10m",
    "price_refresh = 1h",
    "probe = call",
    "probe_interval = 1m",
    "smtp_host = 127.0.0.1",
    `smtp_port = ${mail.port}`,
    "smtp_secure = none",
    "smtp_from = gateway@example.com",
    `public_url = http://127.0.0.1:${port}`,
    "[provider.openai]",
    base(whole),
    "api_key = sk-day-day-day-day-day",
    "allow_private = yes",
    "[provider.broken]",
    "type = compatible",
    base(broken),
    "api_key = sk-day-day-day-day-day",
    "allow_private = yes",
    "[routes]",
    "gpt-4o-broken* = broken",
    "gpt-4o-shaky* = broken | openai",
    "[limit.keys]",
    "per = key",
    "requests_per_minute = 3",
    "tokens_per_minute = 100000",
    "concurrent = 3",
    "[limit.models]",
    "per = model",
    "requests_per_minute = 100",
    "[budget.keys]",
    "each = key",
    "period = hour",
    "limit_usd = 10",
    "unpriced = allow",
    "",
  ].join("\n");
}
