// A PgBouncer of the tests before their PostgreSQL, which may give each transaction another connection. Knows no schema.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePort } from "./redis.ts";

export const hasPooler = Bun.which("pgbouncer") !== null;

/** Answers the DSN of the same database by way of it. */
export async function startPooler(target: string): Promise<{ dsn: string; stop(): Promise<void> }> {
  const { hostname, port, username, password, pathname } = new URL(target);
  const folder = mkdtempSync(join(tmpdir(), "tokligence-pooler-"));
  chmodSync(folder, 0o755);
  const dsn = new URL(target);
  dsn.port = String(await findFreePort());
  const secret = password === "" ? "" : ` password=${decodeURIComponent(password)}`;
  const lines = [
    "[databases]",
    `* = host=${hostname} port=${port} user=${username}${secret}`,
    "[pgbouncer]",
    "auth_type = any",
    "default_pool_size = 4",
    "listen_addr = 127.0.0.1",
    `listen_port = ${dsn.port}`,
    "pool_mode = transaction",
    "unix_socket_dir =",
    ...(process.getuid?.() === 0 ? ["user = nobody"] : []),
  ];
  const file = join(folder, "pooler.ini");
  writeFileSync(file, `${lines.join("\n")}\n`);
  const child = Bun.spawn(["pgbouncer", file], { stdio: ["ignore", "ignore", "pipe"] });
  // It says so once it listens.
  let said = "";
  for await (const piece of child.stderr.pipeThrough(new TextDecoderStream() as never) as AsyncIterable<string>) {
    said += piece;
    if (said.includes("process up")) break;
  }
  if (!said.includes("process up")) throw new Error(`pgbouncer, before ${pathname}: ${said}`);
  return {
    dsn: dsn.href,
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
