// The books as auditors read them: many rows in a row, past all filters of the reports. Knows neither exports nor packs.

import { and, asc, count, desc, eq, gt, gte, inArray, isNull, lt, type SQL } from "drizzle-orm";
import type { AuditBooks } from "../audit/index.ts";
import type { Head, HeadReason, SealedEntry, SealedRecount } from "../ledger/index.ts";
import { findRemoval } from "./chain-mark.ts";
import type { Db, Engine, Query } from "./engine.ts";
import { type PageQuery, type Past, readPage } from "./ledger-page.ts";

const PAGE = 1_000;
/** Engines limit how many values a list may hold. */
const IDS = 500;

export function createAuditStore(engine: Engine): AuditBooks {
  const { ledgerEntries: entries, ledgerRecounts: recounts, ledgerChains, ledgerHeads } = engine.schema;
  const readEntries = (where: SQL | undefined, order: SQL, limit: number): Promise<SealedEntry[]> =>
    engine.read((db) => db.select().from(entries).where(where).orderBy(order).limit(limit));
  const readCalls = async (ids: readonly string[]): Promise<SealedEntry[]> => {
    const found: SealedEntry[] = [];
    for (let at = 0; at < ids.length; at += IDS) {
      const some = ids.slice(at, at + IDS);
      const build = (db: Db): Query<SealedEntry[]> => db.select().from(entries).where(inArray(entries.id, some));
      found.push(...(await engine.read(build)));
    }
    return found;
  };
  return {
    async *calls(from, to) {
      for (let past: Past | null = null; ;) {
        const query: PageQuery = { filter: { from, to }, past, order: "oldest", most: PAGE };
        const page = await engine.read((db) => readPage(engine, db, query));
        const calls = page.filter(({ kind }) => kind === "call");
        if (calls.length > 0) yield calls;
        const last = page.at(-1);
        if (last === undefined || page.length < PAGE) return;
        past = { at: last.createdAt, id: last.id };
      }
    },
    chains: () =>
      engine.read((db) =>
        db
          .select({ chain: ledgerChains.chain, publicKey: ledgerChains.publicKey, continues: ledgerChains.continues })
          .from(ledgerChains),
      ),
    async heads(chain, fromSeq, limit) {
      const rows = await engine.read((db) =>
        db
          .select()
          .from(ledgerHeads)
          .where(and(eq(ledgerHeads.chain, chain), gte(ledgerHeads.seq, fromSeq)))
          .orderBy(asc(ledgerHeads.seq), asc(ledgerHeads.id))
          .limit(limit),
      );
      return rows.map(toHead);
    },
    async about(chain, kind, { from, to }, afterSeq) {
      const inTime = and(gte(entries.createdAt, from), lt(entries.createdAt, to));
      if (kind === "recount") {
        const found = await engine.read<{ row: SealedRecount; call: SealedEntry }[]>((db) =>
          db
            .select({ row: recounts, call: entries })
            .from(recounts)
            .innerJoin(entries, eq(entries.id, recounts.entryId))
            .where(and(eq(recounts.chain, chain), gt(recounts.seq, afterSeq), inTime))
            .orderBy(asc(recounts.seq))
            .limit(PAGE),
        );
        return { found, next: findNext(found.map(({ row }) => row)) };
      }
      const ofKind = and(eq(entries.chain, chain), gt(entries.seq, afterSeq), eq(entries.kind, kind));
      const rows = await readEntries(and(ofKind, kind === "call" ? inTime : undefined), asc(entries.seq), PAGE);
      if (kind === "call") return { found: rows.map((row) => ({ row, call: row })), next: findNext(rows) };
      const corrected = await readCalls(rows.flatMap((row) => row.corrects ?? []));
      const byId = new Map(corrected.map((call) => [call.id, call]));
      const found = rows.flatMap((row) => {
        const call = byId.get(row.corrects ?? "");
        return call !== undefined && call.createdAt >= from && call.createdAt < to ? [{ row, call }] : [];
      });
      return { found, next: findNext(rows) };
    },
    removedBefore: () => findRemoval(engine),
    removals: () => engine.snapshot((db) => findRemovals(engine, db)),
    async countUnchained({ from, to }) {
      const inTime = and(gte(entries.createdAt, from), lt(entries.createdAt, to));
      const rows = await engine.read((db) =>
        db
          .select({ rows: count() })
          .from(entries)
          .where(and(isNull(entries.chain), inTime)),
      );
      return rows[0]?.rows ?? 0;
    },
  };
}

async function findRemovals({ schema }: Engine, db: Db): ReturnType<AuditBooks["removals"]> {
  const { ledgerChains: chains, ledgerEntries: entries, ledgerHeads: heads } = schema;
  const found: Awaited<ReturnType<AuditBooks["removals"]>> = [];
  for (const { chain } of await db.select({ chain: chains.chain }).from(chains)) {
    const [cut] = await db
      .select()
      .from(heads)
      .where(and(eq(heads.chain, chain), eq(heads.reason, "cut" satisfies HeadReason)))
      .orderBy(desc(heads.seq))
      .limit(1);
    if (cut === undefined) continue;
    const [kept] = await db
      .select({ createdAt: entries.createdAt })
      .from(entries)
      .where(and(eq(entries.chain, chain), gt(entries.seq, cut.seq)))
      .orderBy(asc(entries.seq))
      .limit(1);
    found.push({ head: toHead(cut), keptFrom: kept?.createdAt ?? null });
  }
  return found;
}

function toHead({ id: _id, reason, ...head }: { id: string; reason: string } & Omit<Head, "reason">): Head {
  return { ...head, reason: reason as HeadReason };
}

function findNext(page: readonly { seq: number | null }[]): number | null {
  return page.length < PAGE ? null : (page.at(-1)?.seq ?? null);
}
