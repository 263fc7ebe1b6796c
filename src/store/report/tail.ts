// The rows of a chain that are in no sum yet, in SQL. Knows no report.

import { eq, gt, isNull, type SQL } from "drizzle-orm";
import type { Tail } from "../chain-mark.ts";
import type { Schema } from "../schema.ts";

export function beyond(table: Schema["ledgerEntries"], { chain, seq }: Tail): SQL[] {
  return chain === null ? [isNull(table.chain)] : [eq(table.chain, chain), gt(table.seq, seq)];
}
