// What becomes of a call that a gateway left open when it died: a row that says so, with all that was known. Knows no SQL.

import { BLANK_ENTRY, type LedgerEntry } from "./entry.ts";
import type { StoredIntent } from "./line.ts";

export function closeIntent(intent: StoredIntent): LedgerEntry {
  return { ...BLANK_ENTRY, ...intent, createdAt: new Date(intent.createdAt), status: 500, errorKind: "interrupted" };
}
