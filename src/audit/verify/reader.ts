// What a verification needs of a database: rows as attested bytes, in the order of their chain. Fulfilled by store/; knows no SQL.

import type { ChainHead, Head, PayloadColumns, PayloadState } from "../../ledger/index.ts";

/** The tables whose rows share the sequence of a chain. */
export type ChainTable = "ledger_entries" | "ledger_recounts";

/** What of a row is attested, and how. */
export interface ChainRules {
  /** Columns of each table, in the order of RFC 8785. */
  fields: Readonly<Record<ChainTable, readonly string[]>>;
  /** Of the attested bytes. */
  digest(bytes: Uint8Array | string): string;
  judgePayload(columns: PayloadColumns): PayloadState;
}

/** A chain, by its own word. */
export interface ChainState extends ChainHead {
  keyId: string;
  publicKey: string;
  startedAt: Date;
  continues: string | null;
}

/** What is kept beside a chain, and attested by nothing: what it says is held against what is signed. */
export interface ChainMark {
  chain: string;
  /** Rows up to here are in the sums. */
  seq: number;
  /** Up to here the hashes of payloads are gone by age. */
  hashesSeq: number;
  /** Rows that are gone by age were all from before this moment; null where none is. */
  removedBefore: Date | null;
}

export interface StoredHead extends Head {
  id: string;
}

export interface RawRow {
  table: ChainTable;
  seq: number;
  hash: string | null;
  /** Of the attested bytes, as `digestRow` makes it. */
  digest: string;
  payload: PayloadState;
}

/** A row that is worth a second look. */
export interface NamedRow extends RawRow {
  id: string;
  /** The attested bytes, as `encodeRow` makes them. */
  text: string;
}

export interface Extent {
  rows: number;
  /** 0 where there is no row. */
  least: number;
  most: number;
}

export interface RowRange {
  chain: string;
  /** Exclusive. */
  after: number;
  /** Inclusive. */
  through: number;
}

/** A row that stands in no order. */
export interface LooseRow {
  table: ChainTable;
  id: string;
  chain: string | null;
  createdAt: Date;
}

/** Reads only. */
export interface ChainReader {
  chains(): Promise<ChainState[]>;
  /** Chains of which something is said to be summed up, or to have gone by age. */
  marked(): Promise<string[]>;
  /** Of that chain; null where nothing of it was summed up, or went by age, so far. */
  mark(chain: string): Promise<ChainMark | null>;
  /** In the order of their places, and of their time at one place. */
  heads(chain: string): Promise<StoredHead[]>;
  extent(chain: string): Promise<Extent>;
  /** First and last place of rows whose request arrived in that time; null where there is none. */
  window(chain: string, from: Date | null, to: Date | null): Promise<{ least: number; most: number } | null>;
  /** The hash that stands in the row of that place; null where there is none. */
  link(chain: string, seq: number): Promise<string | null>;
  /** In the order of `seq`, some at a time. They are read quickly: where they do not give the hash, `recheck` has the last word. */
  rows(table: ChainTable, range: RowRange): AsyncIterable<RawRow[]> | Iterable<RawRow[]>;
  /** The row at that place, made with care. */
  recheck(table: ChainTable, chain: string, seq: number): Promise<NamedRow | null>;
  /** Rows of chains without a place, of chains that nobody knows, and of none though chains had begun; at most `limit`. */
  loose(limit: number): Promise<LooseRow[]>;
  /** How many calls are of before there was a chain. */
  unchained(): Promise<number>;
  close(): Promise<void>;
}
