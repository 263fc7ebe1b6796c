// The books as a running gateway writes them: its key, the file that rows go to first, the writer, and the signing of what is written.

import type { Config } from "../config/index.ts";
import { BOOK_RULES, createLedgerWriter, type Head, type LedgerWriter } from "../ledger/index.ts";
import { type Change, byProgram } from "../lib/change.ts";
import type { Clock } from "../lib/clock.ts";
import { createNotifier, type Notifier } from "../notice/index.ts";
import { placeHeads, type ReadHeads, readHeadFile } from "./ledger/head-file.ts";
import { type BinderyState, type OpenJournal, type Store, type Tiding, isPlaceTaken } from "../store/index.ts";
import { nameApart } from "./anchor.ts";
import { startChangeSigning } from "./change-signing.ts";
import { openKey } from "./ledger/key-file.ts";
import { readEnds, tellShort } from "./short.ts";
import type { Log } from "../telemetry/log.ts";
import type { Gauge, Metrics } from "../telemetry/metric.ts";
import { type Signing, startSigning } from "./signing.ts";

export interface Books extends Pick<OpenJournal, "adopt" | "guestLeaves" | "guestWrote" | "origin"> {
  ledger: LedgerWriter;
  /** Fingerprint of the key that signs them. */
  keyId: string;
  /** Before rows are removed whose time is over, or hashes in them. */
  retire: Signing["retire"];
  /** Writes what is left, signs it, and delivers both as far as that is possible in a few seconds. */
  close(): Promise<Left>;
}

/** What was not where it belongs when the books were closed. */
export interface Left {
  /** Rows that could not be written anywhere. */
  lostRows: number;
  /** Bytes of the journal that its file did not take: the next start binds them. */
  unboundBytes: number;
  /** Rows in the outbox: the next start delivers them. */
  waitingRows: number;
}

interface BooksInit {
  config: Pick<Config, "durability" | "ledger" | "outbox" | "outboxPath" | "smtp">;
  store: Pick<Store, "changes" | "ledger" | "ledgerFile" | "missing" | "openJournal">;
  clock: Clock;
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  log: Log;
  /** For rows that wait for the ledger's database at the end; what is left is delivered after the next start. */
  deliveryMs?: number;
  metrics?: Pick<Metrics, "committed" | "watch">;
  /** Where rows are bound, for whoever runs for long. */
  startThread?: () => Worker;
  /** Workers, whose rows become part of the same chain. */
  guests?: { askEnds: () => Promise<void>; tellState: (state: BinderyState) => void } | undefined;
}

const DELIVERY_MS = 5_000;
/** For the last signed heads on their way off the machine. */
const ANCHOR_GRACE_MS = 5_000;

