// The local file that the books are written to first: rows, intents and the head of the chain in one commit. Knows no ledger rule.

import { Database } from "bun:sqlite";
import { closeSync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { and, asc, count, eq, inArray, isNull, lte } from "drizzle-orm";
import type { ChainHead, Committed, Head, JournalBatch, SealedEntry, SealedRecount } from "../../ledger/index.ts";
import { ANY_DATABASE, codeOf, explainStoreError } from "../error.ts";
import type { Db } from "../engine.ts";
import type { Chest, JournalOptions, Shipment } from "../journal.ts";
import { adoptIntents, readIntents } from "./adopt.ts";
import { openChain } from "./chain.ts";
import { leaveCheckpoints } from "./checkpoint.ts";
import { prepareInsert } from "./insert.ts";
import { runNow, toDb } from "./query.ts";
import { openReserve } from "./reserve.ts";
import { ledgerChains, ledgerEntries, ledgerHeads, ledgerRecounts } from "./schema.ts";
import { claimSlot, MAX_SLOTS, type Slot } from "./slot.ts";

const BUSY_TIMEOUT_MS = 5000;
/** As the pragma reads back: NORMAL, FULL. */
const SYNCHRONOUS = { process: 1, disk: 2 } as const;

/** The file is there and its tables are up to date. Throws a GatewayError that names it. */
export function openJournal({ location, connect = openFile, reserveBytes = 0, ...options }: JournalOptions): Chest {
  let slot: Slot | undefined;
  let db: Database | undefined;
  try {
    slot = claimSlot(location);
    db = connect(location);
    configure(db, location, options);
    const chain = openChain(db, slot.number, options);
    return assemble(db, { location, slot, chain, reserveBytes });
  } catch (error) {
    db?.close();
    slot?.release();
    throw explainStoreError(error, location);
  }
}

function openFile(location: string): Database {
  return new Database(location, { create: false, readwrite: true });
}

function configure(
  db: Database,
  location: string,
  { durability, checkpoints }: Pick<JournalOptions, "checkpoints" | "durability">,
): void {
  db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const synchronous = SYNCHRONOUS[durability];
  db.run(`PRAGMA synchronous = ${synchronous}`);
  const read = db.query<{ synchronous: number }, []>("PRAGMA synchronous").get()?.synchronous;
  if (read !== synchronous) throw new Error(`SQLite did not take synchronous = ${synchronous}`);
  leaveCheckpoints(db, checkpoints);
  if (durability === "process") return;
  // On macOS a sync without it ends in the drive's own memory.
  db.run("PRAGMA fullfsync = ON");
  // SQLite syncs the folder for the log it makes; the file itself, and its name, are older than this connection.
  for (const path of [location, dirname(location)]) syncPath(path);
}

/** Windows has no such thing as a folder that is synced. */
function syncPath(path: string): void {
  if (process.platform === "win32") return;
  const file = openSync(path, "r");
  fsyncSync(file);
  closeSync(file);
}

interface Parts {
  location: string;
  slot: Slot;
  chain: ReturnType<typeof openChain>;
  reserveBytes: number;
}

function assemble(db: Database, { location, slot, chain: found, reserveBytes }: Parts): Chest {
  const { head } = found;
  const reserve = openReserve(`${location}.reserve-${slot.number}`, reserveBytes);
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const insertEntry = prepareInsert<SealedEntry>(db, ledgerEntries);
  const insertRecount = prepareInsert<SealedRecount>(db, ledgerRecounts);
  const insertHead = prepareInsert<Head & { id: string }>(db, ledgerHeads);
  const insertIntent = db.prepare<unknown, [number, string, string]>(
    "insert into ledger_intents (number, chain, body) values (?, ?, ?)",
  );
  const removeIntent = db.prepare<unknown, [number]>("delete from ledger_intents where number = ?");
  const moveHead = db.prepare<unknown, [number, string, string]>(
    "update ledger_chains set seq = ?, hash = ? where chain = ?",
  );
  const readHead = db.prepare<ChainHead, [string]>("select chain, seq, hash from ledger_chains where chain = ?");
  const nextNumber = createNumbers(db, slot.number);

  const write = ({ head: { chain, seq, hash }, ...batch }: JournalBatch): Committed => {
    for (const entry of batch.entries) if (!insertEntry.run(entry)) return { duplicate: entry.id };
    for (const recount of batch.recounts) if (!insertRecount.run(recount)) return { duplicate: recount.entryId };
    for (const { number, body } of batch.intents) insertIntent.run(number, chain, body);
    for (const number of batch.over) removeIntent.run(number);
    // One page less to write where there are intents alone.
    if (batch.entries.length + batch.recounts.length > 0) moveHead.run(seq, hash, chain);
    return "written";
  };

  const transact = (work: () => Committed): Committed => {
    try {
      begin.run();
    } catch (error) {
      if (codeOf(error).startsWith("SQLITE_BUSY")) return "busy";
      throw explainStoreError(error, ANY_DATABASE);
    }
    try {
      const result = work();
      // What is not committed is undone below.
      if (result === "written") commit.run();
      return result;
    } catch (error) {
      throw explainStoreError(error, ANY_DATABASE);
    } finally {
      if (db.inTransaction) db.run("ROLLBACK");
    }
  };

  /** Waits for another process's write, and everything else with it: for what is rare. */
  const transactPatiently = (work: () => void): void => {
    db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    const result = transact(() => {
      work();
      return "written";
    });
    db.run("PRAGMA busy_timeout = 0");
    if (result === "busy") throw Object.assign(new Error("The file is locked."), { code: "SQLITE_BUSY" });
  };

  const outgoing = openOutgoing(db, transactPatiently);
  const chest: Chest = {
    ...found,
    abandoned: readIntents(db, slot.number),
    nextNumber,
    commit: (batch) => transact(() => write(batch)),
    reread() {
      try {
        return readHead.get(head.chain) ?? head;
      } catch (error) {
        throw explainStoreError(error, ANY_DATABASE);
      }
    },
    keepHead: (signed) => transactPatiently(() => void insertHead.run(signed)),
    ...reserve,
    adopt: () => adoptIntents(db, location, slot.number),
    ...outgoing,
    close() {
      outgoing.finish();
      for (const statement of [
        begin,
        commit,
        insertEntry,
        insertRecount,
        insertHead,
        insertIntent,
        removeIntent,
        moveHead,
        readHead,
      ])
        statement.finalize();
      db.close();
      slot.release();
    },
  };
  // From here on a commit does not wait for other processes: it says so, and the event loop goes on.
  db.run("PRAGMA busy_timeout = 0");
  return chest;
}

/** Each slot has numbers of its own, so that no process takes another's intent for its own. */
function createNumbers(db: Database, slot: number): () => number {
  const last = db.query<{ number: number | null }, []>("select max(number) as number from ledger_intents").get();
  let number = (Math.floor((last?.number ?? 0) / MAX_SLOTS) + 1) * MAX_SLOTS + slot;
  return () => (number += MAX_SLOTS);
}

/** What of the file is on its way to another database. */
function openOutgoing(
  db: Database,
  transact: (work: () => void) => void,
): Pick<Chest, "countBytes" | "countWaiting" | "drop" | "take"> & { finish(): void } {
  const { db: orm, release } = toDb(db);
  const take = (limit: number): Shipment => {
    // First, for rows come in meanwhile where another process writes here too.
    const chains = runNow(orm.select().from(ledgerChains));
    const parts = chains.map((chain) => takeChain(orm, chain, limit));
    const unchained = runNow(orm.select().from(ledgerEntries).where(isNull(ledgerEntries.chain)).limit(limit));
    return {
      entries: [...parts.flatMap(({ entries }) => entries), ...unchained],
      recounts: parts.flatMap(({ recounts }) => recounts),
      heads: parts.flatMap(({ heads }) => heads),
      chains: parts.map(({ chain }) => chain),
    };
  };
  const usage = db.prepare<{ bytes: number }, []>(
    `select (page_count - freelist_count) * page_size as bytes
     from pragma_page_count(), pragma_freelist_count(), pragma_page_size()`,
  );
  return {
    take(limit) {
      try {
        return take(limit);
      } finally {
        release();
      }
    },
    drop({ entries, recounts, heads }) {
      const ids = entries.map(({ id }) => id);
      const counted = recounts.map(({ entryId }) => entryId);
      const signed = heads.map(({ id }) => id);
      transact(() => {
        runNow(orm.delete(ledgerEntries).where(inArray(ledgerEntries.id, ids)));
        runNow(orm.delete(ledgerRecounts).where(inArray(ledgerRecounts.entryId, counted)));
        runNow(orm.delete(ledgerHeads).where(inArray(ledgerHeads.id, signed)));
      });
      release();
    },
    countWaiting() {
      const rows = countRows(orm, ledgerEntries) + countRows(orm, ledgerRecounts);
      release();
      return rows;
    },
    countBytes: () => usage.get()?.bytes ?? 0,
    finish: () => usage.finalize(),
  };
}

function countRows(orm: Db, table: typeof ledgerEntries | typeof ledgerRecounts): number {
  return runNow(orm.select({ rows: count() }).from(table as typeof ledgerEntries))[0]?.rows ?? 0;
}

type StoredChain = Shipment["chains"][number];

/**
 * The next rows of a chain without a gap between them, its heads up to there, and the chain as it is with them: whoever reads the
 * other database finds no end that its rows have not reached.
 */
function takeChain(orm: Db, chain: StoredChain, limit: number) {
  const { chain: name } = chain;
  const ofEntries = orm.select().from(ledgerEntries).where(eq(ledgerEntries.chain, name));
  const ofRecounts = orm.select().from(ledgerRecounts).where(eq(ledgerRecounts.chain, name));
  const entries = runNow(ofEntries.orderBy(asc(ledgerEntries.seq)).limit(limit));
  const recounts = runNow(ofRecounts.orderBy(asc(ledgerRecounts.seq)).limit(limit));
  const reach = (rows: readonly { seq: number | null }[]): number =>
    rows.length < limit ? Number.MAX_SAFE_INTEGER : (rows.at(-1)?.seq ?? 0);
  const end = Math.min(reach(entries), reach(recounts));
  const isNext = ({ seq }: { seq: number | null }): boolean => seq !== null && seq <= end;
  const taken = { entries: entries.filter(isNext), recounts: recounts.filter(isNext) };
  const last = [...taken.entries, ...taken.recounts]
    .toSorted((left, right) => (left.seq ?? 0) - (right.seq ?? 0))
    .at(-1);
  const { seq, hash } = last ?? chain;
  const upTo = and(eq(ledgerHeads.chain, name), lte(ledgerHeads.seq, seq ?? 0));
  const heads = runNow(orm.select().from(ledgerHeads).where(upTo).limit(limit));
  return { ...taken, heads, chain: { ...chain, seq: seq ?? 0, hash: hash ?? "" } };
}
