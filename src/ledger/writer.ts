// The one writer of the books: groups what one event-loop tick brings into one commit, seals rows into the chain, and tells each caller when its
// own is durable. Knows no SQL. A timer would only add latency: the tick itself is the group.

import { type ChainHead, sealAll } from "./chain.ts";
import { cleanEntry, cleanRecount } from "./clean.ts";
import type { Intent, LedgerEntry } from "./entry.ts";
import { type Expectation, createExpectation } from "./expectation.ts";
import type { Journal } from "./journal.ts";
import type { Recount } from "./recount.ts";

/** Stands for an intent until its row is settled. */
export interface Ticket {
  number: number;
  isOver: boolean;
  /** What it takes the place of, in the commit that makes it durable and not before: until then that one stands. */
  before?: Ticket | null;
}

export interface LedgerWriter extends Expectation {
  /**
   * Announces a call durably; resolves once it is. Rejects where it cannot be written: the call must not be made then. `before`: what was
   * announced of it so far.
   */
  intend(intent: Intent, before?: Ticket | null): { ticket: Ticket; durable: Promise<void> };
  /** Resolves once the row is durable and its intent is over; rejects where it could not be written (it is kept, and tried again). */
  add(entry: LedgerEntry, ticket?: Ticket | null): Promise<void>;
  /** Recounts of rows that are on the books; likewise. */
  addRecounts(recounts: readonly Recount[]): Promise<void>;
  /** The call was not made after all, or has rows of its own: nothing more is to come of this intent. */
  withdraw(ticket: Ticket): void;
  /** Why no new call may be taken on at present; null while all is well. */
  fault(): Error | null;
  /** The last durable link. */
  head(): ChainHead;
  /** Resolves once every row given so far is durable; rejects where that cannot be had. */
  drain(): Promise<void>;
  figures(): LedgerFigures;
}

/** Since the start. */
export interface LedgerFigures {
  /** Rows of calls that were made durable. */
  settledRows: number;
  intents: number;
  openIntents: number;
  commits: number;
  failedCommits: number;
  commitMs: number;
  /** Rows that wait for a commit which failed. */
  keptRows: number;
}

interface LedgerWriterInit {
  journal: Journal;
  /** Runs the action at the end of the current tick. */
  schedule: (action: () => void) => void;
  /** Runs the action later, for another try at rows that could not be written. */
  after: (delayMs: number, action: () => void) => unknown;
  /** Milliseconds that only grow. */
  nowMs: () => number;
  /** Why new calls are to be refused although rows can be written; null where they need not. */
  refusal?: () => Error | null;
  onFault: (error: Error) => void;
  onRecovery: (rows: number) => void;
  onDuplicate: (id: string) => void;
  /** After each commit, also one that failed. */
  onCommit?: (durationMs: number, rows: number) => void;
}

const RETRY_MS = 500;
/** Another process's write takes less than this; waiting for it must not hold up everything else. */
const BUSY_RETRY_MS = 1;
const BUSY_LIMIT_MS = 5_000;

type Row = LedgerEntry | Recount;

/** Rows, and the intents that are over with them. Callers are refused while some are kept, so they are as many as there were calls. */
interface Load {
  rows: Row[];
  tickets: Ticket[];
}

interface Batch extends Load {
  intents: { ticket: Ticket; body: string }[];
  /** Of rows and of intents: where space is short, only rows are written. */
  settled: PromiseWithResolvers<void>;
  announced: PromiseWithResolvers<void>;
}