/** Calls that were open when the gateway died are on the books when it resolves. */
export async function openBooks(init: BooksInit): Promise<Books> {
  const { config, store, clock, fetch, log, metrics, startThread, guests, deliveryMs = DELIVERY_MS } = init;
  const { keyFile } = config.ledger;
  const key = openKey(keyFile);
  const kept = readHeadFile(placeHeads(keyFile));
  const missing = store.missing();
  if (missing !== null)
    log.warn("The ledger's database cannot be opened yet; rows go to the outbox", { error: missing });
  const ends = await readEnds(store, { keyId: key.id, kept });
  await tellShort({ config, kept, ends, log }).catch((error: unknown) =>
    log.warn("The end of the books could not be held against what was signed", { error }),
  );
  const opened = await store.openJournal({
    outboxPath: config.outboxPath,
    limits: config.outbox,
    durability: config.durability,
    key,
    rules: BOOK_RULES,
    startThread,
    ...(guests === undefined ? {} : { askGuests: guests.askEnds, onState: guests.tellState }),
    findHead: (chain) => findNewest(kept, chain),
    findArrived: (chain) => ends?.find((end) => end.chain === chain) ?? null,
    now: new Date(clock.wallMs()),
    after: clock.after,
    onTiding: (tiding) => tell(tiding, log),
    onCheckpointFault: (error) => log.warn("A database's log grows", { error }),
    onCheckpointRecover: (file) => log.info("A database's log is kept short again", { file }),
  });
  tellBeginning(opened, key.id, log);
  await recordBeginning(opened, { keyId: key.id, changes: store.changes, now: new Date(clock.wallMs()) });
  const ledger = openWriter(opened, { clock, log, metrics });
  const stopAdopting = adoptAgainAndAgain(opened.adopt, { clock, log });
  const { anchors } = config.ledger;
  const [notifier, changeNotifier] = [anchors, nameApart(anchors)].map((targets) =>
    createNotifier({ targets, smtp: config.smtp, clock, fetch, log }),
  ) as [Notifier, Notifier];
  const signing = await startSigning({ config, key, books: opened, clock, notifier, log });
  const changes = await startChangeSigning({ ...store, config, key, clock, notifier: changeNotifier, log });
  return {
    ...opened,
    ledger,
    keyId: key.id,
    retire: signing.retire,
    async close() {
      await stopAdopting();
      await ledger.drain().catch((error: unknown) => log.error("Rows of the ledger could not be written", { error }));
      await changes.stop();
      await signing.stop();
      await Promise.all([notifier.stop(ANCHOR_GRACE_MS), changeNotifier.stop(ANCHOR_GRACE_MS)]);
      await opened.close(deliveryMs);
      const left = {
        lostRows: ledger.figures().keptRows,
        unboundBytes: opened.backlog(),
        waitingRows: opened.waiting(),
      };
      tellLeft(left, config, log);
      return left;
    },
  };
}

/** Whoever has a journal writes to it so. */
export function openWriter(
  opened: OpenJournal,
  { clock, log, metrics }: Pick<BooksInit, "clock" | "log"> & { metrics: BooksInit["metrics"] | undefined },
): LedgerWriter {
  metrics?.watch(listGauges(opened));
  return createLedgerWriter({
    journal: opened.journal,
    schedule: setImmediate,
    after: clock.after,
    nowMs: clock.monotonicMs,
    refusal: tellOnce(opened.refusal, log),
    ...(metrics === undefined ? {} : { onCommit: metrics.committed }),
    onFault: (error) => log.error("The ledger cannot be written; requests are refused until it can", { error }),
    onRecovery: (rows) => log.info("The ledger can be written again", { rows_caught_up: rows }),
  });
}

function listGauges({ waiting, backlog, refused }: OpenJournal): Gauge[] {
  return [
    {
      name: "tokligence_ledger_outbox_rows",
      about: "Rows that are still to go on to the ledger's own database",
      isCommon: true,
      read: waiting,
    },
    {
      name: "tokligence_ledger_journal_bytes",
      about: "Bytes of the journal that are still to be bound into the ledger's file, or the outbox",
      read: backlog,
    },
    {
      name: "tokligence_ledger_rows_refused",
      about: "Rows that a database does not take; they lie in the file, in the table ledger_refused",
      isCommon: true,
      read: refused,
    },
  ];
}

export function tell(tiding: Tiding, log: Log): void {
  switch (tiding.type) {
    case "duplicate":
      return log.warn("A row is on the books already and was not written again", { id: tiding.id });
    case "flaw": {
      const { kind, path, startsAt, endsAt } = tiding.flaw;
      const place = { path, from: startsAt, to: endsAt };
      return kind === "torn"
        ? log.warn("The end of a journal was never wholly written; nothing in it was acknowledged", place)
        : log.error(
            "Part of a journal is not as it was written: rows in it are lost; a copy is kept as .damaged",
            place,
          );
    }
    case "interrupted":
      return tiding.isOwn
        ? log.warn("Calls that were cut when the gateway died are on the books now", { rows: tiding.rows })
        : log.warn("Calls that were cut when a worker or another gateway died are on the books now", {
            rows: tiding.rows,
          });
    case "refused":
      return log.error(isPlaceTaken(tiding.refusal.reason) ? PLACE_TAKEN : REFUSED, { ...tiding.refusal });
    case "stuck":
      return tiding.at === "binding"
        ? log.error("The ledger's file takes no rows; they wait in the journal", { reason: tiding.reason })
        : log.warn("The ledger's database does not take rows; they wait in the outbox", { reason: tiding.reason });
    case "unstuck":
      return tiding.at === "binding"
        ? log.info("The ledger's file takes rows again")
        : log.info("The ledger's database takes rows again");
    default:
      return tiding satisfies never;
  }
}

