// Sees to it that the tests find a PostgreSQL server's programs. Starts none: the tests do that themselves.

import { existsSync } from "node:fs";

/** Installs them where it may and knows how; elsewhere says what to do. Never fails: the tests decide what they cannot do without. */
export function providePostgres(): void {
  if (process.env["TOKLIGENCE_TEST_POSTGRES"] !== undefined || hasPrograms()) return;
  const isDebianRoot = process.platform === "linux" && process.getuid?.() === 0 && Bun.which("apt-get") !== null;
  if (!isDebianRoot) {
    console.error(
      "No PostgreSQL server's programs here. Install them (Debian: postgresql; macOS: brew install postgresql),",
    );
    console.error("or set TOKLIGENCE_TEST_POSTGRES to the DSN of a superuser.");
    return;
  }
  console.log("installing postgresql …");
  const quiet = {
    stdout: "ignore",
    stderr: "pipe",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  } as const;
  const update = Bun.spawnSync(["apt-get", "update", "-qq"], quiet);
  const install = Bun.spawnSync(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql"], quiet);
  if (!install.success) console.error(`${update.stderr.toString()}${install.stderr.toString()}`.trim());
}

function hasPrograms(): boolean {
  return existsSync("/usr/lib/postgresql") || (Bun.which("initdb") !== null && Bun.which("postgres") !== null);
}
