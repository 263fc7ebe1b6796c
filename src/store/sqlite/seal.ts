// Rows as they become part of a chain in a SQLite file: cleaned, sealed and inserted, one behind the other. Knows no journal and no transaction:
// the caller holds it.

import type { Database } from "bun:sqlite";
import type { BookRules, ChainHead, LineFields } from "../../ledger/index.ts";
import { codeOf } from "../error.ts";
import type { Piece } from "../shipper.ts";
import { prepareInsert } from "./insert.ts";
import { prepareRows } from "./insert-row.ts";
import { ledgerRefused } from "./schema.ts";

export interface Sealed {
  head: ChainHead;
  rows: number;
  /** Ids of rows that were there already. */
  duplicates: string[];
  refused: Refusal[];
}

export interface Refusal {
  /** `entry/id`, `recount/id`, `head/id` or `chain/name`. */
  id: string;
  reason: string;
}

/** What no other try will change, and no other row has to do with. */
const HOPELESS = /^SQLITE_(?:CONSTRAINT_(?:NOTNULL|CHECK|DATATYPE)|MISMATCH|TOOBIG)/u;

/** Rows as lines of the journal. */
export interface Lines {
  lines: readonly string[];
  fields: LineFields;
}

export function prepareSealing(db: Database, rules: Pick<BookRules, "decodeLine" | "sealedFields" | "sealLine">) {
  const rowInsert = prepareRows(db, rules);
  const insertRefused = prepareInsert<Refusal & { body: string | null; refusedAt: Date }>(db, ledgerRefused);

  const decode = (text: string, fields: LineFields): { id: string; type: string; row: object } => {
    const line = rules.decodeLine(text, fields);
    if (line?.type === "entry") return { id: line.entry.id, type: line.type, row: line.entry };
    if (line?.type === "recount") return { id: line.recount.entryId, type: line.type, row: line.recount };
    throw new TypeError("a line that is no row");
  };

  return {
    /** Behind `head`. A row that the file does not take is put aside there, so that it holds up no other. */
    add(head: ChainHead, { lines, fields }: Lines, now: Date): Sealed {
      const sealed: Sealed = { head, rows: 0, duplicates: [], refused: [] };
      for (const line of lines) {
        try {
          const next = rules.sealLine(sealed.head, line, fields);
          if (rowInsert.run(next)) {
            sealed.head = next.head;
            sealed.rows++;
          } else sealed.duplicates.push(decode(line, fields).id);
        } catch (error) {
          const code = codeOf(error);
          if (code.startsWith("SQLITE_") && !HOPELESS.test(code)) throw error;
          const { id, type, row } = decode(line, fields);
          const refusal = { id: `${type}/${id}`, reason: error instanceof Error ? error.message : String(error) };
          insertRefused.run({ ...refusal, body: JSON.stringify(row), refusedAt: now });
          sealed.refused.push(refusal);
        }
      }
      return sealed;
    },
    /** What lies here, and the database that it is on the way to does not take. */
    refuse({ kind, id }: Piece, reason: string, now: Date): Refusal {
      const refusal = { id: `${kind}/${id}`, reason };
      insertRefused.run({ ...refusal, body: null, refusedAt: now });
      return refusal;
    },
    finalize(): void {
      for (const statement of [rowInsert, insertRefused]) statement.finalize();
    },
  };
}
