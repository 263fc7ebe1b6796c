// `bun scripts/bench/verify.ts [--rows N] [--engine sqlite|postgres] [--postgres DSN] [--json]`: how fast the built executable verifies books
// of so many rows, all in order and with some rows altered. On SQLite and on PostgreSQL in one run: an empty database, or one of its own.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { Database } from "bun:sqlite";
import postgres from "postgres";
import { openBooks } from "../../src/cli/books.ts";
import { loadConfig } from "../../src/config/index.ts";
import { BLANK_ENTRY, type LedgerEntry } from "../../src/ledger/index.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { openStore } from "../../src/store/index.ts";
import { createDatabase } from "../../test/postgres.ts";
import { DIST, ROOT } from "../compile.ts";
import { stopAllOnSignal } from "./peer/launch.ts";
import { aChoice, aCount, aSwitch, aText, readFlags } from "../flag.ts";
import { makeScratch } from "./run/scratch.ts";

const TICK_ROWS = 1_000;
const USAGE_RAW = JSON.stringify({
  prompt_tokens: 1_234,
  completion_tokens: 321,
  total_tokens: 1_555,
  prompt_tokens_details: { cached_tokens: 1_024, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 64, audio_tokens: 0 },
});

const {
  engine: only,
  json,
  postgres: given,
  rows,
} = readFlags({
  engine: aChoice(["sqlite", "postgres"]),
  json: aSwitch,
  postgres: aText,
  rows: aCount(1_000_000),
});
stopAllOnSignal();
const binary = join(DIST, process.platform === "win32" ? "tokligence.exe" : "tokligence");
const build = Bun.spawnSync([process.execPath, join(ROOT, "scripts/build.ts")], {
  stdout: "ignore",
  stderr: "inherit",
});
if (!build.success) process.exit(1);
tellMachine();
if (only !== "postgres") await measure();
if (only !== "sqlite") await measure(given ?? (await createDatabase()));

async function measure(dsn?: string): Promise<void> {
  const folder = makeScratch("verify");
  const scene: Scene = { folder, dsn };
  try {
    writeConfig(scene);
    const fillSeconds = await fill(scene);
    const clean = verify(scene);
    await alter(scene);
    const altered = verify(scene);
    if (!clean.ok || altered.findings.length !== 2) throw new Error("The executable did not say what is so.");
    report(scene, { fillSeconds, clean, altered });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Scene {
  folder: string;
  /** Undefined for SQLite. */
  dsn: string | undefined;
}

function tellMachine(): void {
  const [cpu] = cpus();
  const machine = `${cpus().length} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}`;
  if (!json) console.log(`machine: ${machine}; load ${loadavg()[0]?.toFixed(1)}`);
}

function writeConfig({ folder, dsn }: Scene): void {
  mkdirSync(join(folder, "config"));
  const lines = [`home = ${folder}`, `identity_path = ${dsn ?? join(folder, "identity.db")}`];
  if (dsn === undefined) lines.push(`ledger_path = ${join(folder, "ledger.db")}`);
  writeFileSync(join(folder, "config/setting.ini"), `${lines.join("\n")}\n`);
}

/** Seconds that it took to seal and write all rows. */
async function fill({ folder }: Scene): Promise<number> {
  const { config } = await loadConfig({ cwd: folder, env: {}, flags: { config: join(folder, "config") } });
  const store = await openStore(config);
  const quiet = (): void => undefined;
  const say = (message: string): void => console.error(message);
  const log = { debug: quiet, info: quiet, warn: say, error: say, setLevel: quiet };
  const books = await openBooks({ config, store, clock: systemClock, fetch, log, deliveryMs: 3_600_000 });
  const started = performance.now();
  for (let number = 0; number < rows; number += TICK_ROWS) {
    const batch = Array.from({ length: Math.min(TICK_ROWS, rows - number) }, (_, index) => makeCall(number + index));
    await Promise.all(batch.map((call) => books.ledger.add(call)));
  }
  const seconds = (performance.now() - started) / 1000;
  await books.close();
  await store.close();
  return seconds;
}

/** As a chat of every day is booked. */
function makeCall(number: number): LedgerEntry {
  return {
    ...BLANK_ENTRY,
    id: Bun.randomUUIDv7(),
    requestId: Bun.randomUUIDv7(),
    createdAt: new Date(1_750_000_000_000 + number * 37),
    userId: "0193b6ff-0000-7000-8000-000000000001",
    apiKeyId: "0193b6ff-0000-7000-8000-000000000002",
    endpoint: "chat.completions",
    modelAsked: "gpt-4o-mini",
    modelServed: "gpt-4o-mini-2024-07-18",
    provider: "openai",
    freshInputTokens: 210 + (number % 97),
    cacheReadTokens: 1_024,
    cacheWriteTokens: 0,
    outputTokens: 321 + (number % 13),
    reasoningTokens: 64,
    usageSource: "provider",
    status: 200,
    latencyMs: 812.375 + (number % 1_000) / 8,
    ttftMs: 201.5 + (number % 100) / 4,
    streamed: true,
    costNanos: 300_000 + number,
    priceId: "openai/gpt-4o-mini",
    priceSource: "genai-prices@0.1.8",
    priceDate: "2024-07-18",
    attempts: [
      {
        provider: "openai",
        model: "gpt-4o-mini-2024-07-18",
        status: 200,
        errorKind: null,
        upstreamRequestId: `req_${number.toString(16).padStart(32, "0")}`,
        latencyMs: 801.25,
        usageRaw: USAGE_RAW,
      },
    ],
  };
}

interface Verified {
  ok: boolean;
  rows: number;
  seconds: number;
  rows_per_second: number;
  findings: unknown[];
}

function verify({ folder }: Scene): Verified {
  const { stdout, stderr } = Bun.spawnSync([binary, "ledger", "verify", "--json", "--config", join(folder, "config")], {
    cwd: folder,
    env: { PATH: process.env["PATH"], HOME: folder },
  });
  try {
    return JSON.parse(stdout.toString());
  } catch {
    throw new Error(stderr.toString());
  }
}

/** One row altered, one removed. */
async function alter({ folder, dsn }: Scene): Promise<void> {
  const [first, second] = [Math.floor(rows / 3), Math.floor(rows / 2)];
  const change = `update ledger_entries set output_tokens = 0 where seq = ${first}`;
  const removal = `delete from ledger_entries where seq = ${second}`;
  if (dsn === undefined) {
    const db = new Database(join(folder, "ledger.db"));
    db.run(change);
    db.run(removal);
    db.close();
    return;
  }
  const sql = postgres(dsn, { max: 1 });
  await sql.unsafe(change);
  await sql.unsafe(removal);
  await sql.end();
}

interface Measured {
  fillSeconds: number;
  clean: Verified;
  altered: Verified;
}

function report({ dsn }: Scene, { fillSeconds, clean, altered }: Measured): void {
  const result = {
    engine: dsn === undefined ? "sqlite" : "postgres",
    rows,
    cores: cpus().length,
    cpu: cpus()[0]?.model.trim() ?? "",
    written_per_second: Math.round(rows / fillSeconds),
    verify_seconds: clean.seconds,
    verified_per_second: clean.rows_per_second,
    verified_per_second_with_altered_rows: altered.rows_per_second,
  };
  if (json) console.log(JSON.stringify(result));
  else for (const [name, value] of Object.entries(result)) console.log(`${name.replaceAll("_", " ")}: ${value}`);
}
