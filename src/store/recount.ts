// Calls with their corrections and recounts as they lie on the books, in order, a page at a time. Knows no tokenizer.

import { and, asc, desc, eq, gt, inArray, lt } from "drizzle-orm";
import type { AuditedCall, PastRecount } from "../audit/index.ts";
import type { LedgerFilter, SealedEntry } from "../ledger/index.ts";
import type { Engine } from "./engine.ts";
import { toConditions } from "./ledger.ts";

export interface RecountStore {
  /** Oldest first, from after `cursor` on, in bounded memory. */
  calls(filter: LedgerFilter, cursor?: string | null): AsyncGenerator<AuditedCall>;
  /** The latest calls whose figures lay within our bounds, oldest first. */
  past(limit: number): AsyncGenerator<PastRecount>;
}

const PAGE_ROWS = 250;

/** `arrive` waits for rows that this process has written and that are still on their way. */
export function createRecountStore(engine: Engine, arrive: () => Promise<void>): RecountStore {
  const { ledgerEntries: entries, ledgerRecounts: recounts } = engine.schema;

  const readPage = (filter: LedgerFilter, after: string | null) =>
    engine.read((db) =>
      db
        .select({ entry: entries, recount: recounts })
        .from(entries)
        .leftJoin(recounts, eq(recounts.entryId, entries.id))
        .where(
          and(
            after === null ? undefined : gt(entries.id, after),
            eq(entries.kind, "call"),
            ...toConditions(engine, filter),
          ),
        )
        .orderBy(asc(entries.id))
        .limit(PAGE_ROWS),
    );

  const readCorrections = (ids: readonly string[]): Promise<SealedEntry[]> =>
    engine.read((db) =>
      db
        .select()
        .from(entries)
        .where(inArray(entries.corrects, [...ids])),
    );

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
    async *calls(filter, cursor = null) {
      await arrive();
      for (let after = cursor; ;) {
        const page = await readPage(filter, after);
        const corrections = page.length === 0 ? [] : await readCorrections(page.map(({ entry }) => entry.id));
        for (const { entry, recount } of page) {
          yield {
            entry: correct(
              entry,
              corrections.filter(({ corrects }) => corrects === entry.id),
            ),
            recount,
          };
        }
        if (page.length < PAGE_ROWS) return;
        after = page.at(-1)?.entry.id ?? null;
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
