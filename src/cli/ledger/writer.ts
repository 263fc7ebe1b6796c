// Lets a command write to the books: in a chain of its own beside the server's, whether one runs or not.

import type { Config } from "../../config/index.ts";
import { type LedgerWriter, createLedgerWriter } from "../../ledger/index.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Store } from "../../store/index.ts";
import { say } from "../output.ts";

/** How long rows may take to reach a ledger that is a server's. */
const DELIVERY_MS = 30_000;

/** Opens the journal for the work, and closes it when all that was written is where it belongs. */
export async function writeBooks<T>(
  { config, store }: { config: Config; store: Store },
  work: (writer: LedgerWriter) => Promise<T>,
): Promise<T> {
  const complain = (error: unknown): void => say(`warning: ${error instanceof Error ? error.message : String(error)}`);
  const books = await store.openJournal({
    outboxPath: config.outboxPath,
    durability: "process",
    key: { id: "local", publicKey: "" },
    now: new Date(),
    after: systemClock.after,
    onFault: complain,
    onRecovery: () => undefined,
  });
  try {
    const writer = createLedgerWriter({
      journal: books.journal,
      schedule: setImmediate,
      after: systemClock.after,
      nowMs: systemClock.monotonicMs,
      onDuplicate: () => undefined,
      onFault: complain,
      onRecovery: () => undefined,
    });
    const result = await work(writer);
    await writer.drain();
    return result;
  } finally {
    await books.close(DELIVERY_MS);
  }
}
