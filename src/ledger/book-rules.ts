// What whoever takes rows from a journal into the books must know of them. Given to the store as a value, for it knows no rule of the books.

import { type ChainHead, digestText, linkTo } from "./chain.ts";
import { cleanCounts, cleanEntry, cleanFigures, cleanRecount } from "./clean.ts";
import type { LedgerEntry, Seal, SealedEntry } from "./entry.ts";
import { decodeLine } from "./line-decode.ts";
import { type Line, LINE_FIELDS, type LineFields, type RowLine, type StoredIntent } from "./line.ts";
import type { Recount, SealedRecount } from "./recount.ts";
import { closeIntent } from "./recover.ts";
import { encodeEntry, encodeParts, encodeRecount, type JsonParts } from "./row-text.ts";

/** A row that has its place, and as the new end of its chain the next one's head. */
export type SealedLine = { head: ChainHead } & (
  { type: "entry"; row: SealedEntry; parts: JsonParts } | { type: "recount"; row: SealedRecount }
);

export interface BookRules {
  fields: LineFields;
  decodeLine(text: string, fields: LineFields): Line | null;
  /** Gives a row its place behind `head`, cleaned of what no database takes; the line's own row is no longer to be used. */
  seal(head: ChainHead, line: RowLine): SealedLine;
  /** The row of a call that was open when its process died. */
  closeIntent(intent: StoredIntent): LedgerEntry;
}

export const BOOK_RULES: BookRules = {
  fields: LINE_FIELDS,
  decodeLine,
  seal(head, line) {
    if (line.type === "recount") {
      const row = place(line.isPlain ? cleanCounts(line.recount) : cleanRecount(line.recount), head);
      return { type: "recount", row, head: hold(row, head, encodeRecount(row)) };
    }
    const row = place(line.isPlain ? cleanFigures(line.entry) : cleanEntry(line.entry), head);
    const parts = encodeParts(row);
    return { type: "entry", row, parts, head: hold(row, head, encodeEntry(row, parts)) };
  },
  closeIntent,
};

function place<Row extends LedgerEntry | Recount>(row: Row, { chain, seq }: ChainHead): Row & Seal {
  const placed = row as Row & Seal;
  placed.chain = chain;
  placed.seq = seq + 1;
  placed.hash = null;
  return placed;
}

/** Holds it on to the one before. */
function hold(row: Seal, { chain, seq, hash: last }: ChainHead, text: string): ChainHead {
  const hash = linkTo(last, digestText(text));
  row.hash = hash;
  return { chain, seq: seq + 1, hash };
}