const REFUSED = "A row is not taken by the database and is set aside in the table ledger_refused";
const PLACE_TAKEN =
  "Another row has a row's place in its chain, and it is set aside in the table ledger_refused: another gateway writes with a copy of this one's home folder; give it one of its own (a copy of secret.key alone is fine), and start both anew: then the row goes into a new chain";

/** A word when it begins and one when it ends, however many requests are refused between. */
function tellOnce(refusal: () => Error | null, log: Log): () => Error | null {
  let isRefusing = false;
  return () => {
    const error = refusal();
    if (error !== null && !isRefusing) log.error("New requests are refused until rows are taken again", { error });
    if (error === null && isRefusing) log.info("New requests are taken again");
    isRefusing = error !== null;
    return error;
  };
}

function tellLeft({ lostRows, unboundBytes, waitingRows }: Left, { outboxPath }: Pick<Config, "outboxPath">, log: Log) {
  if (lostRows > 0)
    log.error("Rows could not be written anywhere and are lost; none of their requests was answered", {
      rows: lostRows,
    });
  if (unboundBytes > 0)
    log.error("Rows lie in the journal beside the ledger's file; the next start takes them from there", {
      bytes: unboundBytes,
    });
  if (waitingRows > 0)
    log.warn("Rows lie in the outbox; the next start delivers them", { rows: waitingRows, path: outboxPath });
}

const ADOPT_EVERY_MS = 15_000;

/** Another process on the same file may die while this one runs on: its calls are closed here. */
function adoptAgainAndAgain(
  adopt: () => Promise<void>,
  { clock, log }: Pick<BooksInit, "clock" | "log">,
): () => Promise<void> {
  let isStopped = false;
  const look = async (): Promise<void> => {
    // The timer that was set last still rings.
    if (isStopped) return;
    await adopt().catch((error: unknown) =>
      log.warn("Calls of gateways that are gone could not be looked for", { error }),
    );
    if (!isStopped) clock.after(ADOPT_EVERY_MS, () => void (running = look()));
  };
  let running = look();
  return async () => {
    isStopped = true;
    await running;
  };
}

function findNewest({ heads }: ReadHeads, chain: string): Head | null {
  let newest: Head | null = null;
  for (const { head } of heads) {
    if (head.chain === chain && head.reason !== "cut" && head.seq >= (newest?.seq ?? 0)) newest = head;
  }
  return newest;
}

const BEGINNINGS: Readonly<Record<OpenJournal["beginning"], string | null>> = {
  first: "The books begin a chain of their own",
  new_key: "The key of the books is another one: a new chain begins, which says what it continues",
  none: null,
  rewound:
    "The books end before what was signed: rows were lost or removed, or an old copy was put in their place. A new chain begins; see tokligence ledger verify",
};

function tellBeginning({ beginning, head }: OpenJournal, key: string, log: Log): void {
  const message = BEGINNINGS[beginning];
  if (message === null) return;
  const level = beginning === "first" ? "info" : "error";
  log[level](message, { chain: head().chain, key });
}

/** Who reads the record of changes later should find there with which key, and why, the books went on in another chain. */
async function recordBeginning(
  { beginning, head, continues }: OpenJournal,
  { keyId, changes, now }: { keyId: string; changes: Store["changes"]; now: Date },
): Promise<void> {
  if (beginning === "none") return;
  const { chain } = head();
  const after = { chain, reason: beginning, signedBy: keyId, continues };
  const change: Change = { action: "ledger.chain", subjectKind: "chain", subjectId: chain, before: null, after };
  await changes.tell(byProgram("gateway", now), change);
}
