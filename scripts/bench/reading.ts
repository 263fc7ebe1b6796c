// `bun scripts/bench/reading.ts [--rows N] [--days N] [--dsn postgres://…] [--keep FILE] [--sweep] [--no-export]`: fills a ledger with N rows (a million unless
// said), sums it up as the gateway does, and measures 30-day reports and an export: time, and the most memory that this process had. `--sweep`: every
// combination of up to three dimensions, and of up to two filters with one, as the routes answer it.

import { Database } from "bun:sqlite";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { type Dimension, DIMENSIONS, layEdges, type LedgerFilter, type ReportQuery } from "../../src/ledger/index.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { findZone, UTC } from "../../src/lib/zone.ts";
import { exportRows, openReading } from "../../src/server/index.ts";
import { openStore } from "../../src/store/index.ts";
import { printFill } from "./fill.ts";
import { stopAllOnSignal } from "./peer/launch.ts";
import { aCount, aSwitch, aText, readFlags } from "../flag.ts";
import { makeScratch } from "./run/scratch.ts";

const DAY_MS = 86_400_000;
const ROWS_AT_ONCE = 500_000;
const RUNS = 7;
const CHAIN = "bench";

/** What a sweep asks for, each alone and with others; and how many of the slowest it names. */
const FILTERS: readonly LedgerFilter[] = [
  { apiKeyId: "key-0" },
  { direction: "consume" },
  { endpoint: "messages" },
  { model: "model-3" },
  { provider: "provider-1" },
  { status: 4 },
  { tags: ["env=prod"] },
  { userId: "user-0" },
];
const SLOWEST = 12;

const {
  days,
  dsn,
  keep,
  "no-export": hasNoExport,
  rows,
  sweep: isSweep,
} = readFlags({
  days: aCount(30),
  dsn: aText,
  keep: aText,
  "no-export": aSwitch,
  rows: aCount(1_000_000),
  sweep: aSwitch,
});
stopAllOnSignal();
const folder = makeScratch("reading");
const location = dsn ?? keep ?? join(folder, "ledger.db");
const database = { maxConnections: 6, maxIdleMs: 60_000, maxLifetimeMs: 0 };
/** Midnight, so that a kept file can be measured again. */
const endMs = Math.ceil(Date.now() / DAY_MS) * DAY_MS;

