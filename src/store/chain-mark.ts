// The chains of a database, and how far each is summed up. Knows no sum.

import { gt, isNotNull, min, type SQL, sql } from "drizzle-orm";
import type { Db, Engine } from "./engine.ts";

export interface Mark {
  chain: string;
  seq: number;
  detailSeq: number;
  removedBefore: Date | null;
}

/** How far each chain has been summed up. */
export function readMarks({ schema }: Pick<Engine, "schema">, db: Db): Promise<Mark[]> {
  return db.select().from(schema.ledgerMarks);
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
