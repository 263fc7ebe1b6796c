// `bun scripts/bench/people.ts [--users N] [--keys N] [--rows N] [--engine sqlite|postgres] [--json]`: the built executable with so many users and keys, on
// SQLite and on PostgreSQL: how long it takes from its start until it is ready, how long pages of lists take by HTTP, and how long a CSV of so many rows takes
// to be imported while it runs.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { openStore } from "../../src/store/index.ts";
import { createDatabase } from "../../test/postgres.ts";
import { DIST } from "../compile.ts";
import { fill, makeToken } from "./crowd.ts";
import { stopAllOnSignal } from "./peer/launch.ts";
import { aChoice, aCount, aSwitch, readFlags } from "../flag.ts";
import { makeScratch } from "./run/scratch.ts";

const {
  engine: only,
  json,
  keys: KEYS,
  rows: ROWS,
  users: USERS,
} = readFlags({
  engine: aChoice(["sqlite", "postgres"]),
  json: aSwitch,
  keys: aCount(200_000),
  rows: aCount(100_000),
  users: aCount(100_000),
});
stopAllOnSignal();
const STARTS = 3;
const PAGES = 9;
const LONGEST_START_MS = 60_000;
const BINARY = join(DIST, process.platform === "win32" ? "tokligence.exe" : "tokligence");

/** Those behind → are the page after that one. */
const PAGES_OF = [
  "users?limit=100",
  "users?limit=1000 →",
  "users?role=gateway_user&status=active&limit=100",
  "users?role=root_admin",
  "users?status=suspended",
  `users?email=user${USERS - 7}`,
  "users?email=nobody-is-called-so",
  "api-keys?limit=100",
  "api-keys?limit=1000 →",
  "api-keys?status=open&limit=100",
  `api-keys?user=user${USERS - 7}@example.com`,
  `api-keys?prefix=${makeToken(KEYS - 7).slice(0, 12)}`,
  "api-keys?prefix=tok_nobodys1",
  "api-keys?tag=team=t11&limit=100",
  "api-keys?tag=nobody=x",
  "api-keys?unused_since=2026-01-01T00:00:00Z&limit=100",
  "sessions",
  "audit?limit=100",
  "audit?limit=1000 →",
  "audit?action=user.create&limit=100",
  "audit?action=key.revoke",
  "audit?actor=nobody@example.com",
  `audit?subject=user${USERS - 7}@example.com`,
];

/** Beside the time by the clock, that of the processor, which others on the machine do not lengthen; null where the system does not tell it. */
interface Started {
  url: string;
  ms: number;
  cpuMs: number | null;
  stop(): Promise<void>;
}

interface Place {
  run(words: readonly string[]): { out: string; ms: number; cpuMs: number };
  start(): Promise<Started>;
}

