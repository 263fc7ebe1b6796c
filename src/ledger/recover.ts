// Closes the calls that a gateway left open when it died: each becomes a row that says so. Knows no SQL.

import { BLANK_ENTRY, type Intent, type LedgerEntry } from "./entry.ts";
import type { OpenIntent } from "./journal.ts";
import type { LedgerWriter } from "./writer.ts";

/** Resolves with the number of rows once they are durable. */
export async function closeAbandoned(
  abandoned: readonly OpenIntent[],
  ledger: Pick<LedgerWriter, "add">,
): Promise<number> {
  const rows = abandoned.map(({ number, body }) => ledger.add(readIntent(body), { number, isOver: false }));
  await Promise.all(rows);
  return rows.length;
}

/** An intent is written by this program alone, and read back by it. */
function readIntent(body: string): LedgerEntry {
  const intent = JSON.parse(body) as Omit<Intent, "createdAt"> & { createdAt: string };
  return { ...BLANK_ENTRY, ...intent, createdAt: new Date(intent.createdAt), status: 500, errorKind: "interrupted" };
}
