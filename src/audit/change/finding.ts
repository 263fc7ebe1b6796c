// What can be wrong with a record of changes, each with a sentence for people. Finds nothing itself.

export type ChangeFindingKind =
  | "altered"
  | "chain_altered"
  | "chain_missing"
  | "hash_replaced"
  | "head_altered"
  | "head_missing"
  | "inserted"
  | "key_unknown"
  | "moved"
  | "removed"
  | "rewritten"
  | "truncated";

export interface ChangeFinding {
  kind: ChangeFindingKind;
  /** Which database. */
  place: string;
  chain: string | null;
  /** Of the row or head; null where there is none any more, or there are many. */
  id: string | null;
  /** First place, and last. */
  seq: number | null;
  toSeq: number | null;
  text: string;
}

/** `Row 5 is`, `Rows 5 to 9 are`. */
export function nameChanges(from: number, to: number): string {
  return from === to ? `Row ${from} is` : `Rows ${from} to ${to} are`;
}
