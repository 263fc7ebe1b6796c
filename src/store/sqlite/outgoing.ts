// What of a SQLite file is on its way to another database. Knows no journal and no network.

import type { Database } from "bun:sqlite";
import { and, count, eq, inArray, lte, type SQL, sql } from "drizzle-orm";
import type { Db } from "../engine.ts";
import type { Parcel, Piece, Shipment } from "../shipper.ts";
import { openParcels, type ParcelDesk } from "./parcel.ts";
import { runNow, toDb } from "./query.ts";
import { ledgerChains, ledgerEntries, ledgerHeads, ledgerRecounts, ledgerRefused } from "./schema.ts";

export interface Outgoing {
  /** The oldest of what lies there; without what is refused. */
  take(limit: number): Shipment;
  /** It has arrived. */
  drop(shipment: Shipment): void;
  /** Rows that lie there and are not refused. */
  countWaiting(): number;
  countRefused(): number;
  /** What the file is worth, without the pages in it that are free again. */
  countBytes(): number;
  finalize(): void;
}

export function openOutgoing(db: Database, transact: (work: () => void) => void): Outgoing {
  const { db: orm, release } = toDb(db);
  const usage = db.prepare<{ bytes: number }, []>(
    `select (page_count - freelist_count) * page_size as bytes
     from pragma_page_count(), pragma_freelist_count(), pragma_page_size()`,
  );
  /** At the end no statement is left open. */
  const released = <T>(work: () => T): T => {
    try {
      return work();
    } finally {
      release();
    }
  };
  const countRefused = (): number => released(() => countRows(orm, ledgerRefused));
  const parcels = openParcels(db);
  return {
    take: (limit) => released(() => take({ orm, parcels }, limit)),
    drop({ entries, recounts, heads }) {
      const signed = heads.map(({ id }) => id);
      released(() =>
        transact(() => {
          for (const parcel of entries) parcels.drop(parcel);
          for (const parcel of recounts) parcels.drop(parcel);
          if (signed.length > 0) runNow(orm.delete(ledgerHeads).where(inArray(ledgerHeads.id, signed)));
        }),
      );
    },
    countWaiting: () =>
      released(
        () =>
          countRows(orm, ledgerEntries, isTaken("entry", ledgerEntries.id)) +
          countRows(orm, ledgerRecounts, isTaken("recount", ledgerRecounts.entryId)),
      ),
    countRefused,
    countBytes: () => usage.get()?.bytes ?? 0,
    finalize() {
      usage.finalize();
      parcels.finalize();
    },
  };
}

function countRows(
  orm: Db,
  table: typeof ledgerEntries | typeof ledgerRecounts | typeof ledgerRefused,
  where?: SQL,
): number {
  const rows = orm.select({ rows: count() }).from(table as typeof ledgerEntries);
  return runNow(rows.where(where))[0]?.rows ?? 0;
}

/** Looked up by the database: refused ones may be more than a statement is given values. */
function isTaken(
  kind: Piece["kind"],
  id: typeof ledgerChains.chain | typeof ledgerEntries.id | typeof ledgerHeads.id | typeof ledgerRecounts.entryId,
): SQL {
  return sql`not exists (select 1 from ${ledgerRefused} where ${ledgerRefused.id} = ${`${kind}/`} || ${id})`;
}

interface Desk {
  orm: Db;
  parcels: ParcelDesk;
}

function take(desk: Desk, limit: number): Shipment {
  // First, for rows come in meanwhile where another process writes here too.
  const chains = runNow(desk.orm.select().from(ledgerChains));
  const isKnown = isTaken("chain", ledgerChains.chain);
  const known = runNow(desk.orm.select({ chain: ledgerChains.chain }).from(ledgerChains).where(isKnown));
  const names = new Set(known.map(({ chain }) => chain));
  const parts = chains.map((chain) => takeChain(desk, chain, limit));
  return {
    entries: [...parts.flatMap(({ entries }) => entries), ...desk.parcels.take("entry", null, limit)],
    recounts: parts.flatMap(({ recounts }) => recounts),
    heads: parts.flatMap(({ heads }) => heads),
    chains: parts.flatMap(({ chain }) => (names.has(chain.chain) ? [chain] : [])),
  };
}

type StoredChain = Shipment["chains"][number];

/**
 * The next rows of a chain without a gap between them but for what is refused, its heads up to there, and the chain as it is with them: whoever
 * reads the other database finds no end that its rows have not reached.
 */
function takeChain({ orm, parcels }: Desk, chain: StoredChain, limit: number) {
  const { chain: name } = chain;
  const entries = parcels.take("entry", name, limit);
  const recounts = parcels.take("recount", name, limit);
  const reach = (rows: readonly Parcel[]): number =>
    rows.length < limit ? Number.MAX_SAFE_INTEGER : (rows.at(-1)?.seq ?? 0);
  const end = Math.min(reach(entries), reach(recounts));
  const isNext = ({ seq }: Parcel): boolean => seq !== null && seq <= end;
  const taken = { entries: entries.filter(isNext), recounts: recounts.filter(isNext) };
  const ends = [taken.entries.at(-1), taken.recounts.at(-1)].filter((parcel) => parcel !== undefined);
  const last = ends.toSorted((left, right) => (left.seq ?? 0) - (right.seq ?? 0)).at(-1);
  // With nothing left but what is refused, the chain's own end is where its rows have come to.
  const { seq, hash } = last ?? chain;
  const upTo = and(eq(ledgerHeads.chain, name), lte(ledgerHeads.seq, seq ?? 0), isTaken("head", ledgerHeads.id));
  const heads = runNow(orm.select().from(ledgerHeads).where(upTo).limit(limit));
  return { ...taken, heads, chain: { ...chain, seq: seq ?? 0, hash: hash ?? "" } };
}
