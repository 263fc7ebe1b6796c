// The chains of a database, and how far each is summed up. Knows no sum.

import { and, eq, gt, isNotNull, min, or, type SQL, sql } from "drizzle-orm";
import { chunk } from "./chunk.ts";
import type { Db, Engine } from "./engine.ts";

export interface Mark {
  chain: string;
  seq: number;
  detailSeq: number;
  untimedSeq: number;
  removedBefore: Date | null;
  /** Somebody damaged it: nobody knows how far the chain is summed up, so that no sum can be believed until all are made anew. */
  isOdd: boolean;
}

/** How far each chain has been summed up. */
export function readMarks({ schema }: Pick<Engine, "schema">, db: Db): Promise<Mark[]> {
  const { chain, seq, detailSeq, untimedSeq, removedBefore } = schema.ledgerMarks;
  const isOdd = sql<boolean>`${IS_ODD}`.mapWith(Boolean);
  return db.select({ chain, seq, detailSeq, untimedSeq, removedBefore, isOdd }).from(schema.ledgerMarks);
}

/** PostgreSQL's, of whoever moves sums; any number that nobody else has taken. */
export const SUMS_LOCK = 7_302_114_589;

export function areSound(marks: readonly Mark[]): boolean {
  return !marks.some(({ isOdd }) => isOdd);
}

/** In the words of both engines. */
const isPlace = (column: string): string =>
  `${column} >= 0 and ${column} <= ${Number.MAX_SAFE_INTEGER} and round(${column}) = ${column}`;
const isReached = (table: string): string =>
  `exists (select 1 from ${table} as own where own.chain = ledger_marks.chain and own.seq >= ledger_marks.seq)`;
const isNowhere = (table: string): string =>
  `not exists (select 1 from ${table} as own where own.chain = ledger_marks.chain)`;
/** What is none, or beyond the chain's end. One of a chain that is nowhere concerns no row. */
export const IS_ODD = sql.raw(
  `((${["seq", "detail_seq", "untimed_seq"].map(isPlace).join(" and ")} and (${isReached("ledger_chains")} or ${isReached("ledger_entries")}))
    or (${isNowhere("ledger_chains")} and ${isNowhere("ledger_entries")})) is not true`,
);

/** As `chooseRemoval`, of what is on the books now. */
export async function findRemoval(engine: Engine, from?: Date): Promise<Date | null> {
  return chooseRemoval(await engine.read((db) => readMarks(engine, db)), from);
}

/** Rows from before then may be gone by age; null where none are, or none of a time that begins with `from`; undefined: it has no beginning. */
export function chooseRemoval(marks: readonly Mark[], from: Date | undefined): Date | null {
  const moments = marks.flatMap(({ removedBefore }) => removedBefore?.getTime() ?? []);
  const latest = Math.max(...moments);
  return latest > (from?.getTime() ?? -Infinity) ? new Date(latest) : null;
}

/** Rows that are in the sums. Written so that rows are looked for by their time. */
export function matchSummed({ schema }: Pick<Engine, "schema">, marks: readonly Mark[]): SQL {
  const { chain, seq } = schema.ledgerEntries;
  if (marks.length === 0) return sql`1 = 0`;
  const cases = marks.map((mark) => sql`when ${mark.chain} then ${mark.seq}`);
  return sql`${seq} <= case ${chain} ${sql.join(cases, sql` `)} else 0 end`;
}

/** Chains that have rows, without reading them all: each is found from the one before. `after`: those whose names come behind that one. */
export async function listChains({ schema }: Engine, db: Db, after?: string): Promise<string[]> {
  const { chain } = schema.ledgerEntries;
  const chains: string[] = [];
  for (;;) {
    const last = chains.at(-1) ?? after;
    const [found] = await db
      .select({ next: min(chain) })
      .from(schema.ledgerEntries)
      .where(last === undefined ? isNotNull(chain) : gt(chain, last));
    if (found?.next === null || found?.next === undefined) return chains;
    chains.push(found.next);
  }
}

/** Where a chain's rows begin and end. */
export interface Ends {
  chain: string;
  first: number;
  last: number;
  /** Of the last one. */
  id: string;
}

/** Of all chains in one question: each is found from the one before. */
export async function listEnds(engine: Pick<Engine, "schema" | "values">, db: Db): Promise<Ends[]> {
  const table = sql`${engine.schema.ledgerEntries} as own`;
  const rows = await engine.values(
    db,
    sql`with recursive named(chain) as (
        select min(own.chain) from ${table}
        union all select (select min(own.chain) from ${table} where own.chain > named.chain) from named where named.chain is not null
      )
      select named.chain, (select min(own.seq) from ${table} where own.chain = named.chain),
        (select max(own.seq) from ${table} where own.chain = named.chain),
        (select own.id from ${table} where own.chain = named.chain order by own.seq desc limit 1)
      from named where named.chain is not null`,
  );
  return rows.map(([chain, first, last, id]) => ({
    chain: String(chain),
    first: Number(first),
    last: Number(last),
    id: String(id),
  }));
}

/** Whether these rows are all there, and bear those ids. */
export async function areThere(
  { schema }: Pick<Engine, "schema">,
  db: Db,
  places: readonly { chain: string; seq: number; id: string }[],
): Promise<boolean> {
  const table = schema.ledgerEntries;
  for (const some of chunk(places)) {
    const found = await db
      .select({ id: table.id })
      .from(table)
      .where(or(...some.map(({ chain, seq }) => and(eq(table.chain, chain), eq(table.seq, seq)))));
    const ids = new Set(found.map(({ id }) => id));
    if (!some.every(({ id }) => ids.has(id))) return false;
  }
  return true;
}

/** Rows of a chain beyond what has been summed up; null: those that have no chain, and are never summed up. */
export interface Tail {
  chain: string | null;
  seq: number;
}

export async function listTails(engine: Engine, db: Db, marks: readonly Mark[]): Promise<Tail[]> {
  const chains = await listChains(engine, db);
  const seqs = new Map(marks.map(({ chain, seq }) => [chain, seq]));
  return [{ chain: null, seq: 0 }, ...chains.map((chain) => ({ chain, seq: seqs.get(chain) ?? 0 }))];
}
