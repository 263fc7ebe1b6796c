// What whoever takes rows from a journal into the books must know of them. Given to the store as a value, for it knows no rule of the books.

import type { ChainHead } from "./chain.ts";
import type { LedgerEntry } from "./entry.ts";
import { decodeLine } from "./line-decode.ts";
import { SEALED_FIELDS, type SealedLine, sealLine } from "./line-seal.ts";
import {
  encodeEntryLine,
  encodeRecountLine,
  type Line,
  LINE_FIELDS,
  type LineFields,
  type StoredIntent,
} from "./line.ts";
import type { Recount } from "./recount.ts";
import { closeIntent } from "./recover.ts";

export interface BookRules {
  fields: LineFields;
  /** Of the values of a sealed line, the columns that they are for. */
  sealedFields: Record<SealedLine["type"], readonly string[]>;
  decodeLine(text: string, fields: LineFields): Line | null;
  /** Gives the row of a line its place behind `head`, cleaned of what no database takes. Throws where it is no row. */
  sealLine(head: ChainHead, text: string, fields: LineFields): SealedLine;
  encodeEntry(entry: LedgerEntry): string;
  encodeRecount(recount: Recount): string;
  /** The row of a call that was open when its process died, as a line. */
  closeIntent(intent: StoredIntent): string;
}

export const BOOK_RULES: BookRules = {
  fields: LINE_FIELDS,
  sealedFields: SEALED_FIELDS,
  decodeLine,
  sealLine,
  encodeEntry: encodeEntryLine,
  encodeRecount: encodeRecountLine,
  closeIntent: (intent) => encodeEntryLine(closeIntent(intent)),
};
