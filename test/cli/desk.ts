// A desk to try command lines at: an empty configuration of its own, and what a line printed. All in this process.

import { spyOn } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli } from "../../src/cli/index.ts";
import { openStore, type Store } from "../../src/store/index.ts";

export interface Printed {
  code: number;
  out: string;
  err: string;
}

/** Runs the work and catches what it prints, without colours. */
export async function capture(work: () => Promise<number>): Promise<Printed> {
  const printed: Printed = { code: -1, out: "", err: "" };
  const spies = [
    spyOn(process.stdout, "write").mockImplementation((chunk) => {
      printed.out += Bun.stripANSI(typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk));
      return true;
    }),
    spyOn(process.stderr, "write").mockImplementation((chunk) => {
      printed.err += Bun.stripANSI(String(chunk));
      return true;
    }),
    spyOn(console, "log").mockImplementation((text) => void (printed.out += `${text}\n`)),
  ];
  try {
    printed.code = await work();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return printed;
}

/** A whole command line; words that hold blanks come as a list. */
export async function runLine(line: string | readonly string[]): Promise<Printed> {
  const words = typeof line === "string" ? line.split(" ").filter((word) => word !== "") : line;
  const outer = hideEnvironment();
  try {
    return await capture(() => runCli(words));
  } finally {
    Object.assign(process.env, outer);
  }
}

/** Takes away what the developer's own environment would say. */
function hideEnvironment(): Record<string, string | undefined> {
  const names = Object.keys(process.env).filter((name) => name.startsWith("TOKLIGENCE_"));
  const values = Object.fromEntries(names.map((name) => [name, process.env[name]]));
  for (const name of names) delete process.env[name];
  return values;
}

export interface Desk {
  folder: string;
  /** Runs a line on this desk's databases. */
  run(line: string | readonly string[]): Promise<Printed>;
  /** Runs a line with --json that must succeed; answers what it printed. */
  read<T>(line: string | readonly string[]): Promise<T>;
  write(name: string, text: string): string;
  /** Opened anew, for what has no command. */
  withStore<T>(work: (store: Store) => Promise<T>): Promise<T>;
  close(): void;
}

/** On SQLite, or on the PostgreSQL database of the DSN. */
export function makeDesk(dsn?: string): Desk {
  const folder = mkdtempSync(join(tmpdir(), "tokligence-cli-"));
  const config = join(folder, "config");
  const paths = { identityPath: dsn ?? join(folder, "identity.db"), ledgerPath: join(folder, "ledger.db") };
  mkdirSync(config);
  const ledger = dsn === undefined ? `ledger_path = ${paths.ledgerPath}\n` : "";
  writeFileSync(join(config, "setting.ini"), `home = ${folder}\nidentity_path = ${paths.identityPath}\n${ledger}`);
  const run = (line: string | readonly string[]): Promise<Printed> => {
    const words = typeof line === "string" ? line.split(" ") : line;
    return runLine([...words, "--config", config]);
  };
  return {
    folder,
    run,
    async read(line) {
      const words = typeof line === "string" ? line.split(" ") : line;
      const { code, out, err } = await run([...words, "--json"]);
      if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}: ${err}`);
      return JSON.parse(out);
    },
    write(name, text) {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    },
    async withStore(work) {
      const database = { maxConnections: 1, maxIdleMs: 0, maxLifetimeMs: 0 };
      const store = await openStore({ ...paths, database });
      try {
        return await work(store);
      } finally {
        await store.close();
      }
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
