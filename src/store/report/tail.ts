// The rows of a chain that are in no sum yet, in SQL. Knows no report.

import { and, eq, gt, isNull, or, type SQL, sql } from "drizzle-orm";
import type { Tail } from "../chain-mark.ts";
import type { Schema } from "../schema.ts";

export function beyond(table: Schema["ledgerEntries"], { chain, seq }: Tail): SQL[] {
  return chain === null ? [isNull(table.chain)] : [eq(table.chain, chain), gt(table.seq, seq)];
}

/** Rows of any of them. */
export function matchTails(table: Schema["ledgerEntries"], tails: readonly Tail[]): SQL {
  return sql`coalesce(${or(...tails.map((tail) => and(...beyond(table, tail))))}, false)`;
}
