// What is on its way to the books of a source when they are moved: bound, closed and waited for, so that nothing of it stays behind. Knows no rule of
// the books.

import { existsSync } from "node:fs";
import { GatewayError } from "../../ir/index.ts";
import type { BookRules } from "../../ledger/index.ts";
import { listSlots } from "../journal/disk.ts";
import { settleJournals, tellWaiting } from "../journal/settle.ts";
import { listIntentSlots } from "../sqlite/adopt.ts";
import { openBinder } from "../sqlite/binder.ts";
import { trySlot } from "../sqlite/slot.ts";

export interface Outstanding {
  /** Calls that had been open when their gateway died: they are on the books now. */
  interrupted: number;
}

interface Books {
  /** The ledger's own file, or the outbox of one that is elsewhere. */
  file: string;
  isOutbox: boolean;
  rules: BookRules;
}

/** Throws a GatewayError where something would stay behind. */
export async function settleBooks({ file, isOutbox, rules }: Books): Promise<Outstanding> {
  if (!existsSync(file)) return { interrupted: 0 };
  const trouble = await settleJournals(file, rules);
  if (trouble !== null) throw refuse(trouble);
  const interrupted = closeCalls(file, rules);
  const waiting = isOutbox ? await tellWaiting(file, rules) : null;
  if (waiting !== null) throw refuse(waiting);
  return { interrupted };
}

function closeCalls(location: string, rules: BookRules): number {
  const binder = openBinder({ location, rules, durability: "disk", now: () => new Date() });
  try {
    let rows = 0;
    for (const number of new Set([...listSlots(location), ...listIntentSlots(binder.db)])) {
      const slot = trySlot(location, number);
      // Of a gateway that runs: its own to close.
      if (slot === null) continue;
      try {
        rows += binder.close(number).interrupted;
      } finally {
        slot.release();
      }
    }
    return rows;
  } finally {
    binder.end();
  }
}

function refuse(trouble: string): GatewayError {
  return new GatewayError({
    kind: "conflict",
    code: "rows_waiting",
    message: `Rows would stay behind: ${trouble}. Start the source's gateway until they are delivered, stop it, and run the same line again.`,
  });
}
