// Rows of chains and heads as a database gives them, made ready for those who verify. Knows no SQL.

import type { ChainMark, ChainState, ChainTable, LooseRow, StoredHead } from "../audit/verify/reader.ts";
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
  const seq = Number(row.seq);
  return {
    chain: toText(row.chain),
    // What is no place at all must not pass for any: compared with NaN, nothing is ever missing.
    seq: Number.isSafeInteger(seq) && seq >= 0 ? seq : NO_PLACE,
    hash: toText(row.hash),
    keyId: toText(row.key_id),
    publicKey: toText(row.public_key),
    startedAt: toMoment(row.started_at),
    continues: row.continues,
  };
}

const NO_PLACE = -1;

/** SQLite keeps what is none of its column's kind. */
function toText(value: unknown): string {
  return typeof value === "string"
    ? value
    : `!${value instanceof Uint8Array ? Buffer.from(value).toString("hex") : String(value)}`;
}

/** Parts of a millisecond are none of ours, and may not be lost. */
function toMoment(value: Date | number | string): Date {
  return new Date(typeof value === "number" && !Number.isInteger(value) ? Number.NaN : value);
}

export interface MarkRow {
  chain: string;
  seq: number | string;
  hashes_seq: number | string;
  removed_before: Date | number | string | null;
}

export function toMark({ chain, seq, hashes_seq: hashesSeq, removed_before: moment }: MarkRow): ChainMark {
  return {
    chain,
    seq: Number(seq),
    hashesSeq: Number(hashesSeq),
    removedBefore: moment === null ? null : toMoment(moment),
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
    signedAt: toMoment(row.signed_at),
    previous: row.previous ?? null,
    publicKey: row.public_key,
    signature: row.signature,
  };
}

type Ask = <T>(sql: string, values: (number | string)[]) => Promise<T[]> | T[];

interface Search {
  ask: Ask;
  /** `?1` or `$1`. */
  mark: string;
  /** Column of the id. */
  id: string;
  /** What a place of a chain's order is not; each an index's own range. */
  outside: readonly string[];
  limit: number;
}

/**
 * Rows of no order. By the index on chain and place: names of chains are leapt over, for there are few of them and many rows.
 */
export async function findLoose(table: ChainTable, { ask, mark, id, outside, limit }: Search): Promise<LooseRow[]> {
  const columns = `${id} as id, chain, created_at as at`;
  const found: { id: string; chain: string | null; at: Date | number }[] = [];
  const known = new Set(
    (await ask<{ chain: string }>("select chain from ledger_chains", [])).map(({ chain }) => chain),
  );
  const take = async (condition: string, name: string): Promise<void> => {
    const where = `chain = ${mark} and ${condition} limit ${limit}`;
    found.push(...(await ask<(typeof found)[number]>(`select ${columns} from ${table} where ${where}`, [name])));
  };
  // Every other name comes behind the empty one.
  await take("true", "");
  for (let name = ""; ;) {
    const [next] = await ask<{ chain: string | null }>(
      `select min(chain) as chain from ${table} where chain > ${mark}`,
      [name],
    );
    if (next === undefined || next.chain === null || found.length >= limit) break;
    name = next.chain;
    const conditions = known.has(name) ? outside : ["true"];
    for (const condition of conditions) await take(condition, name);
  }
  const since = "created_at > (select min(started_at) from ledger_chains)";
  found.push(
    ...(await ask<(typeof found)[number]>(
      `select ${columns} from ${table} where chain is null and ${since} limit ${limit}`,
      [],
    )),
  );
  return found.slice(0, limit).map(({ at, ...row }) => ({ ...row, table, createdAt: new Date(at) }));
}

/** Calls of before there was a chain, which nothing attests: rows of none that are not loose. */
export async function countUnchained(ask: Ask): Promise<number> {
  const [found] = await ask<{ rows: number | string }>(
    `select count(*) as rows from ledger_entries where chain is null and created_at <= (select min(started_at) from ledger_chains)`,
    [],
  );
  return Number(found?.rows ?? 0);
}
