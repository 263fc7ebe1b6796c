// What is deleted when its time is over: captured text, hashes of payloads, and the oldest rows of a chain once they are summed up.
// A little at a time, so that no other writer waits long. Knows no policy and signs nothing.

import { and, asc, eq, gt, gte, inArray, lt, lte, sql } from "drizzle-orm";
import type { Cut, LedgerStore } from "../ledger/index.ts";
import type { Db, Engine } from "./engine.ts";
import { listChains } from "./report.ts";

type Retention = Pick<LedgerStore, "dropHashes" | "dropPayloads" | "dropRows" | "findCut">;

export function createRetention(engine: Engine): Retention {
  const { ledgerPayloads: payloads } = engine.schema;
  return {
    async dropPayloads(before, limit) {
      const dropped = await engine.atomic((db) => {
        const old = db
          .select({ id: payloads.entryId })
          .from(payloads)
          .where(lt(payloads.createdAt, before))
          .limit(limit);
        return {
          decisive: db.delete(payloads).where(inArray(payloads.entryId, old)).returning({ id: payloads.entryId }),
        };
      });
      return dropped.length;
    },
    dropHashes: (before, limit) => dropHashes(engine, before, limit),
    findCut: (chain, before) => engine.snapshot((db) => findCut(engine, db, chain, before)),
    dropRows: (cut, limit) => dropRows(engine, cut, limit),
  };
}

async function dropHashes(engine: Engine, before: Date, limit: number): Promise<number> {
  const { ledgerEntries: rows, ledgerMarks: marks } = engine.schema;
  const piece = await engine.snapshot((db) => findHashes(engine, db, before, limit));
  if (piece === null) return 0;
  const { chain, from, to, count } = piece;
  await engine.atomic((db) => ({
    before: [
      db
        .update(rows)
        .set({ requestHash: null, responseHash: null, payloadSalt: null })
        .where(and(eq(rows.chain, chain), gt(rows.seq, from), lte(rows.seq, to))),
    ],
    decisive: db
      .insert(marks)
      .values({ chain, seq: 0, hashesSeq: to })
      .onConflictDoUpdate({ target: marks.chain, set: { hashesSeq: to } })
      .returning({ chain: marks.chain }),
  }));
  return count;
}

/** Up to the first row that is not old enough: a late row's turn comes when those before it have had theirs. */
async function findHashes(engine: Engine, db: Db, before: Date, limit: number) {
  for (const chain of await listChains(engine, db)) {
    const { hashesSeq: from } = await readMark(engine, db, chain);
    const next = await readChain(engine, db, { chain, after: from, limit });
    const end = next.findIndex(({ createdAt }) => createdAt >= before);
    const piece = end === -1 ? next : next.slice(0, end);
    const to = piece.at(-1)?.seq ?? null;
    if (to !== null) return { chain, from, to, count: piece.length };
  }
  return null;
}

async function findCut(engine: Engine, db: Db, chain: string, before: Date): Promise<Cut | null> {
  const { ledgerEntries: rows } = engine.schema;
  const mark = await readMark(engine, db, chain);
  const oldest = and(eq(rows.chain, chain), lte(rows.seq, mark.seq));
  const [kept] = await db
    .select({ seq: sql<number>`${rows.seq}`.mapWith(Number) })
    .from(byChain(engine))
    .where(and(oldest, gte(rows.createdAt, before)))
    .orderBy(asc(rows.seq))
    .limit(1);
  const [last] = await db
    .select({ seq: rows.seq, hash: rows.hash })
    .from(rows)
    .where(and(oldest, kept === undefined ? undefined : lt(rows.seq, kept.seq)))
    .orderBy(sql`${rows.seq} desc`)
    .limit(1);
  return last === undefined ? null : { chain, seq: last.seq ?? 0, hash: last.hash ?? "", before };
}

/** With their recounts and their text; in the order of the chain, so that what is left begins somewhere. */
async function dropRows(engine: Engine, { chain, seq: end, before }: Cut, limit: number): Promise<number> {
  const { ledgerEntries: rows, ledgerMarks: marks, ledgerPayloads: payloads, ledgerRecounts: recounts } = engine.schema;
  const next = await engine.snapshot((db) => readChain(engine, db, { chain, after: 0, limit }));
  const piece = next.filter(({ seq }) => (seq ?? 0) <= end);
  const last = piece.at(-1)?.seq ?? null;
  if (last === null) return 0;
  const dropped = await engine.atomic((db) => ({
    before: [
      db.delete(payloads).where(
        inArray(
          payloads.entryId,
          piece.map(({ id }) => id),
        ),
      ),
      db.delete(recounts).where(and(eq(recounts.chain, chain), lte(recounts.seq, last))),
      db.update(marks).set({ removedBefore: before }).where(eq(marks.chain, chain)),
    ],
    decisive: db
      .delete(rows)
      .where(and(eq(rows.chain, chain), lte(rows.seq, last)))
      .returning({ id: rows.id }),
  }));
  return dropped.length;
}

async function readMark({ schema }: Engine, db: Db, chain: string): Promise<{ seq: number; hashesSeq: number }> {
  const [mark] = await db.select().from(schema.ledgerMarks).where(eq(schema.ledgerMarks.chain, chain));
  return mark ?? { seq: 0, hashesSeq: 0 };
}

function readChain(engine: Engine, db: Db, { chain, after, limit }: { chain: string; after: number; limit: number }) {
  const { ledgerEntries: rows } = engine.schema;
  return db
    .select({ id: rows.id, seq: rows.seq, createdAt: rows.createdAt })
    .from(rows)
    .where(and(eq(rows.chain, chain), gt(rows.seq, after)))
    .orderBy(asc(rows.seq))
    .limit(limit);
}

/** Without statistics SQLite would rather sort all newer rows than walk along the chain to the first of them. */
function byChain({ name, schema }: Engine) {
  const table = sql`${schema.ledgerEntries}`;
  return name === "sqlite" ? sql`${table} indexed by ledger_entries_chain` : table;
}
