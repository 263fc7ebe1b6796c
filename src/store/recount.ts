// Calls with their corrections and recounts as they lie on the books, in order, a page at a time. Knows no tokenizer.

import { and, desc, eq, inArray, lt } from "drizzle-orm";
import type { AuditedCall, PastRecount } from "../audit/index.ts";
import type { LedgerFilter, SealedEntry } from "../ledger/index.ts";
import { findRemoval } from "./chain-mark.ts";
import type { Engine } from "./engine.ts";
import { type Past, readPage } from "./ledger-page.ts";

export interface RecountStore {
  /** Oldest first, in bounded memory. */
  calls(filter: LedgerFilter): AsyncGenerator<AuditedCall>;
  /** The latest calls whose figures lay within our bounds, oldest first. */
  past(limit: number): AsyncGenerator<PastRecount>;
  /** Rows from before then may be gone by age; null where none are, or none of a time that begins with `from`. */
  removedBefore(from: Date | undefined): Promise<Date | null>;
}

const PAGE_ROWS = 250;

/** `arrive` waits for rows that this process has written and that are still on their way. */
export function createRecountStore(engine: Engine, arrive: () => Promise<void>): RecountStore {
  const { ledgerEntries: entries, ledgerRecounts: recounts } = engine.schema;

  const readRows = (filter: LedgerFilter, past: Past | null) =>
    engine.snapshot(async (db) => {
      const rows = await readPage(engine, db, { filter, past, order: "oldest", most: PAGE_ROWS });
      const ids = rows.flatMap(({ id, kind }) => (kind === "call" ? [id] : []));
      const corrections = await db.select().from(entries).where(inArray(entries.corrects, ids));
      const counted = await db.select().from(recounts).where(inArray(recounts.entryId, ids));
      return { rows, corrections, counted: new Map(counted.map((recount) => [recount.entryId, recount])) };
    });

  const readRecounts = (before: string | null, limit: number): Promise<RecountRow[]> =>
    engine.read((db) =>
      db
        .select({
          id: recounts.entryId,
          provider: entries.provider,
          modelAsked: entries.modelAsked,
          modelServed: entries.modelServed,
          tokenizer: recounts.tokenizer,
          tokenizerVersion: recounts.tokenizerVersion,
          inputTokens: recounts.inputTokens,
          ourOutputTokens: recounts.outputTokens,
          fresh: entries.freshInputTokens,
          read: entries.cacheReadTokens,
          write: entries.cacheWriteTokens,
          outputTokens: entries.outputTokens,
        })
        .from(recounts)
        .innerJoin(entries, eq(entries.id, recounts.entryId))
        .where(and(eq(recounts.verdict, "within"), before === null ? undefined : lt(recounts.entryId, before)))
        .orderBy(desc(recounts.entryId))
        .limit(limit),
    );

  return {
    removedBefore: (from) => findRemoval(engine, from),
    async *calls(filter) {
      await arrive();
      for (let past: Past | null = null; ;) {
        const { rows, corrections, counted } = await readRows(filter, past);
        const byCall = Map.groupBy(corrections, ({ corrects }) => corrects);
        for (const row of rows)
          if (row.kind === "call")
            yield { entry: correct(row, byCall.get(row.id) ?? []), recount: counted.get(row.id) ?? null };
        const last = rows.at(-1);
        if (last === undefined || rows.length < PAGE_ROWS) return;
        past = { at: last.createdAt, id: last.id };
        await breathe();
      }
    },
    async *past(limit) {
      const found: PastRecount[] = [];
      for (let before: string | null = null; found.length < limit;) {
        const page = await readRecounts(before, Math.min(PAGE_ROWS, limit - found.length));
        for (const row of page) found.push(toPast(row));
        before = page.at(-1)?.id ?? null;
        if (page.length < PAGE_ROWS) break;
        await breathe();
      }
      yield* found.toReversed();
    },
  };
}

function toPast(row: RecountRow): PastRecount {
  return {
    provider: row.provider ?? "",
    model: row.modelServed ?? row.modelAsked,
    tokenizer: row.tokenizer ?? "",
    tokenizerVersion: row.tokenizerVersion ?? "",
    ours: { input: row.inputTokens, output: row.ourOutputTokens },
    theirs: {
      input: row.fresh === null ? null : row.fresh + (row.read ?? 0) + (row.write ?? 0),
      output: row.outputTokens,
    },
  };
}

interface RecountRow {
  id: string;
  provider: string | null;
  modelAsked: string;
  modelServed: string | null;
  tokenizer: string | null;
  tokenizerVersion: string | null;
  inputTokens: number | null;
  ourOutputTokens: number | null;
  fresh: number | null;
  read: number | null;
  write: number | null;
  outputTokens: number | null;
}

/** SQLite answers at once, and between two pages others must have their turn. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const ADDED = [
  "cacheReadTokens",
  "cacheWriteTokens",
  "costNanos",
  "freshInputTokens",
  "outputTokens",
  "reasoningTokens",
] as const;

/** The row as it stands after its corrections. */
function correct(entry: SealedEntry, corrections: readonly SealedEntry[]): SealedEntry {
  const corrected = { ...entry };
  for (const correction of corrections) {
    for (const field of ADDED) {
      const delta = correction[field];
      if (delta !== null) corrected[field] = (corrected[field] ?? 0) + delta;
    }
    corrected.priceId = correction.priceId ?? corrected.priceId;
  }
  return corrected;
}
