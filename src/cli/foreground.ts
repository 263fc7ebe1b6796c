// The daemon with this process's surroundings: configuration, log, terminal. Ends the process when the daemon has stopped.

import { type Config, type LoadOptions, type Loaded, loadConfig } from "../config/index.ts";
import { createRedactor } from "../lib/redact.ts";
import { VERSION } from "../lib/version.ts";
import { type Log, createLog } from "../telemetry/log.ts";
import type { LogFile } from "../telemetry/log-file.ts";
import { CliError, EXIT } from "./error.ts";
import { findFolder } from "./flags.ts";
import { WORKER_MARK } from "./crew/seat.ts";
import { startDaemon } from "./daemon.ts";

type Flags = NonNullable<LoadOptions["flags"]>;
type Load = (runtime?: Readonly<Record<string, string>>) => Promise<Loaded>;

export async function serveInForeground(flags: Flags, json: boolean): Promise<void> {
  const load: Load = (runtime = {}) => loadConfig({ cwd: findFolder(), env: process.env, flags, runtime });
  if (process.env[WORKER_MARK] !== undefined) return serveForOffice(load, json);
  const loaded = await load();
  const { log, adopt, close, keepLine } = await openLog(loaded, { json });
  for (const warning of loaded.warnings) log.warn(warning);
  tellUnforeseen(log);
  try {
    const daemon = await startDaemon({ loaded, load, log, adopt, keepLine, closeLog: close });
    log.info("Tokligence Gateway is listening", {
      url: daemon.url,
      workers: daemon.workers,
      version: VERSION,
      pid: process.pid,
    });
    const { lostRows, unboundBytes, hasFailed } = await daemon.stopped;
    // The log has said how many rows lie where.
    process.exit(lostRows + unboundBytes === 0 && !hasFailed ? EXIT.ok : EXIT.failed);
  } catch (error) {
    // What could not be closed does not keep the process alive once the failure is told.
    setTimeout(() => process.exit(process.exitCode ?? EXIT.failed), TELL_MS).unref();
    throw error;
  }
}

const TELL_MS = 5_000;

/** One of several processes that a gateway began to serve its address together. */
async function serveForOffice(load: Load, json: boolean): Promise<void> {
  const { enlist, tellTrouble } = await import("./crew/enlist.ts");
  const { serveAsWorker } = await import("./crew/hand.ts");
  const enlisted = await enlist();
  delete process.env[WORKER_MARK];
  const { index } = enlisted.order;
  try {
    const loaded = await load();
    const keep = (line: string): void => enlisted.office.tell("log", line);
    const { log, adopt, close } = await openLog(loaded, { json, worker: { index, keep } });
    tellUnforeseen(log);
    await serveAsWorker({ loaded, load, log, adopt, closeLog: close }, enlisted);
  } catch (error) {
    await tellTrouble(enlisted, error);
    process.exit(EXIT.failed);
  }
  process.exit(EXIT.ok);
}

function tellUnforeseen(log: Log): void {
  process.on("uncaughtException", (error) => log.error("Uncaught exception", { error }));
  process.on("unhandledRejection", (error) => log.error("Unhandled rejection", { error }));
}

interface OpenLog {
  log: Log;
  adopt: (config: Config) => void;
  /** A line of another process. */
  keepLine: (line: string) => void;
  close: () => Promise<void>;
}

interface LogOptions {
  json: boolean;
  /** Which worker writes it, and who keeps its lines: one process alone writes to a file. */
  worker?: { index: number; keep: (line: string) => void };
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

async function openLog({ config }: Loaded, { json, worker }: LogOptions): Promise<OpenLog> {
  let redact = createRedactor(config.secrets);
  const now = (): Date => new Date();
  const complain = (error: Error): void =>
    void process.stderr.write(`The log file cannot be written: ${error.message}\n`);
  const path = config.log.fileDaemon;
  const file = path === null || worker !== undefined ? null : await openFile({ path, now, onError: complain });
  const keep = path === null ? null : (worker?.keep ?? file?.write ?? null);
  // https://no-color.org
  const isPlain = (process.env["NO_COLOR"] ?? "") !== "";
  const log = createLog({
    level: config.log.level,
    pretty: process.stderr.isTTY && !json,
    write: (line) => void process.stderr.write(isPlain ? Bun.stripANSI(line) : line),
    keep,
    ...(worker === undefined ? {} : { fields: { worker: worker.index } }),
    redact: (text) => redact(text),
    now,
  });
  return {
    log,
    keepLine: (line) => file?.write(line),
    adopt(next) {
      redact = createRedactor(next.secrets);
      log.setLevel(next.log.level);
    },
    close: async () => file?.close(),
  };
}