print({ machine: `${cpus()[0]?.model ?? ""}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}` });
for (const engine of ["sqlite", "postgres"] as const) {
  if (only !== undefined && only !== engine) continue;
  const folder = makeScratch("people");
  try {
    await measure(engine, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(engine: "postgres" | "sqlite", folder: string): Promise<void> {
  const home = join(folder, "home");
  mkdirSync(home);
  const [location, ledger] = engine === "sqlite" ? [join(home, "identity.db"), join(home, "ledger.db")] : [];
  const dsn = location ?? (await createDatabase());
  const database = { maxConnections: 4, maxIdleMs: 60_000, maxLifetimeMs: 600_000 };
  await (await openStore({ identityPath: dsn, ledgerPath: ledger ?? dsn, database })).close();
  await fill({ engine, location: dsn, users: USERS, keys: KEYS });
  const place = openPlace(folder, { TOKLIGENCE_IDENTITY_PATH: dsn, ...(ledger && { TOKLIGENCE_LEDGER_PATH: ledger }) });
  place.run(["admin", "users", "create", "--email", "bench@example.com", "--role", "root_admin"]);
  const { token } = JSON.parse(place.run(["admin", "api-keys", "create", "--user", "bench@example.com", "--json"]).out);
  const starts: Started[] = [];
  for (let turn = 1; turn < STARTS; turn++) {
    const gateway = await place.start();
    starts.push(gateway);
    await gateway.stop();
  }
  const gateway = await place.start();
  starts.push(gateway);
  const cpu = starts.flatMap(({ cpuMs }) => cpuMs ?? []);
  const what = `start with ${USERS} users and ${KEYS} keys`;
  print({ engine, what, ...summarize(starts.map(({ ms }) => ms)), cpu_ms: summarize(cpu).ms });
  try {
    await measurePages(engine, { url: gateway.url, token });
    await Bun.write(join(folder, "people.csv"), printPeople());
    const { out, ms, cpuMs } = place.run(["admin", "users", "import", "--file", join(folder, "people.csv")]);
    const said = out.trim().split("\n").at(-1);
    print({ engine, what: `import of ${ROWS} rows`, ms: round(ms), cpu_ms: round(cpuMs), said });
    await measurePages(engine, { url: gateway.url, token });
  } finally {
    await gateway.stop();
  }
}

/** Each first page after a word of warning-up, then the middle of some and the worst. */
async function measurePages(engine: string, { url, token }: { url: string; token: string }): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  const findNext = async (path: string): Promise<string> => {
    const body = (await (await fetch(`${url}/api/v1/admin/${path}`, { headers })).json()) as {
      next_cursor: string | null;
    };
    return body.next_cursor === null ? path : `${path}&cursor=${encodeURIComponent(body.next_cursor)}`;
  };
  for (const page of PAGES_OF) {
    const path = page.endsWith(" →") ? await findNext(page.slice(0, -2)) : page;
    const times: number[] = [];
    let size = 0;
    for (let turn = 0; turn <= PAGES; turn++) {
      const from = performance.now();
      const response = await fetch(`${url}/api/v1/admin/${path}`, { headers });
      const body = (await response.json()) as Record<string, unknown>;
      times.push(performance.now() - from);
      if (response.status !== 200) throw new Error(`${path}: ${response.status} ${JSON.stringify(body)}`);
      size = Object.values(body).find(Array.isArray)?.length ?? 0;
    }
    print({ engine, what: page, rows: size, first_ms: round(times[0] ?? 0), ...summarize(times.slice(1)) });
  }
}

function openPlace(folder: string, more: Record<string, string>): Place {
  const port = findFreePort();
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    TOKLIGENCE_HOME: join(folder, "home"),
    TOKLIGENCE_HTTP_ADDRESS: `127.0.0.1:${port}`,
    TOKLIGENCE_LOG_LEVEL: "warn",
    ...more,
  };
  const url = `http://127.0.0.1:${port}`;
  return {
    run(words) {
      const from = performance.now();
      const child = Bun.spawnSync([BINARY, ...words], { cwd: folder, env });
      if (!child.success) throw new Error(`${words.join(" ")}: ${child.stderr.toString()}`);
      const cpuMs = Number(child.resourceUsage.cpuTime.total) / 1_000;
      return { out: child.stdout.toString(), ms: performance.now() - from, cpuMs };
    },
    async start() {
      const from = performance.now();
      const child = Bun.spawn([BINARY, "serve"], { cwd: folder, env, stdout: "ignore", stderr: "inherit" });
      while (!(await isReady(url))) {
        if (performance.now() - from > LONGEST_START_MS || child.exitCode !== null)
          throw new Error("It does not start.");
        await Bun.sleep(2);
      }
      const ms = performance.now() - from;
      return {
        url,
        ms,
        cpuMs: readCpuMs(child.pid),
        async stop() {
          child.kill();
          await child.exited;
        },
      };
    },
  };
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: fields 14 and 15, in hundredths of a second. */
function readCpuMs(pid: number): number | null {
  if (process.platform !== "linux") return null;
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /u, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function isReady(url: string): Promise<boolean> {
  return (await fetch(`${url}/health/ready`).catch(() => null))?.status === 200;
}

function printPeople(): string {
  const rows = Array.from({ length: ROWS }, (_, index) => `new${index}@example.org,gateway_user,"Person, ${index}"`);
  return `email,role,display_name\n${rows.join("\n")}\n`;
}

function findFreePort(): number {
  const holder = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = holder;
  holder.stop(true);
  return port;
}

function summarize(times: readonly number[]): { ms: number; worst_ms: number } {
  const sorted = times.toSorted((left, right) => left - right);
  return { ms: round(sorted[Math.floor(sorted.length / 2)] ?? 0), worst_ms: round(sorted.at(-1) ?? 0) };
}

function print(result: Record<string, number | string | undefined>): void {
  const line = Object.entries(result).map(([name, value]) => `${name}=${String(value)}`);
  process.stdout.write(`${json ? JSON.stringify(result) : line.join("  ")}\n`);
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
