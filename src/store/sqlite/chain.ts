// The chain that a writing process goes on with, or begins. Knows no row.

import type { Database } from "bun:sqlite";
import { randomBytes } from "node:crypto";
import { desc, eq } from "drizzle-orm";
import type { ChainHead, HeadReason, Journal } from "../../ledger/index.ts";
import type { Chest, JournalOptions } from "../journal.ts";
import { runNow, toDb } from "./query.ts";
import { ledgerChains, ledgerHeads } from "./schema.ts";
import { canonicalize } from "../../lib/canonical-json.ts";

type Opened = Pick<Chest, "beginning" | "continues" | "head" | "lastHead">;
type LastHead = NonNullable<Journal["lastHead"]>;

const KEY_PREFIX = 16;

/** The slot's chain, as far as this key made it and all is there that was signed; else a new one, which says what it goes on from. */
export function openChain(
  db: Database,
  slot: number,
  options: Omit<JournalOptions, "durability" | "location">,
): Opened {
  const { db: orm, release } = toDb(db);
  try {
    const ofSlot = orm.select().from(ledgerChains).where(eq(ledgerChains.slot, slot));
    const [last] = runNow(ofSlot.orderBy(desc(ledgerChains.startedAt)).limit(1));
    const { key, now } = options;
    if (last !== undefined && last.keyId === key.id) {
      const { chain, seq, hash, continues } = last;
      const lastHead = findLastHead(orm, chain, options.findHead);
      if (!isRewound({ chain, seq, hash }, lastHead)) {
        return { head: { chain, seq, hash }, continues, lastHead, beginning: "none" };
      }
    }
    const head = { chain: `${key.id.slice(0, KEY_PREFIX)}-${randomBytes(6).toString("hex")}`, seq: 0, hash: "" };
    const continues = last === undefined ? null : canonicalize({ chain: last.chain, seq: last.seq, hash: last.hash });
    const row = { ...head, slot, keyId: key.id, publicKey: key.publicKey, startedAt: now, continues };
    runNow(orm.insert(ledgerChains).values(row));
    return { head, continues, lastHead: null, beginning: nameBeginning(last?.keyId, key.id) };
  } finally {
    release();
  }
}

function nameBeginning(before: string | undefined, now: string): Opened["beginning"] {
  if (before === undefined) return "first";
  return before === now ? "rewound" : "new_key";
}

function findLastHead(
  orm: ReturnType<typeof toDb>["db"],
  chain: string,
  findHead: JournalOptions["findHead"],
): LastHead | null {
  const { hash, reason, seq } = ledgerHeads;
  const ofChain = orm.select({ hash, reason, seq }).from(ledgerHeads).where(eq(ledgerHeads.chain, chain));
  const [row] = runNow(ofChain.orderBy(desc(seq), desc(ledgerHeads.signedAt)).limit(1));
  const stored = row === undefined ? null : { chain, hash: row.hash, seq: row.seq, reason: row.reason as HeadReason };
  const kept = findHead(chain);
  return kept !== null && kept.seq > (stored?.seq ?? -1) ? kept : stored;
}

/** A copy of earlier books was put in the place of the present ones, or rows were taken off their end. */
function isRewound({ seq, hash }: ChainHead, last: LastHead | null): boolean {
  return last !== null && (last.seq > seq || (last.seq === seq && last.hash !== hash));
}
