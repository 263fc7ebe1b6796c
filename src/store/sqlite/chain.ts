// The chain that a writing process goes on with, or begins. Knows no row.

import type { Database } from "bun:sqlite";
import { randomBytes } from "node:crypto";
import { and, desc, eq } from "drizzle-orm";
import type { ChainHead, Head, HeadReason } from "../../ledger/index.ts";
import type { ChainOrigin } from "../journal/segment.ts";
import type { Db } from "../engine.ts";
import { isPlaceTaken } from "../error.ts";
import { runNow, toDb } from "./query.ts";
import { ledgerChains, ledgerEntries, ledgerHeads, ledgerRecounts } from "./schema.ts";
import { canonicalize } from "../../lib/canonical-json.ts";

type LastHead = Pick<Head, "chain" | "hash" | "reason" | "seq">;

export interface ChainOptions {
  /** Who signs the chain's heads. */
  key: { id: string; publicKey: string };
  /** The newest head of a chain that was kept elsewhere, too. */
  findHead: (chain: string) => LastHead | null;
  /** How far the chain has come where its rows go on to; missing where that is nowhere, or not known. */
  findArrived?: ((chain: string) => ChainHead | null) | undefined;
  now: Date;
}

export interface OpenedChain {
  /** Where it stands. */
  head: ChainHead;
  origin: ChainOrigin;
  /** Why a new chain began, if one did: there was none, the key is another, rows were missing that had been signed, or others write it. */
  beginning: "first" | "new_key" | "none" | "rewound";
  /** The newest signed head of the chain that is known; null where there is none. */
  lastHead: LastHead | null;
}

const KEY_PREFIX = 16;

/** The slot's chain, as far as this key made it and all is there that was signed; else a new one, which says what it goes on from. */
export function openChain(db: Database, slot: number, options: ChainOptions): OpenedChain {
  const { db: orm, release } = toDb(db);
  try {
    const ofSlot = orm.select().from(ledgerChains).where(eq(ledgerChains.slot, slot));
    const [last] = runNow(ofSlot.orderBy(desc(ledgerChains.startedAt)).limit(1));
    const { key, now } = options;
    const isWhole = last !== undefined && Number.isSafeInteger(last.seq) && last.seq >= 0;
    if (isWhole && last.keyId === key.id) {
      const { chain, seq, hash } = last;
      const lastHead = findLastHead(orm, chain, options.findHead);
      const arrived = options.findArrived?.(chain) ?? null;
      const isLost = isRewound(orm, { chain, seq, hash }, lastHead) || isBehind({ seq, hash }, arrived);
      if (!isLost && !hasTaken(db, chain)) {
        const origin = { ...last, startedAt: last.startedAt.getTime() };
        return { head: { chain, seq, hash }, origin: pickOrigin(origin), lastHead, beginning: "none" };
      }
    }
    const head = { chain: `${key.id.slice(0, KEY_PREFIX)}-${randomBytes(6).toString("hex")}`, seq: 0, hash: "" };
    const before = !isWhole ? {} : { chain: last.chain, seq: last.seq, hash: last.hash };
    const continues = canonicalize({ ...before, startedAt: now });
    const row = { ...head, slot, keyId: key.id, publicKey: key.publicKey, startedAt: now, continues };
    runNow(orm.insert(ledgerChains).values(row));
    const origin = pickOrigin({ ...row, startedAt: now.getTime() });
    return { head, origin, lastHead: null, beginning: nameBeginning(last?.keyId, key.id) };
  } finally {
    release();
  }
}

function pickOrigin({ chain, slot, keyId, publicKey, startedAt, continues }: ChainOrigin): ChainOrigin {
  return { chain, slot, keyId, publicKey, startedAt, continues };
}

/** The name of the slot's chain; null where it has none. */
export function findChain(db: Database, slot: number): string | null {
  const { db: orm, release } = toDb(db);
  try {
    const ofSlot = orm.select({ chain: ledgerChains.chain }).from(ledgerChains).where(eq(ledgerChains.slot, slot));
    return runNow(ofSlot.orderBy(desc(ledgerChains.startedAt)).limit(1))[0]?.chain ?? null;
  } finally {
    release();
  }
}

function nameBeginning(before: string | undefined, now: string): OpenedChain["beginning"] {
  if (before === undefined) return "first";
  return before === now ? "rewound" : "new_key";
}

function findLastHead(orm: Db, chain: string, findHead: ChainOptions["findHead"]): LastHead | null {
  const { hash, reason, seq } = ledgerHeads;
  const ofChain = orm.select({ hash, reason, seq }).from(ledgerHeads).where(eq(ledgerHeads.chain, chain));
  const [row] = runNow(ofChain.orderBy(desc(seq), desc(ledgerHeads.signedAt)).limit(1));
  const stored = row === undefined ? null : { chain, hash: row.hash, seq: row.seq, reason: row.reason as HeadReason };
  const kept = findHead(chain);
  return kept !== null && kept.seq > (stored?.seq ?? -1) ? kept : stored;
}

/**
 * A copy of earlier books was put in the place of the present ones, or rows were taken off their end; also where others have taken their place
 * since, from the journal.
 */
function isRewound(orm: Db, { chain, seq, hash }: ChainHead, last: LastHead | null): boolean {
  if (last === null || last.seq === 0) return false;
  if (last.seq >= seq) return last.seq > seq || last.hash !== hash;
  const link = findLink(orm, chain, last.seq);
  return link !== null && link !== last.hash;
}

/** Rows of the chain are where they go on to that are not known here: these places are taken. */
function isBehind({ seq, hash }: Omit<ChainHead, "chain">, arrived: ChainHead | null): boolean {
  return arrived !== null && (arrived.seq > seq || (arrived.seq === seq && arrived.hash !== hash));
}

/** Others write the same chain, and rows of it were refused for that: even where its end is our own, so is not all before it. */
function hasTaken(db: Database, chain: string): boolean {
  const ofChain = (table: string, key: string, kind: string): string =>
    `select ledger_refused.reason from ledger_refused join ${table} on ${key} = substr(ledger_refused.id, ${kind.length + 2})
     where ledger_refused.id like '${kind}/%' and chain = ?1`;
  const query = db.prepare<{ reason: string }, [string]>(
    `${ofChain("ledger_entries", "ledger_entries.id", "entry")} union all ${ofChain("ledger_recounts", "entry_id", "recount")}`,
  );
  try {
    return query.all(chain).some(({ reason }) => isPlaceTaken(reason));
  } finally {
    query.finalize();
  }
}

function findLink(orm: Db, chain: string, seq: number): string | null {
  for (const table of [ledgerEntries, ledgerRecounts] as (typeof ledgerEntries)[]) {
    const at = and(eq(table.chain, chain), eq(table.seq, seq));
    const [row] = runNow(orm.select({ hash: table.hash }).from(table).where(at).limit(1));
    if (row !== undefined) return row.hash;
  }
  return null;
}
