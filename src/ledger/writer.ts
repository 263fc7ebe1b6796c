// The one writer of the books: groups what one event-loop tick brings into one commit, seals rows into the chain, and tells each caller when its
// own is durable. Knows no SQL. A timer would only add latency: the tick itself is the group.

import { type ChainHead, sealAll } from "./chain.ts";
import { cleanEntry, cleanRecount } from "./clean.ts";
import type { Intent, LedgerEntry } from "./entry.ts";
import type { Journal } from "./journal.ts";
import type { Recount } from "./recount.ts";

/** Stands for an intent until its row is settled. */
export interface Ticket {
  /** Null until it is durable. */
  number: number | null;
  isOver: boolean;
}

export interface LedgerWriter {
  /** Announces a call durably; resolves once it is. Rejects where it cannot be written: the call must not be made then. */
  intend(intent: Intent): { ticket: Ticket; durable: Promise<void> };
  /** Resolves once the row is durable and its intent is over; rejects where it could not be written (it is kept, and tried again). */
  add(entry: LedgerEntry, ticket?: Ticket | null): Promise<void>;
  /** Recounts of rows that are on the books; likewise. */
  addRecounts(recounts: readonly Recount[]): Promise<void>;
  /** The call was not made after all, or has rows of its own: nothing more is to come of this intent. */
  withdraw(ticket: Ticket): void;
  /** Announces a row that is still to come; the answer is to be called once it was given, or never will be. */
  expect(): () => void;
  /** Resolves once no announced row is outstanding, or after `limitMs`. */
  settled(limitMs: number): Promise<void>;
  /** Why rows cannot be written at present; null while all is well. Callers refuse new work on it. */
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
  onFault: (error: Error) => void;
  onRecovery: (rows: number) => void;
  onDuplicate: (id: string) => void;
  /** After each commit, also one that failed. */
  onCommit?: (durationMs: number, rows: number) => void;
}

/** Rows that could not be written are kept up to this number; callers are refused long before it fills. */
const MAX_KEPT_ROWS = 100_000;
const RETRY_MS = 500;

type Row = LedgerEntry | Recount;

/** What is written together. */
interface Load {
  rows: Row[];
  tickets: Ticket[];
}

interface Batch extends Load {
  intents: { ticket: Ticket; body: string }[];
  durable: Promise<void>;
  resolve: () => void;
  reject: (error: Error) => void;
}

