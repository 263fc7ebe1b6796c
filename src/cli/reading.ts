// How the daemon reads its books, and what it does to them beside requests: sums, captured text, and the end of what is kept long enough.
// Knows no SQL.

import type { Config } from "../config/index.ts";
import { type Capture, createCapture } from "../gateway/index.ts";
import { systemClock } from "../lib/clock.ts";
import { openReading, type Reading, startRetention, startUpkeep } from "../server/index.ts";
import type { Store } from "../store/index.ts";
import type { Log } from "../telemetry/log.ts";
import type { Books } from "./books.ts";

interface ReadBooksInit {
  store: Store;
  log: Log;
  /** The one in force. */
  config: () => Config;
  /** They sign what is about to be removed. */
  books: Pick<Books, "keyId" | "retire">;
}

interface ReadBooks {
  /** For the server. */
  parts: { books: Reading; capture: Capture };
  /** Captured text of another process of this gateway. */
  keep: Reading["putPayloads"];
  close(): Promise<void>;
}

export function readBooks({ store, log, config, books }: ReadBooksInit): ReadBooks {
  const reading = openReading({ ...store, after: systemClock.after });
  const stopUpkeep = startUpkeep({
    ledger: reading,
    isShared: store.ledgerFile === config().identityPath,
    nowMs: systemClock.monotonicMs,
    after: systemClock.after,
    onFault: (error) => log.warn("The ledger could not be summed up; reports read more rows instead", { error }),
  });
  const stopRetention = startRetention({
    ledger: reading,
    limits: () => config().ledger.retention,
    keyId: books.keyId,
    retire: books.retire,
    clock: systemClock,
    onDone: (gone) => log.info("What was kept long enough has been removed", { ...gone }),
    onFault: (error) => log.warn("What was kept long enough could not be removed; it is tried again", { error }),
  });
  const capture = createCapture({
    isOn: () => config().ledger.capture,
    write: reading.putPayloads,
    onFault: (error, lost) => log.warn("Captured text could not be kept", { error, calls: lost }),
  });
  return {
    parts: { books: reading, capture },
    keep: reading.putPayloads,
    async close() {
      const stopped = [stopUpkeep(), stopRetention()];
      await capture.drain();
      // What still waits for an answer then gets none.
      await reading.close();
      await Promise.all(stopped);
    },
  };
}
