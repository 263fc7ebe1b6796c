// Intents in the file itself, where versions before the journal put them. Knows no ledger rule: whoever asks closes them.

import type { Database } from "bun:sqlite";
import { asc, eq, inArray } from "drizzle-orm";
import type { StoredIntent } from "../../ledger/index.ts";
import { runNow, toDb } from "./query.ts";
import { ledgerChains, ledgerIntents } from "./schema.ts";

export function readIntents(db: Database, slot: number): StoredIntent[] {
  const { db: orm, release } = toDb(db);
  try {
    const rows = runNow(
      orm
        .select({ body: ledgerIntents.body })
        .from(ledgerIntents)
        .innerJoin(ledgerChains, eq(ledgerChains.chain, ledgerIntents.chain))
        .where(eq(ledgerChains.slot, slot))
        .orderBy(asc(ledgerIntents.number)),
    );
    return rows.map(({ body }) => JSON.parse(body) as StoredIntent);
  } finally {
    release();
  }
}

export function dropIntents(db: Database, slot: number): void {
  const { db: orm, release } = toDb(db);
  try {
    const ofSlot = orm.select({ chain: ledgerChains.chain }).from(ledgerChains).where(eq(ledgerChains.slot, slot));
    runNow(orm.delete(ledgerIntents).where(inArray(ledgerIntents.chain, ofSlot)));
  } finally {
    release();
  }
}

/** Slots in whose chains some lie. */
export function listIntentSlots(db: Database): number[] {
  const { db: orm, release } = toDb(db);
  try {
    const slots = orm.selectDistinct({ slot: ledgerChains.slot }).from(ledgerIntents);
    return runNow(slots.innerJoin(ledgerChains, eq(ledgerChains.chain, ledgerIntents.chain))).map(({ slot }) => slot);
  } finally {
    release();
  }
}
