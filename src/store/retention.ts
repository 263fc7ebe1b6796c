// What is deleted when its time is over: captured text, hashes of payloads, and the oldest rows of a chain once they are summed up.
// A little at a time, so that no other writer waits long. Knows no policy and signs nothing.

import { and, asc, desc, eq, gt, gte, inArray, lt, lte, sql } from "drizzle-orm";
import type { Cut, LedgerStore, SumRemains } from "../ledger/index.ts";
import { keepRemains } from "./budget-remains.ts";
import { listChains, readMarks } from "./chain-mark.ts";
import type { ChangeAction, Origin } from "../lib/change.ts";
import { type Note, noteAll } from "./change.ts";
import type { Db, Engine } from "./engine.ts";

type Retention = Pick<LedgerStore, "dropHashes" | "dropPayloads" | "dropRows" | "findCuts" | "findForgets">;

export function createRetention(engine: Engine): Retention {
  const { ledgerPayloads: payloads } = engine.schema;
  return {
    async dropPayloads(before, limit, by) {
      const dropped = await engine.atomic((db) => {
        const old = db
          .select({ id: payloads.entryId })
          .from(payloads)
          .where(lt(payloads.createdAt, before))
          .limit(limit);
        return {
          decisive: db.delete(payloads).where(inArray(payloads.entryId, old)).returning({ id: payloads.entryId }),
          note: noteDrop(by, "retention.payloads", { chain: null, before }),
        };
      });
      return dropped.length;
    },
    findForgets: (before) => engine.snapshot((db) => findAll(engine, db, before, "hashesSeq")),
    dropHashes: (cut, limit, by) => dropHashes(engine, cut, { limit, by }),
    findCuts: (before) => engine.snapshot((db) => findAll(engine, db, before, "seq")),
    dropRows: (cut, limit, sumRemains, by) => dropRows(engine, cut, { limit, by, sumRemains }),
  };
}

async function dropHashes(engine: Engine, cut: Cut, { limit, by }: Piece): Promise<number> {
  const { chain, seq: end } = cut;
  const { ledgerEntries: rows, ledgerMarks: marks } = engine.schema;
  const piece = await engine.snapshot(async (db) => {
    const { hashesSeq: from } = await readMark(engine, db, chain);
    const next = await readChain(engine, db, { chain, after: from, limit });
    return { from, seqs: next.flatMap(({ seq }) => (seq !== null && seq <= end ? [seq] : [])) };
  });
  const to = piece.seqs.at(-1);
  if (to === undefined) return 0;
  await engine.atomic((db) => ({
    before: [
      db
        .update(rows)
        .set({ requestHash: null, responseHash: null, payloadSalt: null })
        .where(and(eq(rows.chain, chain), gt(rows.seq, piece.from), lte(rows.seq, to))),
    ],
    decisive: db
      .insert(marks)
      .values({ chain, seq: 0, hashesSeq: to })
      .onConflictDoUpdate({ target: marks.chain, set: { hashesSeq: to } })
      .returning({ chain: marks.chain }),
    note: noteDrop(by, "retention.hashes", cut),
  }));
  return piece.seqs.length;
}

/** Rows go once they are summed up: the mark `seq` says how far that is. Hashes go from where they went the last time on. */
async function findAll(engine: Engine, db: Db, before: Date, kind: "hashesSeq" | "seq"): Promise<Cut[]> {
  const { ledgerChains } = engine.schema;
  const keys = await db.select({ chain: ledgerChains.chain, keyId: ledgerChains.keyId }).from(ledgerChains);
  const found: Cut[] = [];
  const odd = new Set((await readMarks(engine, db)).flatMap(({ chain, isOdd }) => (isOdd ? [chain] : [])));
  for (const chain of await listChains(engine, db)) {
    // Nobody knows what of it is in the sums.
    if (kind === "seq" && odd.has(chain)) continue;
    const mark = await readMark(engine, db, chain);
    // What sums do not have yet must not go.
    const summed = Math.min(mark.seq, mark.detailSeq, mark.untimedSeq);
    const range = kind === "seq" ? { after: 0, through: summed } : { after: mark.hashesSeq, through: null };
    const cut = await findCut(engine, db, { chain, before, ...range });
    const keyId = keys.find((own) => own.chain === chain)?.keyId ?? null;
    if (cut !== null) found.push({ ...cut, keyId });
  }
  return found;
}

interface CutRange {
  chain: string;
  before: Date;
  /** Exclusive. */
  after: number;
  /** Inclusive; null: all that there are. */
  through: number | null;
}

/** Up to the first row that is not old enough: a late row's turn comes when those before it have had theirs. */
async function findCut(engine: Engine, db: Db, range: CutRange): Promise<Omit<Cut, "keyId"> | null> {
  const { chain, before, after, through } = range;
  const { ledgerEntries: rows } = engine.schema;
  const ofChain = and(eq(rows.chain, chain), gt(rows.seq, after));
  const oldest = and(ofChain, through === null ? undefined : lte(rows.seq, through));
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
    .orderBy(desc(rows.seq))
    .limit(1);
  if (last === undefined || last.seq === null) return null;
  const [next] = await db
    .select({ seq: rows.seq })
    .from(rows)
    .where(and(ofChain, gt(rows.seq, last.seq)))
    .limit(1);
  return { chain, seq: last.seq, hash: last.hash ?? "", before, isWhole: next === undefined };
}

/** With their recounts and their text; in the order of the chain, so that what is left begins somewhere. */
async function dropRows(
  engine: Engine,
  cut: Cut,
  { limit, by, sumRemains }: Piece & { sumRemains: SumRemains },
): Promise<number> {
  const { chain, seq: end, before } = cut;
  const { ledgerEntries: rows, ledgerMarks: marks, ledgerPayloads: payloads, ledgerRecounts: recounts } = engine.schema;
  const next = await engine.snapshot((db) => readChain(engine, db, { chain, after: 0, limit }));
  const piece = next.filter(({ seq }) => (seq ?? 0) <= end);
  const last = piece.at(-1)?.seq ?? null;
  const from = piece[0]?.seq ?? null;
  if (last === null || from === null) return 0;
  const { keep, isOfAll } = await keepRemains(engine, { chain, from, to: last, before }, sumRemains);
  const dropped = await engine.atomic((db) => ({
    before: [
      ...keep(db),
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
      .where(and(eq(rows.chain, chain), lte(rows.seq, last), isOfAll))
      .returning({ id: rows.id }),
    note: noteDrop(by, "retention.rows", cut),
  }));
  return dropped.length;
}

interface Piece {
  limit: number;
  by: Origin | undefined;
}

/** Once for all that goes: the rest of it follows a piece at a time. */
function noteDrop(
  by: Origin | undefined,
  action: ChangeAction,
  { chain, seq, before }: { chain: string | null; seq?: number; before: Date },
): Note<object> | undefined {
  if (by === undefined) return undefined;
  const gone = { olderThan: before, ...(seq === undefined ? {} : { throughSeq: seq }) };
  return noteAll(by, [{ action, subjectKind: "retention", subjectId: chain, before: gone, after: null }]);
}

async function readMark(
  { schema }: Engine,
  db: Db,
  chain: string,
): Promise<Record<"detailSeq" | "hashesSeq" | "seq" | "untimedSeq", number>> {
  const [mark] = await db.select().from(schema.ledgerMarks).where(eq(schema.ledgerMarks.chain, chain));
  return mark ?? { seq: 0, detailSeq: 0, untimedSeq: 0, hashesSeq: 0 };
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
