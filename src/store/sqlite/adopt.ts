// Intents whose process is gone. Knows no ledger rule: whoever asks closes them.

import type { Database } from "bun:sqlite";
import { asc, eq, ne } from "drizzle-orm";
import type { OpenIntent } from "../../ledger/index.ts";
import type { Adopted } from "../journal.ts";
import { runNow, toDb } from "./query.ts";
import { ledgerChains, ledgerIntents } from "./schema.ts";
import { type Slot, trySlot } from "./slot.ts";

export function readIntents(db: Database, slot: number): OpenIntent[] {
  const { db: orm, release } = toDb(db);
  const rows = runNow(
    orm
      .select({ number: ledgerIntents.number, body: ledgerIntents.body })
      .from(ledgerIntents)
      .innerJoin(ledgerChains, eq(ledgerChains.chain, ledgerIntents.chain))
      .where(eq(ledgerChains.slot, slot))
      .orderBy(asc(ledgerIntents.number)),
  );
  release();
  return rows;
}

/** Of all slots but `own` that no process holds. They are held meanwhile, so that nobody else books the same calls. */
export function adoptIntents(db: Database, location: string, own: number): Adopted {
  const { db: orm, release } = toDb(db);
  const others = runNow(
    orm
      .selectDistinct({ slot: ledgerChains.slot })
      .from(ledgerIntents)
      .innerJoin(ledgerChains, eq(ledgerChains.chain, ledgerIntents.chain))
      .where(ne(ledgerChains.slot, own)),
  );
  release();
  const held = others.map(({ slot }) => trySlot(location, slot)).filter((slot): slot is Slot => slot !== null);
  return {
    intents: held.flatMap(({ number }) => readIntents(db, number)),
    release() {
      for (const slot of held) slot.release();
    },
  };
}
