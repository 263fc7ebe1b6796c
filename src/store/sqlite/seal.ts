// Rows as they become part of a chain in a SQLite file: cleaned, sealed and inserted, one behind the other. Knows no journal and no transaction:
// the caller holds it.

import type { Database } from "bun:sqlite";
import type { BookRules, ChainHead, LedgerEntry, Recount, SealedEntry, SealedRecount } from "../../ledger/index.ts";
import { codeOf } from "../error.ts";
import { prepareInsert } from "./insert.ts";
import { ledgerEntries, ledgerRecounts, ledgerRefused } from "./schema.ts";

export interface Sealed {
  head: ChainHead;
  rows: number;
  /** Ids of rows that were there already. */
  duplicates: string[];
  refused: Refusal[];
}

export interface Refusal {
  /** `entry/id` or `recount/id`. */
  id: string;
  reason: string;
}

type Row = LedgerEntry | Recount;

/** What no other try will change, and no other row has to do with. */
const HOPELESS = /^SQLITE_(?:CONSTRAINT_(?:NOTNULL|CHECK|DATATYPE)|MISMATCH|TOOBIG)/u;

export function prepareSealing(db: Database, rules: Pick<BookRules, "seal">) {
  const insertEntry = prepareInsert<SealedEntry>(db, ledgerEntries);
  const insertRecount = prepareInsert<SealedRecount>(db, ledgerRecounts);
  const insertRefused = prepareInsert<Refusal & { body: string | null; refusedAt: Date }>(db, ledgerRefused);

  const insert = (row: SealedEntry | SealedRecount): boolean =>
    "entryId" in row ? insertRecount.run(row) : insertEntry.run(row);

  return {
    /** Behind `head`. A row that the file does not take is put aside there, so that it holds up no other. */
    add(head: ChainHead, rows: readonly Row[], now: Date): Sealed {
      const sealed: Sealed = { head, rows: 0, duplicates: [], refused: [] };
      for (const row of rows) {
        const id = "entryId" in row ? row.entryId : row.id;
        try {
          const next = rules.seal(sealed.head, row);
          if (insert(next.row)) {
            sealed.head = next.head;
            sealed.rows++;
          } else sealed.duplicates.push(id);
        } catch (error) {
          const code = codeOf(error);
          if (code.startsWith("SQLITE_") && !HOPELESS.test(code)) throw error;
          const refusal = { id: nameRow(row), reason: error instanceof Error ? error.message : String(error) };
          insertRefused.run({ ...refusal, body: JSON.stringify(row), refusedAt: now });
          sealed.refused.push(refusal);
        }
      }
      return sealed;
    },
    /** A row that lies here, and that the database it is on the way to does not take. */
    refuse(row: SealedEntry | SealedRecount, reason: string, now: Date): Refusal {
      const refusal = { id: nameRow(row), reason };
      insertRefused.run({ ...refusal, body: null, refusedAt: now });
      return refusal;
    },
    finalize(): void {
      for (const statement of [insertEntry, insertRecount, insertRefused]) statement.finalize();
    },
  };
}

export function nameRow(row: Row): string {
  return "entryId" in row ? `recount/${row.entryId}` : `entry/${row.id}`;
}
