// The local file that the books are written to first: rows, intents and the head of the chain in one commit. Knows no ledger rule.

import { Database } from "bun:sqlite";
import { randomBytes } from "node:crypto";
import { asc, count, desc, eq, inArray, sql } from "drizzle-orm";
import type { ChainHead, Committed, JournalBatch, OpenIntent, SealedEntry, SealedRecount } from "../../ledger/index.ts";
import { canonicalize } from "../../lib/canonical-json.ts";
import { ANY_DATABASE, explainStoreError } from "../error.ts";
import type { Chest, JournalOptions } from "../journal.ts";
import { prepareInsert } from "./insert.ts";
import { runNow, toDb } from "./query.ts";
import { ledgerChains, ledgerEntries, ledgerHeads, ledgerIntents, ledgerRecounts } from "./schema.ts";
import { claimSlot, trySlot } from "./slot.ts";

const BUSY_TIMEOUT_MS = 5000;
const SYNCHRONOUS = { process: "NORMAL", disk: "FULL" } as const;

/** The file is there and its tables are up to date. Throws a GatewayError that names it. */
export function openJournal({ location, durability, key, now }: JournalOptions): Chest {
  const slot = claimSlot(location);
  let db: Database | undefined;
  try {
    db = new Database(location, { create: false, readwrite: true });
    db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    db.run(`PRAGMA synchronous = ${SYNCHRONOUS[durability]}`);
    const head = openChain(db, slot.number, key, now);
    return assemble(db, { head, abandoned: findAbandoned(db, location, slot.number), close: slot.release });
  } catch (error) {
    db?.close();
    slot.release();
    throw explainStoreError(error, location);
  }
}

/** The slot's chain, as far as this key made it; else a new one, which says what it goes on from. */
function openChain(db: Database, slot: number, key: JournalOptions["key"], now: Date): ChainHead {
  const { db: orm, release } = toDb(db);
  const ofSlot = orm.select().from(ledgerChains).where(eq(ledgerChains.slot, slot));
  const [last] = runNow(ofSlot.orderBy(desc(ledgerChains.startedAt)).limit(1));
  const found = last?.keyId === key.id ? { chain: last.chain, seq: last.seq, hash: last.hash } : null;
  const head = found ?? { chain: `${key.id.slice(0, 16)}-${randomBytes(6).toString("hex")}`, seq: 0, hash: "" };
  if (found === null) {
    const continues = last === undefined ? null : canonicalize({ chain: last.chain, seq: last.seq, hash: last.hash });
    const row = { ...head, slot, keyId: key.id, publicKey: key.publicKey, startedAt: now, continues };
    runNow(orm.insert(ledgerChains).values(row));
  }
  release();
  return head;
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

function assemble(db: Database, { head, abandoned, close }: Pick<Chest, "abandoned" | "close" | "head">): Chest {
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const insertEntry = prepareInsert<SealedEntry>(db, ledgerEntries);
  const insertRecount = prepareInsert<SealedRecount>(db, ledgerRecounts);
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
    head,
    abandoned,
    commit: (batch) => transact(() => write(batch)),
    ...openOutgoing(db, transact),
    close() {
      for (const statement of [begin, commit, insertEntry, insertRecount, insertIntent, removeIntent, moveHead])
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
  const oldest = sql`rowid`;
  return {
    take(limit) {
      const shipment = {
        entries: runNow(orm.select().from(ledgerEntries).orderBy(oldest).limit(limit)),
        recounts: runNow(orm.select().from(ledgerRecounts).orderBy(oldest).limit(limit)),
        heads: runNow(orm.select().from(ledgerHeads).orderBy(oldest).limit(limit)),
        chains: runNow(orm.select().from(ledgerChains)),
      };
      release();
      return shipment;
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
    countWaiting: () => runNow(orm.select({ rows: count() }).from(ledgerEntries))[0]?.rows ?? 0,
  };
}
