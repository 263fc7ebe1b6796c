// Books to tamper with: written, sealed and signed as a running gateway does it, then changed behind its back. On either engine.

import { expect } from "bun:test";
import { Database } from "bun:sqlite";
import { join } from "node:path";
import type { Finding as Found } from "../../../src/audit/verify/index.ts";
import { openBooks } from "../../../src/cli/books.ts";
import type { Books } from "../../../src/cli/books.ts";
import { loadConfig } from "../../../src/config/index.ts";
import { digestPayloads, type LedgerEntry, type Recount } from "../../../src/ledger/index.ts";
import { openStore } from "../../../src/store/index.ts";
import { explainError, type Log, type LogFields } from "../../../src/telemetry/log.ts";
import { type Desk, makeDesk } from "../../cli/desk.ts";
import { makeEntry } from "../../ledger/entry.ts";
import { runSql } from "../../postgres.ts";
import { makeClock, type TestClock } from "../../rig.ts";

/** As it is printed. */
export type Finding = Omit<Found, "toSeq"> & { to_seq: number | null };

export interface Report {
  ok: boolean;
  rows: number;
  findings: Finding[];
  notes: string[];
  rollups: { sums: number; proved_from: string | null } | null;
  chains: { chain: string; from: number; to: number; signed_to: number }[];
}

export interface Bench {
  desk: Desk;
  clock: TestClock;
  /** Messages of warnings and errors. */
  told: string[];
  /** Opens the books, writes, and closes them as a stop does. Does not close where the work throws. `arrive`: until what was written is bound. */
  write(work: (books: Books, arrive: () => Promise<void>) => Promise<void>): Promise<void>;
  /** Behind the gateway's back; a statement that both engines know. */
  tamper(statement: string): Promise<void>;
  query<T>(statement: string): Promise<T[]>;
}

/** On SQLite, or on the PostgreSQL database of the DSN. */
export function makeBench(dsn?: string): Bench {
  const desk = makeDesk(dsn);
  desk.write("config/setting.ini", settings(desk.folder, dsn));
  const clock = makeClock();
  const told: string[] = [];
  const query = async <T>(statement: string): Promise<T[]> => {
    if (dsn !== undefined) return (await runSql(dsn, statement)) as T[];
    const db = new Database(join(desk.folder, "ledger.db"));
    try {
      return db.query(statement).all() as T[];
    } finally {
      db.close();
    }
  };
  return {
    desk,
    clock,
    told,
    query,
    async tamper(statement) {
      await query(statement);
    },
    async write(work) {
      const { config } = await loadConfig({
        cwd: desk.folder,
        env: {},
        flags: { config: join(desk.folder, "config") },
      });
      const store = await openStore(config);
      const note = (message: string, fields: LogFields = {}): void =>
        void told.push(`${message} ${fields["error"] instanceof Error ? explainError(fields["error"]) : ""}`.trim());
      const log: Log = { debug: () => {}, info: () => {}, warn: note, error: note, setLevel: () => {} };
      // Pauses of the shipper pass by themselves: what is tested here is what arrives.
      const books = await openBooks({ config, store, clock, fetch, log });
      await work(books, store.arrive);
      await books.close();
      await store.close();
    },
  };
}

function settings(folder: string, dsn: string | undefined): string {
  const paths = { identity: dsn ?? join(folder, "identity.db"), ledger: join(folder, "ledger.db") };
  return [
    `identity_path = ${paths.identity}`,
    `ledger_path = ${paths.ledger}`,
    `ledger_outbox = ${join(folder, "outbox.db")}`,
    `home = ${folder}`,
    "",
  ].join("\n");
}

/** The n-th call; each has something in every column. */
export function makeCall(number: number, over: Partial<LedgerEntry> = {}): LedgerEntry {
  return makeEntry({
    requestId: `request-${number}`,
    createdAt: new Date(1_700_000_000_000 + number * 1_000),
    tags: ["team:a", `run:${number}`],
    cacheWriteTokens: 7,
    longCacheWriteTokens: 3,
    reasoningTokens: 5,
    units: { images: 2 },
    serviceTier: "flex",
    latencyMs: 123.456 + number,
    ttftMs: 0.1 + number,
    dropped: ["seed"],
    attempts: [
      {
        provider: "openai",
        model: "gpt-4o",
        status: 200,
        errorKind: null,
        upstreamRequestId: `up-"${number}"\\`,
        latencyMs: 99.5,
        usageRaw: '{"prompt_tokens":1}',
      },
    ],
    ...over,
  });
}

/** Of a call whose bodies' hashes are kept. */
export const PAYLOAD = {
  payloadSalt: "salt",
  requestHash: "asked",
  responseHash: "answered",
  payloadDigest: digestPayloads("salt", "asked", "answered"),
};

export function makeRecount(entryId: string, over: Partial<Recount> = {}): Recount {
  return {
    entryId,
    createdAt: new Date(1_700_000_100_000),
    state: "counted",
    reason: null,
    method: "estimate",
    tokenizer: "o200k_base",
    tokenizerVersion: "1",
    inputTokens: 10,
    inputLow: 9,
    inputHigh: 11,
    outputTokens: 20,
    outputLow: 18,
    outputHigh: 22,
    verdict: "within",
    ...over,
  };
}

/** Rows 1 to 8 are calls, 9 and 10 recounts, 11 to 20 calls; a head is signed behind 10 and at the end. */
export async function fillBooks(bench: Bench): Promise<LedgerEntry[]> {
  const calls = Array.from({ length: 18 }, (_, index) => makeCall(index + 1));
  await bench.write(async ({ ledger }) => {
    for (const call of calls.slice(0, 8)) await ledger.add(call);
    await ledger.addRecounts([makeRecount(calls[0]?.id ?? ""), makeRecount(calls[1]?.id ?? "")]);
    bench.clock.advance(60_000);
    for (const call of calls.slice(8)) await ledger.add(call);
  });
  return calls;
}

/** The exit code agrees with the report. */
export async function verifyBooks({ desk }: Bench, ...flags: string[]): Promise<Report> {
  const { code, out, err } = await desk.run(["ledger", "verify", "--json", ...flags]);
  if (out === "") throw new Error(err);
  const report: Report = JSON.parse(out);
  expect(code).toBe(report.ok ? 0 : 1);
  return report;
}

/** What a change brings to light; all is put back afterwards. */
export async function tryChanges(bench: Bench, changes: readonly string[], ...flags: string[]): Promise<Finding[]> {
  const rows = ["ledger_entries", "ledger_recounts", "ledger_heads", "ledger_chains"];
  const tables = [...rows, "ledger_hours", "ledger_rollups", "ledger_marks"];
  for (const table of tables) await bench.tamper(`create table kept_${table} as select * from ${table}`);
  try {
    for (const change of changes) await bench.tamper(change);
    return (await verifyBooks(bench, ...flags)).findings;
  } finally {
    for (const table of tables) {
      await bench.tamper(`delete from ${table}`);
      await bench.tamper(`insert into ${table} select * from kept_${table}`);
      await bench.tamper(`drop table kept_${table}`);
    }
  }
}
