// Lets a command write to the books: in a chain of its own beside the server's, whether one runs or not.

import type { Config } from "../../config/index.ts";
import type { LedgerWriter } from "../../ledger/index.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Store } from "../../store/index.ts";
import { explainError, type LogFields } from "../../telemetry/log.ts";
import { openBooks } from "../books.ts";
import { say } from "../output.ts";

/** How long rows may take to reach a ledger that is a server's. */
const DELIVERY_MS = 30_000;

/** Opens the books for the work, and signs and closes them when all that was written is where it belongs. */
export async function writeBooks<T>(
  { config, store }: { config: Config; store: Store },
  work: (writer: LedgerWriter) => Promise<T>,
): Promise<T> {
  const quiet = (): void => undefined;
  const complain = (message: string, { error }: LogFields = {}): void =>
    say(`warning: ${message}${error === undefined ? "" : `: ${explainError(error)}`}`);
  const log = { debug: quiet, info: quiet, warn: complain, error: complain, setLevel: quiet };
  const books = await openBooks({ config, store, clock: systemClock, fetch, log, deliveryMs: DELIVERY_MS });
  try {
    const result = await work(books.ledger);
    await books.ledger.drain();
    return result;
  } finally {
    await books.close();
  }
}
