// The books as a running gateway writes them: its key, the file that rows go to first, the writer, and the signing of what is written.

import type { Config } from "../config/index.ts";
import { closeAbandoned, createLedgerWriter, type Head, type Journal, type LedgerWriter } from "../ledger/index.ts";
import type { Clock } from "../lib/clock.ts";
import { placeHeads, type ReadHeads, readHeadFile } from "./ledger/head-file.ts";
import type { Adopted, Store } from "../store/index.ts";
import { openKey } from "./ledger/key-file.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metric.ts";
import { type Signing, startSigning } from "./signing.ts";

export interface Books {
  ledger: LedgerWriter;
  /** Before rows are removed whose time is over. */
  cut: Signing["cut"];
  /** Writes what is left, signs it, and delivers both as far as that is possible in a few seconds. */
  close(): Promise<void>;
}

interface BooksInit {
  config: Pick<Config, "durability" | "ledger" | "outbox" | "outboxPath" | "smtp">;
  store: Pick<Store, "missing" | "openJournal">;
  clock: Clock;
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  log: Log;
  /** For rows that wait for the ledger's database at the end; what is left is delivered after the next start. */
  deliveryMs?: number;
  metrics?: Pick<Metrics, "committed" | "watch">;
}

const DELIVERY_MS = 5_000;
/** For the last signed head on its way off the machine. */
const ANCHOR_GRACE_MS = 5_000;

/** Calls that were open when the gateway died are on the books when it resolves. */
export async function openBooks(init: BooksInit): Promise<Books> {
  const { config, store, clock, fetch, log, metrics, deliveryMs = DELIVERY_MS } = init;
  const { keyFile } = config.ledger;
  const key = openKey(keyFile);
  const kept = readHeadFile(placeHeads(keyFile));
  const missing = store.missing();
  if (missing !== null)
    log.warn("The ledger's database cannot be opened yet; rows go to the outbox", { error: missing });
  const { journal, waiting, refusal, adopt, close } = await store.openJournal({
    outboxPath: config.outboxPath,
    outbox: config.outbox,
    durability: config.durability,
    key,
    findHead: (chain) => findNewest(kept, chain),
    now: new Date(clock.wallMs()),
    after: clock.after,
    onFault: (error) => log.warn("The ledger's database does not take rows; they wait in the outbox", { error }),
    onRecovery: () => log.info("The ledger's database takes rows again"),
    onCheckpointFault: (error) => log.warn("A database's log grows", { error }),
  });
  tellBeginning(journal, key.id, log);
  metrics?.watch([
    {
      name: "tokligence_ledger_outbox_rows",
      about: "Rows that are still to go on to the ledger's own database",
      read: waiting,
    },
  ]);
  const ledger = createLedgerWriter({
    journal,
    schedule: setImmediate,
    after: clock.after,
    nowMs: clock.monotonicMs,
    refusal,
    ...(metrics === undefined ? {} : { onCommit: metrics.committed }),
    onDuplicate: (id) => log.warn("A row is on the books already and was not written again", { id }),
    onFault: (error) => log.error("The ledger cannot be written; requests are refused until it can", { error }),
    onRecovery: (rows) => log.info("The ledger can be written again", { rows_caught_up: rows }),
  });
  const interrupted = await closeAbandoned(journal.abandoned, ledger);
  if (interrupted > 0)
    log.warn("Calls that were cut when the gateway died are on the books now", { rows: interrupted });
  const stopAdopting = adoptAgainAndAgain(adopt, { ledger, clock, log });
  const signing = startSigning({ config, key, journal, ledger, clock, fetch, log });
  return {
    ledger,
    cut: signing.cut,
    async close() {
      stopAdopting();
      await ledger.drain().catch((error: unknown) => log.error("Rows of the ledger could not be written", { error }));
      await signing.stop(ANCHOR_GRACE_MS);
      await close(deliveryMs);
    },
  };
}

const ADOPT_EVERY_MS = 15_000;

/** Another process on the same file may die while this one runs on: its calls are closed here. */
function adoptAgainAndAgain(
  adopt: () => Adopted,
  { ledger, clock, log }: Pick<BooksInit, "clock" | "log"> & Pick<Books, "ledger">,
): () => void {
  let isStopped = false;
  const look = async (): Promise<void> => {
    try {
      const { intents, release } = adopt();
      const rows = await closeAbandoned(intents, ledger).finally(release);
      if (rows > 0) log.warn("Calls that were cut when another gateway died are on the books now", { rows });
    } catch (error) {
      log.warn("Calls of gateways that are gone could not be looked for", { error });
    }
    if (!isStopped) clock.after(ADOPT_EVERY_MS, () => void look());
  };
  void look();
  return () => {
    isStopped = true;
  };
}

function findNewest({ heads }: ReadHeads, chain: string): Head | null {
  let newest: Head | null = null;
  for (const { head } of heads) {
    if (head.chain === chain && head.reason !== "cut" && head.seq >= (newest?.seq ?? 0)) newest = head;
  }
  return newest;
}

const BEGINNINGS: Readonly<Record<Journal["beginning"], string | null>> = {
  first: "The books begin a chain of their own",
  new_key: "The key of the books is another one: a new chain begins, which says what it continues",
  none: null,
  rewound:
    "The books end before what was signed: rows were lost or removed, or an old copy was put in their place. A new chain begins; see tokligence ledger verify",
};

function tellBeginning({ beginning, head }: Journal, key: string, log: Log): void {
  const message = BEGINNINGS[beginning];
  if (message === null) return;
  const level = beginning === "first" ? "info" : "error";
  log[level](message, { chain: head.chain, key });
}