try {
  await run();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function run(): Promise<void> {
  const isThere = dsn === undefined && existsSync(location);
  const store = await openStore({ identityPath: location, ledgerPath: location, database });
  try {
    if (!isThere) await measure(`fill ${rows} rows`, () => fill(store.engine));
    const reading = openReading({ ...store, after: systemClock.after });
    await measure("sum up", async () => {
      while ((await reading.rollUp(40_000)).rows > 0);
    });
    for (const [name, query] of listReports()) await measureReport(name, () => reading.report(query));
    await measureReport("logs, newest page", () => reading.page({}, 100, null));
    await measureReport("logs, one user's 5xx", () => reading.page({ userId: "user-7", status: 5 }, 100, null));
    await measureReport("logs, one user", () => reading.page({ userId: "user-199" }, 100, null));
    await measureReport("export, one user", () =>
      Array.fromAsync(exportRows(reading, { filter: { userId: "user-199" }, format: "csv" })),
    );
    if (isSweep) await sweep(reading);
    if (!hasNoExport) await measureExport(reading);
    await reading.close();
  } finally {
    await store.close();
  }
}

async function fill(engine: "postgres" | "sqlite"): Promise<void> {
  const init = { engine, chain: CHAIN, startMs: endMs - days * DAY_MS, endMs, total: rows };
  const parts = Array.from({ length: Math.ceil(rows / ROWS_AT_ONCE) }, (_, index) => index * ROWS_AT_ONCE);
  const statements = parts.map((from) => printFill({ ...init, from, rows: Math.min(ROWS_AT_ONCE, rows - from) }));
  if (dsn === undefined) {
    const db = new Database(location);
    db.run("PRAGMA synchronous = OFF");
    for (const statement of statements) db.run(statement);
    db.close();
    return;
  }
  const sql = postgres(dsn, { max: 1, onnotice: () => undefined });
  for (const statement of statements) await sql.unsafe(statement);
  await sql.unsafe("analyze");
  await sql.end();
}

function listReports(): [string, ReportQuery][] {
  const month = { from: new Date(endMs - 30 * DAY_MS), to: new Date(endMs) };
  const query = (filter: LedgerFilter, by: ReportQuery["by"]): ReportQuery => ({
    filter: { ...month, ...filter },
    by,
    edges: [],
  });
  const timeline = (bucket: "day" | "hour", zone: string, filter: LedgerFilter = {}): ReportQuery => {
    const asked = { ...month, ...filter };
    return {
      filter: asked,
      by: [],
      edges: layEdges({ filter: asked, bucket, zone: findZone(zone) ?? UTC, nowMs: endMs }),
    };
  };
  const odd = { from: new Date(endMs - 30 * DAY_MS + 1_234_567), to: new Date(endMs - 7_654_321) };
  return [
    ["summary", query({}, [])],
    ["summary, odd times", { filter: odd, by: [], edges: [] }],
    ["summary of a user", query({ userId: "user-7" }, [])],
    ["summary of a tag", query({ tags: ["team=t3"] }, [])],
    ["days, UTC", timeline("day", "UTC")],
    ["days, Berlin", timeline("day", "Europe/Berlin")],
    ["days, Kolkata", timeline("day", "Asia/Kolkata")],
    ["days, Berlin, of a user", timeline("day", "Europe/Berlin", { userId: "user-7" })],
    ["hours, UTC", timeline("hour", "UTC")],
    ["by model", query({}, ["model"])],
    ["by user", query({}, ["user"])],
    ["by key, odd times", { filter: odd, by: ["key"], edges: [] }],
    ["by key, 30 days to now", { filter: { from: odd.from }, by: ["key"], edges: [] }],
    ["by user, model", query({}, ["user", "model"])],
    ["by user, model, tag, to now", { filter: { from: odd.from }, by: ["user", "model", "tag"], edges: [] }],
    ["by tag", query({}, ["tag"])],
    ["by provider, status", query({}, ["provider", "status"])],
    ["by user, model, tag", query({}, ["user", "model", "tag"])],
    ["by user, key, model, odd times", { filter: odd, by: ["user", "key", "model"], edges: [] }],
    ["hours, of a tag and a model", timeline("hour", "UTC", { tags: ["team=t3"], model: "model-3" })],
    ["days, Kolkata, user and model", timeline("day", "Asia/Kolkata", { userId: "user-0", model: "model-0" })],
  ];
}

/** Each question twice; what counts is the second. */
async function sweep(reading: ReturnType<typeof openReading>): Promise<void> {
  const times: [name: string, ms: number][] = [];
  const ask = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    await work();
    const at = performance.now();
    await work();
    times.push([name, performance.now() - at]);
  };
  const whole = { from: new Date(endMs - 30 * DAY_MS), to: new Date(endMs) };
  const odd = { from: new Date(endMs - 30 * DAY_MS + 3_111_111), to: new Date(endMs - 3_222_222) };
  const list = (by: readonly Dimension[], filter: LedgerFilter): Promise<void> =>
    ask(`by ${by.join(", ")} ${JSON.stringify(filter)}`, () => reading.breakdown({ filter, by, most: 10_000 }));
  for (const range of [whole, odd]) for (const by of choose(DIMENSIONS, 3)) await list(by, range);
  for (const some of choose(FILTERS, 2)) {
    const filter: LedgerFilter = Object.assign({}, ...some, odd);
    for (const by of choose(DIMENSIONS, 1)) await list(by, filter);
    for (const bucket of ["day", "hour"] as const)
      for (const zone of ["America/New_York", "Asia/Kolkata"])
        await ask(`${bucket}s in ${zone} ${JSON.stringify(filter)}`, () =>
          reading.timeseries({ filter, bucket, zone, nowMs: endMs }),
        );
  }
  const sorted = times.toSorted(([, left], [, right]) => right - left);
  const late = sorted.filter(([, ms]) => ms >= 100).length;
  console.log(`sweep: ${times.length} questions, ${late} of them took 100 ms or more; the slowest:`);
  for (const [name, ms] of sorted.slice(0, SLOWEST)) console.log(`  ${ms.toFixed(1)} ms  ${name}`);
}

/** All choices of none to `most` of those. */
function choose<Item>(from: readonly Item[], most: number): Item[][] {
  const [first, ...rest] = from;
  if (first === undefined || most === 0) return [[]];
  return [...choose(rest, most), ...choose(rest, most - 1).map((more) => [first, ...more])];
}

async function measure(name: string, work: () => Promise<void>): Promise<void> {
  const started = performance.now();
  await work();
  console.log(`${name.padEnd(28)} ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/** Once to warm up, then the middle of some. */
async function measureReport(name: string, work: () => Promise<unknown>): Promise<void> {
  const started = performance.now();
  await work();
  const first = performance.now() - started;
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const at = performance.now();
    await work();
    times.push(performance.now() - at);
  }
  const sorted = times.toSorted((left, right) => left - right);
  console.log(
    `${name.padEnd(28)} first ${first.toFixed(0)} ms, then ${(sorted[Math.floor(RUNS / 2)] ?? 0).toFixed(1)} ms (worst ${(sorted.at(-1) ?? 0).toFixed(1)})`,
  );
}

async function measureExport(reading: ReturnType<typeof openReading>): Promise<void> {
  const startRss = process.memoryUsage.rss();
  let most = startRss;
  let [written, bytes] = [0, 0];
  const started = performance.now();
  for await (const piece of exportRows(reading, { filter: {}, format: "csv" })) {
    written += piece.rows;
    bytes += piece.bytes.length;
    most = Math.max(most, process.memoryUsage.rss());
  }
  const seconds = (performance.now() - started) / 1000;
  const megabytes = (value: number): string => (value / 1e6).toFixed(0);
  console.log(
    `${"export, CSV".padEnd(28)} ${written} rows, ${megabytes(bytes)} MB in ${seconds.toFixed(1)} s; memory ${megabytes(startRss)} MB before, ${megabytes(most)} MB at most`,
  );
}
