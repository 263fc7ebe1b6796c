// The tables of what is on its way to the books, written once for both engines like the others, and used only in the file that a gateway writes to
// itself. Knows no engine.

import type { Kit } from "./postgres/columns.ts";

/** Calls that were announced and not settled, by versions that had no journal beside the file. */
export function defineIntents(kit: Kit) {
  return kit.table("ledger_intents", {
    number: kit.big("number").primaryKey(),
    chain: kit.text("chain").notNull(),
    /** What is known of the row to come, as JSON. */
    body: kit.text("body").notNull(),
  });
}

/** How far the journals are bound, one a slot. */
export function definePlaces(kit: Kit) {
  return kit.table("ledger_places", {
    slot: kit.int("slot").primaryKey(),
    segment: kit.big("segment").notNull(),
    offset: kit.big("bytes").notNull(),
  });
}

/** Rows, signed heads and chains' own rows that a database does not take, whatever is done. */
export function defineRefused(kit: Kit) {
  return kit.table("ledger_refused", {
    /** `entry/id`, `recount/id`, `head/id` or `chain/name`. */
    id: kit.text("id").primaryKey(),
    reason: kit.text("reason").notNull(),
    /** The row as JSON, where it lies nowhere else. */
    body: kit.text("body"),
    refusedAt: kit.time("refused_at").notNull(),
  });
}