export function createLedgerWriter(init: LedgerWriterInit): LedgerWriter {
  const { journal } = init;
  let { head } = journal;
  /** The head in the file may be another one, after a commit of which nobody knows what became. */
  let isDoubtful = false;
  let open: Batch | null = null;
  let kept: Load = { rows: [], tickets: [] };
  let fault: Error | null = null;
  let busySinceMs: number | null = null;
  let isRelieved = false;
  let isRetryArmed = false;
  const openNumbers = new Set(journal.abandoned.map(({ number }) => number));
  const figures = { settledRows: 0, intents: 0, commits: 0, failedCommits: 0, commitMs: 0 };

  const openBatch = (): Batch => {
    if (open === null) {
      open = makeBatch();
      if (busySinceMs === null) init.schedule(flush);
    }
    return open;
  };

  const flush = (): void => {
    const batch = open;
    if (batch === null) return;
    open = null;
    const load = {
      rows: kept.rows.length === 0 ? batch.rows : [...kept.rows, ...batch.rows],
      tickets: kept.tickets.length === 0 ? batch.tickets : [...kept.tickets, ...batch.tickets],
    };
    const startedMs = init.nowMs();
    try {
      if (!write(load, batch.intents) && waits(startedMs)) {
        open = batch;
        init.after(BUSY_RETRY_MS, flush);
      } else succeed(batch);
    } catch (error) {
      fail(batch, load, error);
    }
    const durationMs = init.nowMs() - startedMs;
    figures.commitMs += durationMs;
    init.onCommit?.(durationMs, load.rows.length);
  };

  /** Throws once it has taken too long. */
  const waits = (nowMs: number): true => {
    busySinceMs ??= nowMs;
    if (nowMs - busySinceMs < BUSY_LIMIT_MS) return true;
    busySinceMs = null;
    throw new Error(`Another process has been writing to the ledger's file for ${BUSY_LIMIT_MS / 1000} s.`);
  };

  /** One commit; a second and third one without the rows that turn out to be there already. False where another process is writing. */
  const write = (load: Load, announced: Batch["intents"]): boolean => {
    if (isDoubtful) head = journal.reread();
    isDoubtful = false;
    const intents = announced.filter(({ ticket }) => !ticket.isOver);
    const replaced = intents.flatMap(({ ticket }) => listChain(ticket.before));
    const over = [...load.tickets, ...replaced].map(({ number }) => number);
    for (;;) {
      const { head: next, sealed } = sealAll(head, load.rows);
      const committed = journal.commit({
        head: next,
        entries: sealed.filter((row) => "attempts" in row),
        recounts: sealed.filter((row) => "entryId" in row),
        intents: intents.map(({ ticket, body }) => ({ number: ticket.number, body })),
        over,
      });
      if (committed === "busy") return false;
      if (committed !== "written") {
        const { duplicate } = committed;
        init.onDuplicate(duplicate);
        load.rows = load.rows.filter((row) => ("entryId" in row ? row.entryId : row.id) !== duplicate);
        continue;
      }
      head = next;
      busySinceMs = null;
      figures.commits++;
      figures.intents += intents.length;
      for (const { ticket } of intents) {
        openNumbers.add(ticket.number);
        for (const each of listChain(ticket.before)) each.isOver = true;
        ticket.before = null;
      }
      for (const number of over) openNumbers.delete(number);
      for (const row of sealed) if ("attempts" in row && row.kind === "call") figures.settledRows++;
      return true;
    }
  };

  const succeed = (batch: Batch): void => {
    const { length } = kept.rows;
    kept = { rows: [], tickets: [] };
    batch.settled.resolve();
    batch.announced.resolve();
    // Without the space that was set aside, the next call might be the one whose row finds none.
    if (fault === null || isRelieved) return;
    fault = null;
    init.onRecovery(length);
  };

  const fail = (batch: Batch, load: Load, error: unknown): void => {
    const reason = error instanceof Error ? error : new Error(String(error));
    const isNew = fault === null;
    fault = reason;
    figures.failedCommits++;
    isDoubtful = true;
    // Nothing is kept of an intent: the call is refused. Should it be in the file after all, it goes with the next commit.
    batch.announced.reject(reason);
    for (const { ticket } of batch.intents) {
      // Nobody knows whether it took the other's place: the one of them that stands, stands until the row is there.
      if (ticket.before) continue;
      ticket.isOver = true;
      load.tickets.push(ticket);
    }
    if (settleAlone(load)) {
      kept = { rows: [], tickets: [] };
      batch.settled.resolve();
    } else {
      kept = load;
      batch.settled.reject(reason);
    }
    if (isNew) init.onFault(reason);
    armRetry();
  };

  /** Into the space that is set aside for it. */
  const settleAlone = (load: Load): boolean => {
    if (!journal.relieve()) return false;
    isRelieved = true;
    try {
      return write(load, []);
    } catch {
      isDoubtful = true;
      return false;
    }
  };

  /** One at a time, however many batches fail meanwhile. */
  const armRetry = (): void => {
    if (isRetryArmed) return;
    isRetryArmed = true;
    init.after(RETRY_MS, () => {
      isRetryArmed = false;
      if (fault === null) return;
      if (isRelieved) isRelieved = !journal.restore();
      // An empty batch carries the kept rows with it, and writes even where there are none: whether it can is the question.
      open ??= makeBatch();
      flush();
      if (fault !== null) armRetry();
    });
  };

  const finish = (ticket: Ticket | null | undefined, batch: Batch): void => {
    for (const each of listChain(ticket)) {
      if (each.isOver) continue;
      each.isOver = true;
      batch.tickets.push(each);
    }
  };

  return {
    intend(intent, before = null) {
      const ticket: Ticket = { number: journal.nextNumber(), isOver: fault !== null, before };
      if (fault !== null) return { ticket, durable: Promise.reject(fault) };
      const batch = openBatch();
      batch.intents.push({ ticket, body: JSON.stringify(intent) });
      return { ticket, durable: batch.announced.promise };
    },
    add(entry, ticket) {
      const batch = openBatch();
      batch.rows.push(cleanEntry(entry));
      finish(ticket, batch);
      return batch.settled.promise;
    },
    addRecounts(recounts) {
      const batch = openBatch();
      batch.rows.push(...recounts.map(cleanRecount));
      return batch.settled.promise;
    },
    withdraw(ticket) {
      finish(ticket, openBatch());
    },
    ...createExpectation(init.after),
    fault: () => fault ?? init.refusal?.() ?? null,
    head: () => head,
    async drain() {
      while (open !== null || kept.rows.length > 0) {
        open ??= makeBatch();
        const current = open;
        flush();
        await current.settled.promise;
      }
    },
    figures: () => ({ ...figures, openIntents: openNumbers.size, keptRows: kept.rows.length }),
  };
}

/** It, and all that it takes the place of. */
function listChain(ticket: Ticket | null | undefined): Ticket[] {
  const chain: Ticket[] = [];
  for (let each = ticket; each; each = each.before) chain.push(each);
  return chain;
}

function makeBatch(): Batch {
  const settled = Promise.withResolvers<void>();
  const announced = Promise.withResolvers<void>();
  // A caller that went away does not make its row's failure unhandled: the fault is reported once, by `onFault`.
  settled.promise.catch(() => undefined);
  announced.promise.catch(() => undefined);
  return { rows: [], tickets: [], intents: [], settled, announced };
}
