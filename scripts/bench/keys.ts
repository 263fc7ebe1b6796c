// `bun scripts/bench/keys.ts [--users N] [--keys N] [--engine sqlite|postgres] [--postgres DSN] [--json]`: how long a gateway takes to learn so many keys when it
// starts, what a key costs in memory, how long it takes to tell whose one is, and how long a page of the list takes.
// On SQLite and on PostgreSQL in one run: an empty database, or one of its own.

import { heapStats } from "bun:jsc";
import { rmSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { createKeyRing } from "../../src/identity/index.ts";
import { type Store, openStore } from "../../src/store/index.ts";
import { createDatabase } from "../../test/postgres.ts";
import { fill, makeId, makeToken } from "./crowd.ts";
import { stopAllOnSignal } from "./peer/launch.ts";
import { aChoice, aCount, aSwitch, aText, readFlags } from "../flag.ts";
import { makeScratch } from "./run/scratch.ts";

/** So many of the keys are in use, and so many tokens are nobody's. */
const WARM_KEYS = 1_000;

const {
  engine: only,
  json,
  keys: KEYS,
  postgres: dsn,
  users: USERS,
} = readFlags({
  engine: aChoice(["sqlite", "postgres"]),
  json: aSwitch,
  keys: aCount(200_000, { least: WARM_KEYS }),
  postgres: aText,
  users: aCount(100_000),
});
stopAllOnSignal();
const CHECKS = 400_000;

interface Result {
  engine: string;
  users: number;
  keys: number;
  open_ms: number;
  load_ms: number;
  bytes_a_key: number;
  check_ns: number;
  check_cold_ns: number;
  unknown_ns: number;
  page_ms: number;
}

if (!json) process.stderr.write(`${cpus()[0]?.model ?? ""}, ${cpus().length} cores\n`);
if (only !== "postgres") await measure("sqlite");
if (only !== "sqlite") await measure("postgres");

async function measure(engine: "postgres" | "sqlite"): Promise<void> {
  const folder = makeScratch("keys");
  const location = engine === "sqlite" ? join(folder, "identity.db") : (dsn ?? (await createDatabase()));
  const database = { maxConnections: 4, maxIdleMs: 60_000, maxLifetimeMs: 600_000 };
  const open = (): Promise<Store> => openStore({ identityPath: location, ledgerPath: location, database });
  try {
    await (await open()).close();
    await fill({ engine, location, users: USERS, keys: KEYS });
    const openedAt = performance.now();
    const store = await open();
    const openMs = performance.now() - openedAt;
    report({ engine, users: USERS, keys: KEYS, open_ms: round(openMs), ...(await look(store)) });
    await store.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function look(store: Store): Promise<Omit<Result, "engine" | "keys" | "open_ms" | "users">> {
  const tokens = Array.from({ length: KEYS }, (_, index) => makeToken(index));
  const ring = createKeyRing({
    store: store.identity,
    now: Date.now,
    onError(error) {
      throw error;
    },
  });
  const before = measureHeap();
  const loadedAt = performance.now();
  await ring.load();
  const loadMs = performance.now() - loadedAt;
  const bytes = measureHeap() - before;
  const check = (pick: (index: number) => string, wanted: "object" | "string"): number => {
    const from = performance.now();
    for (let index = 0; index < CHECKS; index++) {
      if (typeof ring.resolve(pick(index)) !== wanted) throw new Error("A key was taken for another.");
    }
    return Math.round(((performance.now() - from) * 1e6) / CHECKS);
  };
  // The first look at each of them, far from every cache; then those that are in use.
  const cold = check((index) => tokens[(index * 7919) % KEYS] ?? "", "object");
  const warm = check((index) => tokens[index % WARM_KEYS] ?? "", "object");
  const strange = Array.from({ length: WARM_KEYS }, (_, index) => makeToken(KEYS + index));
  const unknown = check((index) => strange[index % WARM_KEYS] ?? "", "string");
  const pagedAt = performance.now();
  const first = await store.identity.listKeys({}, { after: null, limit: 100 });
  const middle = await store.identity.listKeys({}, { after: makeId(Math.floor(KEYS / 2)), limit: 100 });
  const pageMs = (performance.now() - pagedAt) / 2;
  if (first.length + middle.length !== 200) throw new Error("A page is not full.");
  return {
    load_ms: round(loadMs),
    bytes_a_key: Math.round(bytes / KEYS),
    check_ns: warm,
    check_cold_ns: cold,
    unknown_ns: unknown,
    page_ms: round(pageMs),
  };
}

function measureHeap(): number {
  Bun.gc(true);
  const { heapSize, extraMemorySize } = heapStats();
  return heapSize + extraMemorySize;
}

function report(result: Result): void {
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else
    process.stdout.write(
      `${Object.entries(result)
        .map(([name, value]) => `${name}=${String(value)}`)
        .join(" ")}\n`,
    );
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
