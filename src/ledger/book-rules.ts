// What whoever takes rows from a journal into the books must know of them. Given to the store as a value, for it knows no rule of the books.

import { type ChainHead, digestRow, linkTo } from "./chain.ts";
import { cleanEntry, cleanRecount } from "./clean.ts";
import type { LedgerEntry, SealedEntry } from "./entry.ts";
import { decodeLine, type Line, LINE_FIELDS, type LineFields, type StoredIntent } from "./line.ts";
import type { Recount, SealedRecount } from "./recount.ts";
import { closeIntent } from "./recover.ts";

export interface BookRules {
  fields: LineFields;
  decodeLine(text: string, fields: LineFields): Line | null;
  /** Gives a row its place behind `head`, cleaned of what no database takes. */
  seal(head: ChainHead, row: LedgerEntry | Recount): { head: ChainHead; row: SealedEntry | SealedRecount };
  /** The row of a call that was open when its process died. */
  closeIntent(intent: StoredIntent): LedgerEntry;
}

export const BOOK_RULES: BookRules = {
  fields: LINE_FIELDS,
  decodeLine,
  seal(head, row) {
    const { chain } = head;
    const seq = head.seq + 1;
    const clean: LedgerEntry | Recount = "entryId" in row ? cleanRecount(row) : cleanEntry(row);
    const sealed = Object.assign(clean, { chain, seq, hash: null as string | null });
    const hash = linkTo(head.hash, digestRow(sealed));
    sealed.hash = hash;
    return { head: { chain, seq, hash }, row: sealed };
  },
  closeIntent,
};
