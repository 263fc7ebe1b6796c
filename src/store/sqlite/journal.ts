// The local file that the books are written to first: rows, intents and the head of the chain in one commit. Knows no ledger rule.

import { Database } from "bun:sqlite";
import { and, asc, count, eq, inArray, isNull, lte } from "drizzle-orm";
import type { Committed, Head, JournalBatch, OpenIntent, SealedEntry, SealedRecount } from "../../ledger/index.ts";
import { ANY_DATABASE, explainStoreError } from "../error.ts";
import type { Db } from "../engine.ts";
import type { Chest, JournalOptions, Shipment } from "../journal.ts";
import { openChain } from "./chain.ts";
import { prepareInsert } from "./insert.ts";
import { runNow, toDb } from "./query.ts";
import { ledgerChains, ledgerEntries, ledgerHeads, ledgerIntents, ledgerRecounts } from "./schema.ts";
import { claimSlot, trySlot } from "./slot.ts";

const BUSY_TIMEOUT_MS = 5000;
const SYNCHRONOUS = { process: "NORMAL", disk: "FULL" } as const;

/** The file is there and its tables are up to date. Throws a GatewayError that names it. */
export function openJournal({ location, durability, ...options }: JournalOptions): Chest {
  const slot = claimSlot(location);
  let db: Database | undefined;
  try {
    db = new Database(location, { create: false, readwrite: true });
    db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    db.run(`PRAGMA synchronous = ${SYNCHRONOUS[durability]}`);
    const chain = openChain(db, slot.number, options);
    return assemble(db, { ...chain, abandoned: findAbandoned(db, location, slot.number), close: slot.release });
  } catch (error) {
    db?.close();
    slot.release();
    throw explainStoreError(error, location);
  }
}

/** Intents of this slot, and of others that nobody holds any more. */
function findAbandoned(db: Database, location: string, slot: number): OpenIntent[] {
  const { db: orm, release } = toDb(db);
  const rows = runNow(
    orm
      .select({ number: ledgerIntents.number, body: ledgerIntents.body, slot: ledgerChains.slot })
      .from(ledgerIntents)
      .innerJoin(ledgerChains, eq(ledgerChains.chain, ledgerIntents.chain))
      .orderBy(asc(ledgerIntents.number)),
  );
  release();
  const free = new Map<number, boolean>([[slot, true]]);
  for (const other of new Set(rows.map((row) => row.slot))) {
    if (free.has(other)) continue;
    const taken = trySlot(location, other);
    free.set(other, taken !== null);
    taken?.release();
  }
  return rows.filter((row) => free.get(row.slot)).map(({ number, body }) => ({ number, body }));
}

type Found = Pick<Chest, "abandoned" | "beginning" | "close" | "continues" | "head" | "lastHead">;

function assemble(db: Database, { close, ...found }: Found): Chest {
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const insertEntry = prepareInsert<SealedEntry>(db, ledgerEntries);
  const insertRecount = prepareInsert<SealedRecount>(db, ledgerRecounts);
  const insertHead = prepareInsert<Head & { id: string }>(db, ledgerHeads);
  const insertIntent = db.prepare<unknown, [string, string]>("insert into ledger_intents (chain, body) values (?, ?)");
  const removeIntent = db.prepare<unknown, [number]>("delete from ledger_intents where number = ?");
  const moveHead = db.prepare<unknown, [number, string, string]>(
    "update ledger_chains set seq = ?, hash = ? where chain = ?",
  );

  const write = (batch: JournalBatch): Committed => {
    for (const entry of batch.entries) if (!insertEntry.run(entry)) return { duplicate: entry.id };
    for (const recount of batch.recounts) if (!insertRecount.run(recount)) return { duplicate: recount.entryId };
    const { chain, seq, hash } = batch.head;
    const numbers = batch.intents.map((body) => Number(insertIntent.run(chain, body).lastInsertRowid));
    for (const number of batch.over) removeIntent.run(number);
    moveHead.run(seq, hash, chain);
    return { numbers };
  };

  const transact = <T extends object | void>(work: () => T): T => {
    try {
      begin.run();
      const result = work();
      // What is not committed is undone below.
      if (typeof result !== "object" || !("duplicate" in result)) commit.run();
      return result;
    } catch (error) {
      throw explainStoreError(error, ANY_DATABASE);
    } finally {
      if (db.inTransaction) db.run("ROLLBACK");
    }
  };

  return {
    ...found,
    commit: (batch) => transact(() => write(batch)),
    keepHead: (signed) =>
      transact(() => {
        insertHead.run(signed);
      }),
    ...openOutgoing(db, transact),
    close() {
      for (const statement of [
        begin,
        commit,
        insertEntry,
        insertRecount,
        insertHead,
        insertIntent,
        removeIntent,
        moveHead,
      ])
        statement.finalize();
      db.close();
      close();
    },
  };
}

/** What of the file is on its way to another database. */
function openOutgoing(
  db: Database,
  transact: (work: () => void) => void,
): Pick<Chest, "countWaiting" | "drop" | "take"> {
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
    countWaiting: () => countRows(orm, ledgerEntries) + countRows(orm, ledgerRecounts),
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
