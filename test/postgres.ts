// A real PostgreSQL for the tests of this process: the one that TOKLIGENCE_TEST_POSTGRES names, else a cluster of its own from
// the local binaries, made at the first use and gone with the process. Knows no schema.

import { chownSync, existsSync, mkdtempSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";

const HOST = "127.0.0.1";
const USER = "tokligence";

const external = process.env["TOKLIGENCE_TEST_POSTGRES"];
const binaries = external === undefined ? findBinaries() : null;

/** Whether tests on PostgreSQL can run. False only on a machine without it; on CI that is an error instead. */
export const hasPostgres = external !== undefined || binaries !== null;

if (!hasPostgres) {
  const remedy = "install PostgreSQL (Debian: postgresql), or set TOKLIGENCE_TEST_POSTGRES to the DSN of a superuser";
  if (process.env["CI"] === "true") throw new Error(`No PostgreSQL to test with: ${remedy}`);
  console.warn(`\n!!! No PostgreSQL here: ALL TESTS ON POSTGRESQL ARE SKIPPED. To run them, ${remedy}.\n`);
}

/** Shared through the global object, for test files may be isolated from each other within the one process. */
const shared = globalThis as { [CLUSTER]?: Promise<string> };
const CLUSTER: unique symbol = Symbol.for("tokligence.test.postgres") as never;

/** A new, empty database; answers its DSN. */
export async function createDatabase(): Promise<string> {
  const admin = await (shared[CLUSTER] ??= external === undefined ? startCluster() : Promise.resolve(external));
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  await runSql(admin, `create database ${name}`);
  const url = new URL(admin);
  url.pathname = `/${name}`;
  return url.href;
}

/** Runs one statement on a connection of its own. */
export async function runSql(dsn: string, statement: string): Promise<readonly Record<string, unknown>[]> {
  const sql = postgres(dsn, { max: 1, onnotice: () => {} });
  try {
    return await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}

/** All that is in a database, as its own tool writes it out. */
export function dumpDatabase(dsn: string): string {
  const dump = Bun.spawnSync([binaries === null ? "pg_dump" : join(binaries, "pg_dump"), dsn], { stderr: "pipe" });
  if (!dump.success) throw new Error(`pg_dump failed: ${dump.stderr.toString()}`);
  return dump.stdout.toString();
}

/** Feeds a file of SQL to its own tool, as a person at a terminal does; answers what that said where something was wrong. */
export function loadDatabase(dsn: string, path: string): { code: number; err: string } {
  const psql = binaries === null ? "psql" : join(binaries, "psql");
  const load = Bun.spawnSync([psql, "-q", "-d", dsn], { stdin: Bun.file(path), stdout: "ignore", stderr: "pipe" });
  return { code: load.exitCode, err: load.stderr.toString() };
}

function findBinaries(): string | null {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : [];
  const onPath = (process.env["PATH"] ?? "").split(":");
  const folders = [...versions.map((version) => join(debian, version, "bin")), ...onPath];
  return folders.find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres"))) ?? null;
}

/** Initialises and starts; answers the superuser's DSN. */
async function startCluster(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "tokligence-postgres-"));
  const owner = ownerBelowRoot();
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, "data");
  const init = Bun.spawnSync(
    [join(binaries ?? "", "initdb"), "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
    { ...owner, cwd: folder, stderr: "pipe" },
  );
  if (!init.success) throw new Error(`initdb failed: ${init.stderr.toString()}`);
  const port = await findFreePort();
  const settings = {
    listen_addresses: HOST,
    port,
    unix_socket_directories: folder,
    fsync: "off",
    max_connections: 200,
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
  // The watcher holds the other end of our pipe: however this process ends, it then stops the server and clears up.
  const watcher =
    'read -r _ <&3; kill -INT $$; for i in $(seq 100); do [ -e data/postmaster.pid ] || break; sleep 0.05; done; rm -rf "$TOKLIGENCE_CLUSTER"';
  const script = `exec 3<&0; (${watcher}) </dev/null 2>/dev/null & exec 3<&-; exec "$0" "$@" </dev/null`;
  const server = Bun.spawn(["sh", "-c", script, join(binaries ?? "", "postgres"), "-D", data, ...flags], {
    ...owner,
    cwd: folder,
    env: { ...process.env, TOKLIGENCE_CLUSTER: folder },
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
  });
  server.unref();
  const dsn = `postgres://${USER}@${HOST}:${port}/postgres`;
  await waitUntilUp(dsn);
  return dsn;
}

/** The server refuses to run as root. */
function ownerBelowRoot(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    const readId = (flag: string) => Number(Bun.spawnSync(["id", flag, name]).stdout.toString());
    const owner = { uid: readId("-u"), gid: readId("-g") };
    if (owner.uid > 0) return owner;
  }
  throw new Error("PostgreSQL does not run as root, and there is neither a user postgres nor nobody");
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, HOST, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

async function waitUntilUp(dsn: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      await runSql(dsn, "select 1");
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await Bun.sleep(25);
    }
  }
}