export function createLedgerWriter(init: LedgerWriterInit): LedgerWriter {
  let head = init.journal.head;
  let open: Batch | null = null;
  let kept: Load = { rows: [], tickets: [] };
  let fault: Error | null = null;
  let isRetryArmed = false;
  const expecting = createExpectation(init.after);
  const figures = {
    settledRows: 0,
    intents: 0,
    openIntents: init.journal.abandoned.length,
    commits: 0,
    failedCommits: 0,
    commitMs: 0,
  };

  const openBatch = (): Batch => {
    if (open === null) {
      open = makeBatch();
      init.schedule(flush);
    }
    return open;
  };

  const flush = (): void => {
    const batch = open;
    if (batch === null) return;
    open = null;
    const load = { rows: [...kept.rows, ...batch.rows], tickets: [...kept.tickets, ...batch.tickets] };
    const startedMs = init.nowMs();
    try {
      write(load, batch);
      figures.commits++;
      succeed(batch);
    } catch (error) {
      figures.failedCommits++;
      fail(batch, load, error);
    }
    const durationMs = init.nowMs() - startedMs;
    figures.commitMs += durationMs;
    init.onCommit?.(durationMs, load.rows.length);
  };

  /** One commit; a second and third one without the rows that turn out to be there already. */
  const write = (load: Load, batch: Batch): void => {
    const intents = batch.intents.filter(({ ticket }) => !ticket.isOver);
    const over = load.tickets.flatMap(({ number }) => (number === null ? [] : [number]));
    for (;;) {
      const { head: next, sealed } = sealAll(head, load.rows);
      const committed = init.journal.commit({
        head: next,
        entries: sealed.filter((row) => "attempts" in row),
        recounts: sealed.filter((row) => "entryId" in row),
        intents: intents.map(({ body }) => body),
        over,
      });
      if ("duplicate" in committed) {
        const { duplicate } = committed;
        init.onDuplicate(duplicate);
        load.rows = load.rows.filter((row) => ("entryId" in row ? row.entryId : row.id) !== duplicate);
        continue;
      }
      for (const [index, { ticket }] of intents.entries()) ticket.number = committed.numbers[index] ?? null;
      head = next;
      figures.intents += intents.length;
      figures.openIntents += intents.length - over.length;
      for (const row of sealed) if ("attempts" in row && row.kind === "call") figures.settledRows++;
      return;
    }
  };

  const succeed = (batch: Batch): void => {
    if (fault !== null) {
      const { length } = kept.rows;
      fault = null;
      init.onRecovery(length);
    }
    kept = { rows: [], tickets: [] };
    batch.resolve();
  };

  const fail = (batch: Batch, load: Load, error: unknown): void => {
    const reason = error instanceof Error ? error : new Error(String(error));
    const isNew = fault === null;
    fault = reason;
    // An intent that could not be written is refused, and with it the call: nothing is kept of it.
    kept = { rows: load.rows.slice(0, MAX_KEPT_ROWS), tickets: load.tickets };
    batch.reject(reason);
    if (isNew) init.onFault(reason);
    armRetry();
  };

  /** One at a time, however many batches fail meanwhile. */
  const armRetry = (): void => {
    if (isRetryArmed) return;
    isRetryArmed = true;
    init.after(RETRY_MS, () => {
      isRetryArmed = false;
      if (fault === null) return;
      // An empty batch carries the kept rows with it, and writes even where there are none: whether it can is the question.
      open ??= makeBatch();
      flush();
    });
  };

  const finish = (ticket: Ticket | null | undefined, batch: Batch): void => {
    if (ticket === null || ticket === undefined || ticket.isOver) return;
    ticket.isOver = true;
    batch.tickets.push(ticket);
  };

  return {
    intend(intent) {
      const batch = openBatch();
      const ticket: Ticket = { number: null, isOver: false };
      batch.intents.push({ ticket, body: JSON.stringify(intent) });
      return { ticket, durable: batch.durable };
    },
    add(entry, ticket) {
      const batch = openBatch();
      batch.rows.push(cleanEntry(entry));
      finish(ticket, batch);
      return batch.durable;
    },
    addRecounts(recounts) {
      const batch = openBatch();
      batch.rows.push(...recounts.map(cleanRecount));
      return batch.durable;
    },
    withdraw(ticket) {
      finish(ticket, openBatch());
    },
    ...expecting,
    fault: () => fault,
    head: () => head,
    async drain() {
      while (open !== null || kept.rows.length > 0) {
        open ??= makeBatch();
        const current = open;
        flush();
        await current.durable;
      }
    },
    figures: () => ({ ...figures, keptRows: kept.rows.length }),
  };
}

/** Counts rows that are still to come. */
function createExpectation(after: LedgerWriterInit["after"]): Pick<LedgerWriter, "expect" | "settled"> {
  let expected = 0;
  let onNone: (() => void) | null = null;
  return {
    expect() {
      expected++;
      let isDone = false;
      return () => {
        if (isDone) return;
        isDone = true;
        expected--;
        if (expected === 0) onNone?.();
      };
    },
    async settled(limitMs) {
      if (expected === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      onNone = resolve;
      after(limitMs, resolve);
      await promise;
    },
  };
}

function makeBatch(): Batch {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // A caller that went away does not make its row's failure unhandled: the fault is reported once, by `onFault`.
  promise.catch(() => undefined);
  return { rows: [], tickets: [], intents: [], durable: promise, resolve, reject };
}
