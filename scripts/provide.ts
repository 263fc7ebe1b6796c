// Sees to it that the tests find the programs that they run beside ours. Starts none: the tests do that themselves.

import { existsSync } from "node:fs";

interface Program {
  /** Of Debian. */
  package: string;
  isHere(): boolean;
  /** Where it cannot be installed from here. */
  remedy: string;
}

const PROGRAMS: readonly Program[] = [
  {
    package: "postgresql",
    isHere: () =>
      process.env["TOKLIGENCE_TEST_POSTGRES"] !== undefined ||
      existsSync("/usr/lib/postgresql") ||
      (Bun.which("initdb") !== null && Bun.which("postgres") !== null),
    remedy: "brew install postgresql on macOS, or set TOKLIGENCE_TEST_POSTGRES to the DSN of a superuser",
  },
  {
    package: "pgbouncer",
    isHere: () => isAnyHere(["pgbouncer"]),
    remedy: "brew install pgbouncer on macOS",
  },
  {
    package: "redis-server",
    isHere: () => isAnyHere(["redis-server", "valkey-server"]),
    remedy: "brew install redis on macOS",
  },
  {
    package: "chromium",
    isHere: () =>
      process.env["BUN_CHROME_PATH"] !== undefined ||
      isAnyHere(["google-chrome-stable", "google-chrome", "chromium-browser", "chromium"]),
    remedy: "or Chrome, or name it in BUN_CHROME_PATH",
  },
];

/** Installs them where it may and knows how; elsewhere says what to do. Never fails: the tests decide what they cannot do without. */
export function providePrograms(): void {
  const missing = PROGRAMS.filter(({ isHere }) => !isHere());
  if (missing.length === 0) return;
  if (process.platform === "linux" && process.getuid?.() === 0 && Bun.which("apt-get") !== null) {
    install(missing.map((program) => program.package));
    return;
  }
  for (const { package: name, remedy } of missing)
    console.error(`Not here, and wanted by tests: ${name}. Install it (${remedy}).`);
}

function install(names: readonly string[]): void {
  const quiet = {
    stdout: "ignore",
    stderr: "pipe",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  } as const;
  const update = Bun.spawnSync(["apt-get", "update", "-qq"], quiet);
  // Each by itself: one that cannot be had is to keep no other away.
  for (const name of names) {
    console.log(`installing ${name} …`);
    const done = Bun.spawnSync(["apt-get", "install", "-y", "-qq", "--no-install-recommends", name], quiet);
    if (!done.success) console.error(`${update.stderr.toString()}${done.stderr.toString()}`.trim());
  }
}

function isAnyHere(names: readonly string[]): boolean {
  return names.some((name) => Bun.which(name) !== null);
}
