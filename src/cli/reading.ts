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
  parts: { books: Reading; capture: Capture; areSumsOdd: () => boolean };
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
    onHeal: (chains) => log.warn(HEALED, { chains: chains.join(", ") }),
  });
  const stopRetention = startRetention({
    ledger: reading,
    limits: () => config().ledger.retention,
    keyId: books.keyId,
    retire: books.retire,
    clock: systemClock,
    hasRows: async (from, to) => (await reading.page({ from, to }, 1, null)).entries.length > 0,
    onDoubt: () => log.warn(DOUBTED),
    onDone: (gone) => log.info("What was kept long enough has been removed", { ...gone }),
    onFault: (error) => log.warn("What was kept long enough could not be removed; it is tried again", { error }),
  });
  const marks = watchMarks(store.ledger, log);
  const capture = createCapture({
    isOn: () => config().ledger.capture,
    write: reading.putPayloads,
    onFault: (error, lost) => log.warn("Captured text could not be kept", { error, calls: lost }),
  });
  return {
    parts: { books: reading, capture, areSumsOdd: marks.areOdd },
    keep: reading.putPayloads,
    async close() {
      const stopped = [stopUpkeep(), stopRetention(), marks.stop()];
      await capture.drain();
      // What still waits for an answer then gets none.
      await reading.close();
      await Promise.all(stopped);
    },
  };
}

const LOOK_EVERY_MS = 15_000;

/** Somebody may damage what is noted of how far the books are summed up: a word when that is seen, and one when it is over. */
function watchMarks({ listOddMarks }: Pick<Store["ledger"], "listOddMarks">, log: Log) {
  let known = "";
  let isStopped = false;
  let callOff = (): void => undefined;
  const look = async (): Promise<void> => {
    // A database that does not answer is told of by whoever needs it.
    const odd = await listOddMarks().catch(() => null);
    const chains = odd?.join(", ") ?? known;
    if (chains !== known && chains !== "") log.error(ODD, { chains });
    if (chains !== known && chains === "") log.info("The ledger is summed up again as a whole");
    known = chains;
    if (!isStopped) callOff = systemClock.after(LOOK_EVERY_MS, () => void (running = look()));
  };
  let running = look();
  return {
    areOdd: () => known !== "",
    async stop(): Promise<void> {
      isStopped = true;
      callOff();
      await running;
    },
  };
}

const DOUBTED =
  "Nothing is removed by age yet, for no row tells that it was about this time a day ago: check the clock of this machine. Where it is right, what is old enough goes once this gateway has run for a day";
const HEALED =
  "What is noted of how far chains are summed up was damaged (table ledger_marks) and is set right by a second note of it; see tokligence ledger verify";
const ODD =
  "What is noted of how far chains are summed up was damaged (table ledger_marks): reports are read from rows, which takes longer and leaves out those that are gone by age, these chains are summed up no further and none of their rows goes by age, until tokligence ledger rebuild has made the sums anew";
