// What can be wrong with a chain, each with a sentence for people. Finds nothing itself.

import type { ChainTable } from "./reader.ts";

export type FindingKind =
  | "altered"
  | "chain_altered"
  | "chain_missing"
  | "hash_replaced"
  | "head_altered"
  | "head_missing"
  | "inserted"
  | "key_replaced"
  | "moved"
  | "payload_altered"
  | "payload_removed"
  | "removed"
  | "renumbered"
  | "rewritten"
  | "sums_altered"
  | "truncated";

export interface Finding {
  kind: FindingKind;
  chain: string | null;
  table:
    | ChainTable
    | "ledger_chains"
    | "ledger_heads"
    | "ledger_hours"
    | "ledger_marks"
    | "ledger_rollups"
    | "tokligence_sheets";
  /** Of the row, as its table has it; null where there is no row any more, or there are many. */
  id: string | null;
  /** First place, and last. */
  seq: number | null;
  toSeq: number | null;
  expected: string | null;
  found: string | null;
  text: string;
}

type Blank = Pick<Finding, "kind" | "text"> & Partial<Finding>;

export function makeFinding(finding: Blank): Finding {
  const { seq = null } = finding;
  return {
    chain: null,
    table: "ledger_entries",
    id: null,
    toSeq: seq,
    expected: null,
    found: null,
    ...finding,
    seq,
  };
}

/** `Row 5 is`, `Rows 5 to 9 are`. */
export function nameRows(from: number, to: number): string {
  return from === to ? `Row ${from} is` : `Rows ${from} to ${to} are`;
}
