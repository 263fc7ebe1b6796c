// The few rows that tell how a database is doing, and no more of it. Knows no rule of what they should say.

import { count, sql } from "drizzle-orm";
import type { Engine } from "./engine.ts";

export interface BooksSight {
  chains: { chain: string; keyId: string }[];
  /** Rows and signed heads that this database, or the one beyond it, does not take. */
  refused: number;
  /** Rows on the books; of an outbox, those that are to go on. */
  rows: number;
  /** How far each journal is in the file. */
  places: { slot: number; segment: number; offset: number }[];
}

export function glanceChains({ read, schema }: Engine): Promise<BooksSight["chains"]> {
  const { chain, keyId } = schema.ledgerChains;
  return read((db) => db.select({ chain, keyId }).from(schema.ledgerChains));
}

/** `rows` of a large ledger take long to count: it is asked for of an outbox alone. */
export async function glanceBooks(engine: Engine, countsRows = false): Promise<BooksSight> {
  const { read, schema } = engine;
  const { ledgerEntries, ledgerPlaces, ledgerRefused } = schema;
  const chains = await glanceChains(engine);
  const refused = await read((db) => db.select({ rows: count() }).from(ledgerRefused));
  const isTaken = sql`not exists (select 1 from ${ledgerRefused} where ${ledgerRefused.id} = 'entry/' || ${ledgerEntries.id})`;
  const rows = countsRows ? await read((db) => db.select({ rows: count() }).from(ledgerEntries).where(isTaken)) : [];
  const places = await read((db) =>
    db
      .select({ slot: ledgerPlaces.slot, segment: ledgerPlaces.segment, offset: ledgerPlaces.offset })
      .from(ledgerPlaces),
  );
  return { chains, refused: refused[0]?.rows ?? 0, rows: rows[0]?.rows ?? 0, places };
}

/** Names of the keys that credentials are encrypted with. */
export async function listSealIds({ read, schema }: Engine): Promise<string[]> {
  const { providerSecrets } = schema;
  const rows = await read((db) => db.selectDistinct({ keyId: providerSecrets.keyId }).from(providerSecrets));
  return rows.map(({ keyId }) => keyId);
}
