// What may be asked of the books: reports, pages, pieces of an export. Runs where the books are read: in a thread
// of its own. Knows no HTTP and no caller.

import {
  type Cut,
  type ExportFormat,
  type LedgerFilter,
  type LedgerStore,
  printExportHead,
  printExportRows,
  sumRemains,
} from "../../ledger/index.ts";
import type { Origin } from "../../lib/change.ts";
import { type Books, createAnswers, type LedgerAnswers } from "./answer.ts";

export interface ExportQuery {
  filter: LedgerFilter;
  format: ExportFormat;
  /** Null: from the beginning. */
  cursor: string | null;
}

export interface ExportPiece {
  bytes: Uint8Array<ArrayBuffer>;
  rows: number;
  /** Null at the end. */
  nextCursor: string | null;
}

export interface LedgerReader
  extends LedgerAnswers, Pick<LedgerStore, "corrections" | "findPayload" | "listUntold" | "page" | "report"> {
  /** Rows as text, oldest first, some at a time: however many there are, no more than a piece is ever held. */
  exportPiece(query: ExportQuery): Promise<ExportPiece>;
}

/** What is done to the books beside requests. */
export interface LedgerUpkeep extends Pick<LedgerStore, UpkeepPart> {
  dropRows(cut: Cut, limit: number, by?: Origin): Promise<number>;
}

type UpkeepPart = "dropHashes" | "dropPayloads" | "findCuts" | "findForgets" | "hasUnsummed" | "putPayloads" | "rollUp";

export function createUpkeep(ledger: LedgerStore): LedgerUpkeep {
  const { dropHashes, dropPayloads, dropRows, findCuts, findForgets, hasUnsummed, putPayloads, rollUp } = ledger;
  return {
    dropHashes,
    dropPayloads,
    dropRows: (cut, limit, by) => dropRows(cut, limit, sumRemains, by),
    findCuts,
    findForgets,
    hasUnsummed,
    putPayloads,
    rollUp,
  };
}

/** A few milliseconds' work: reports may wait for it. */
const EXPORT_ROWS = 250;

export function createReader({ ledger, recounts }: Books): LedgerReader {
  return {
    ...createAnswers({ ledger, recounts }),
    corrections: ledger.corrections,
    findPayload: ledger.findPayload,
    listUntold: ledger.listUntold,
    page: ledger.page,
    report: ledger.report,
    async exportPiece({ filter, format, cursor }) {
      const { entries, nextCursor } = await ledger.readOldest(filter, EXPORT_ROWS, cursor);
      const text = (cursor === null ? printExportHead(format) : "") + printExportRows(format, entries);
      return { bytes: new TextEncoder().encode(text), rows: entries.length, nextCursor };
    },
  };
}

/** All pieces, each made when it is asked for. */
export async function* exportRows(
  reader: LedgerReader,
  { filter, format }: Omit<ExportQuery, "cursor">,
): AsyncGenerator<ExportPiece, void> {
  let cursor: string | null = null;
  do {
    const piece: ExportPiece = await reader.exportPiece({ filter, format, cursor });
    yield piece;
    cursor = piece.nextCursor;
  } while (cursor !== null);
}
