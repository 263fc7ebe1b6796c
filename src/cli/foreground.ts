// The daemon with this process's surroundings: configuration, log, terminal. Ends the process when the daemon has stopped.

import { homedir } from "node:os";
import { type Config, type LoadOptions, type Loaded, loadConfig } from "../config/index.ts";
import { createRedactor } from "../lib/redact.ts";
import { VERSION } from "../lib/version.ts";
import { type Log, createLog } from "../telemetry/log.ts";
import type { LogFile } from "../telemetry/log-file.ts";
import { CliError, EXIT } from "./error.ts";
import { startDaemon } from "./daemon.ts";

export async function serveInForeground(flags: NonNullable<LoadOptions["flags"]>, json: boolean): Promise<void> {
  const load = (runtime: Readonly<Record<string, string>> = {}): Promise<Loaded> =>
    loadConfig({ cwd: process.cwd(), env: process.env, homedir: homedir(), flags, runtime });
  const loaded = await load();
  const { log, adopt, close } = await openLog(loaded, json);
  for (const warning of loaded.warnings) log.warn(warning);
  process.on("uncaughtException", (error) => log.error("Uncaught exception", { error }));
  process.on("unhandledRejection", (error) => log.error("Unhandled rejection", { error }));
  const daemon = await startDaemon({ loaded, load, log, adopt, closeLog: close });
  log.info("Tokligence Gateway is listening", { url: daemon.url, version: VERSION, pid: process.pid });
  const { lostRows, unboundBytes } = await daemon.stopped;
  // The log has said how many rows lie where.
  process.exit(lostRows + unboundBytes === 0 ? EXIT.ok : EXIT.failed);
}

interface OpenLog {
  log: Log;
  adopt: (config: Config) => void;
  close: () => Promise<void>;
}

async function openFile(init: { path: string; now: () => Date; onError: (error: Error) => void }): Promise<LogFile> {
  const { openLogFile } = await import("../telemetry/log-file.ts");
  try {
    return openLogFile(init);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const hint = "Check log_file and log_file_daemon, and that this user may write there.";
    throw new CliError(`The log file ${init.path} cannot be opened: ${reason}`, { exitCode: EXIT.failed, hint });
  }
}

async function openLog({ config }: Loaded, json: boolean): Promise<OpenLog> {
  let redact = createRedactor(config.secrets);
  const now = (): Date => new Date();
  const complain = (error: Error): void =>
    void process.stderr.write(`The log file cannot be written: ${error.message}\n`);
  const path = config.log.fileDaemon;
  const file = path === null ? null : await openFile({ path, now, onError: complain });
  const log = createLog({
    level: config.log.level,
    pretty: process.stderr.isTTY && !json,
    write: (line) => void process.stderr.write(line),
    keep: file === null ? null : file.write,
    redact: (text) => redact(text),
    now,
  });
  return {
    log,
    adopt(next) {
      redact = createRedactor(next.secrets);
      log.setLevel(next.log.level);
    },
    close: async () => file?.close(),
  };
}
