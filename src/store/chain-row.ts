// Rows of chains and heads as a database gives them, made ready for those who verify. Knows no SQL.

import type { ChainState, StoredHead } from "../audit/verify/reader.ts";
import type { HeadReason } from "../ledger/index.ts";

export interface ChainRow {
  chain: string;
  key_id: string;
  public_key: string;
  seq: number | string;
  hash: string;
  started_at: Date | number | string;
  continues: string | null;
}

export function toChain(row: ChainRow): ChainState {
  return {
    chain: row.chain,
    seq: Number(row.seq),
    hash: row.hash,
    keyId: row.key_id,
    publicKey: row.public_key,
    startedAt: new Date(row.started_at),
    continues: row.continues,
  };
}

export interface HeadRow {
  id: string;
  chain: string;
  seq: number | string;
  hash: string;
  reason: string;
  signed_at: Date | number | string;
  previous: string | null;
  public_key: string;
  signature: string;
}

/** Whatever its reason says: a word that is none of ours has no signature that holds. */
export function toHead(row: HeadRow): StoredHead {
  return {
    id: row.id,
    chain: row.chain,
    seq: Number(row.seq),
    hash: row.hash,
    reason: row.reason as HeadReason,
    signedAt: new Date(row.signed_at),
    previous: row.previous ?? null,
    publicKey: row.public_key,
    signature: row.signature,
  };
}
