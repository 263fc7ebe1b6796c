// What the commands that work on the database share: it is opened before and closed after.
// No server need run, and one that runs is not disturbed.

import { existsSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { type Config, loadConfig } from "../config/index.ts";
import { type Actor, createDirectory, type Directory } from "../identity/index.ts";
import { BOOK_RULES } from "../ledger/index.ts";
import type { Origin } from "../lib/change.ts";
import { createRedactor } from "../lib/redact.ts";
import { openStore, type Store } from "../store/index.ts";
import { readScheme } from "../store/location.ts";
import { createLog, type Log } from "../telemetry/log.ts";
import type { LogFile } from "../telemetry/log-file.ts";
import { mergeDeclared } from "./effective.ts";
import { type ConfigFlags, toLoadOptions } from "./flags.ts";
import { say } from "./output.ts";

/** Whoever can read and write the database may do all. */
export const OPERATOR: Actor = {
  kind: "operator",
  get from() {
    return byOperator();
  },
};

/** What is recorded of who makes a change by a command: nobody has signed in, but the machine knows him by a name. */
export function byOperator(): Origin {
  const blank = { actorId: null, keyId: null, address: null, requestId: null };
  return { ...blank, actor: "operator", actorName: readUserName(), at: new Date() };
}

/** By the number under which the process runs, which nobody chooses for himself; the environment says whatever it likes. */
function readUserName(): string {
  const id = process.getuid?.();
  if (id === undefined) return userInfo().username;
  try {
    const [, name] = new RegExp(`^([^:]+):[^:]*:${id}:`, "mu").exec(readFileSync("/etc/passwd", "utf8")) ?? [];
    return name ?? `uid ${id}`;
  } catch {
    return `uid ${id}`;
  }
}

export interface Opened {
  /** As it is in force, with the providers that were declared while gateways run. */
  config: Config;
  /** As it was read from files. */
  declared: Config;
  store: Store;
  directory: Directory;
}

/** Opens what the configuration names, makes the root admin where there is none, does the work, and closes. */
export async function runWithStore<T>(flags: ConfigFlags, work: (opened: Opened) => Promise<T>): Promise<T> {
  const { config, warnings } = await loadConfig(toLoadOptions(flags));
  for (const warning of warnings) say(`warning: ${warning}`);
  const lost = findLost(config);
  if (lost !== null) say(`warning: ${lost}`);
  const { log, close } = await openLog(config);
  const command = process.argv.slice(2).join(" ");
  try {
    const store = await openStore({
      ...config,
      rules: BOOK_RULES,
      onWarning: (words) => say(`warning: ${words}`),
    });
    try {
      const directory = createDirectory({ store: store.identity, now: Date.now });
      await directory.ensureRoot(config.adminEmail);
      const result = await work({ config: await mergeDeclared(config, store), declared: config, store, directory });
      log.info("Command done", { command });
      return result;
    } finally {
      await store.close();
    }
  } catch (error) {
    log.error("Command failed", { command, error });
    throw error;
  } finally {
    await close();
  }
}

/** Where one of both files is there alone, the other is most likely kept elsewhere: what is made in its place is empty. */
function findLost({ identityPath, ledgerPath }: Config): string | null {
  const files = Object.entries({ identity_path: identityPath, ledger_path: ledgerPath });
  if (files.some(([, path]) => readScheme(path) !== "")) return null;
  const [lost, ...more] = files.filter(([, path]) => !existsSync(path));
  if (lost === undefined || more.length > 0) return null;
  const [key, path] = lost;
  return `there was no database at ${path}, so an empty one is made; if there should be one, say in ${key} where it is`;
}

/** A command does its work also where its line cannot be kept, and says so. */
async function openFile(init: {
  path: string;
  now: () => Date;
  onError: (error: Error) => void;
}): Promise<LogFile | null> {
  const { openLogFile } = await import("../telemetry/log-file.ts");
  try {
    return openLogFile(init);
  } catch (error) {
    init.onError(error instanceof Error ? error : new Error(String(error)));
    return null;
  }
}

/** Where `log_file_cli` says so, a line for each command that worked on the database: who reads the books may ask who wrote. */
async function openLog(config: Config): Promise<{ log: Log; close: () => Promise<void> }> {
  const now = (): Date => new Date();
  const onError = (error: Error): void => say(`warning: the log file cannot be written: ${error.message}`);
  const path = config.log.fileCli;
  const file = path === null ? null : await openFile({ path, now, onError });
  const log = createLog({
    level: config.log.level,
    pretty: false,
    write: () => undefined,
    keep: file === null ? null : file.write,
    redact: createRedactor(config.secrets),
    now,
  });
  return { log, close: async () => file?.close() };
}
