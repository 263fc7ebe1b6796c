// The one writer of the books: groups what one event-loop tick brings into one write to the journal, and tells each caller when its own is durable.
// Knows no file, no SQL and no chain: rows are sealed by whoever takes them from the journal. A timer would only add latency: the tick itself is
// the group. Where a write costs next to nothing, the first of a tick waits for nobody; those behind it go together as ever, for answers that go
// on side by side cost less than one after another.

import type { Intent, LedgerEntry } from "./entry.ts";
import { type Expectation, createExpectation } from "./expectation.ts";
import type { Journal } from "./journal.ts";
import { encodeEntryLine, encodeIntentLine, encodeOverLine, encodeRecountLine } from "./line.ts";
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
  /** Of such as are lines already. */
  addRecountLines(lines: readonly string[]): Promise<void>;
  /** The call was not made after all, or has rows of its own: nothing more is to come of this intent. */
  withdraw(ticket: Ticket): void;
  /** Why no new call may be taken on at present; null while all is well. */
  fault(): Error | null;
  /** The chain that its rows become part of. */
  chain: string;
  /** Resolves once every row given so far is durable, and every intent over that is; rejects where that cannot be had. */
  drain(): Promise<void>;
  figures(): LedgerFigures;
}

/** Since the start. */
export interface LedgerFigures {
  /** Rows of calls that were made durable. */
  settledRows: number;
  /** Calls that were announced, however often each was anew. */
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
  /** After each commit, also one that failed. */
  onCommit?: (durationMs: number, rows: number) => void;
}

const RETRY_MS = 500;

/** Rows as lines, and the intents that are over with them. Callers are refused while some are kept, so they are as many as there were calls. */
interface Load {
  lines: string[];
  /** Of them, those of calls. */
  calls: number;
  tickets: Ticket[];
}

interface Batch extends Load {
  intents: { ticket: Ticket; line: string }[];
  /** Of rows and of intents: where space is short, only rows are written. */
  settled: PromiseWithResolvers<void>;
  announced: PromiseWithResolvers<void>;
}

export function createLedgerWriter(init: LedgerWriterInit): LedgerWriter {
  const { journal } = init;
  let open: Batch | null = null;
  let kept: Load = { lines: [], calls: 0, tickets: [] };
  let fault: Error | null = null;
  let isRelieved = false;
  let isRetryArmed = false;
  /** Something was written in this tick, or is to be at its end. */
  let isTurn = false;
  let lastNumber = 0;
  /** Lines of open intents, by their numbers: a new file of the journal begins with them. */
  const openLines = new Map<number, string>();
  const listOpen = (): Iterable<string> => openLines.values();
  const figures = { settledRows: 0, intents: 0, commits: 0, failedCommits: 0, commitMs: 0 };

  /** Into the batch of this tick. */
  const put = (fill: (batch: Batch) => void): Batch => {
    const isFirst = !isTurn;
    if (isFirst) {
      isTurn = true;
      init.schedule(endTurn);
    }
    const batch = (open ??= makeBatch());
    fill(batch);
    if (isFirst && journal.isCheap) flush();
    return batch;
  };

  const endTurn = (): void => {
    isTurn = false;
    flush();
  };

  const flush = (): void => {
    const batch = open;
    if (batch === null) return;
    open = null;
    const load = isEmpty(kept) ? batch : join(kept, batch);
    const startedMs = init.nowMs();
    try {
      write(load, batch.intents);
      succeed(batch);
    } catch (error) {
      fail(batch, load, error);
    }
    const durationMs = init.nowMs() - startedMs;
    figures.commitMs += durationMs;
    init.onCommit?.(durationMs, load.lines.length);
  };

  /** Of the load nothing is changed where it fails. */
  const write = (load: Load, announced: Batch["intents"]): void => {
    const { lines } = load;
    const { length } = lines;
    /** What was never written is not over, either. */
    const over: number[] = [];
    const isWritten = ({ number }: Ticket): boolean =>
      openLines.has(number) || announced.some(({ ticket }) => ticket.number === number && !ticket.isOver);
    const endAll = (ticket: Ticket | null | undefined): void => {
      for (let each = ticket; each; each = each.before) if (isWritten(each)) over.push(each.number);
    };
    for (const { number } of load.tickets) if (openLines.has(number)) over.push(number);
    for (const { ticket, line } of announced) {
      if (ticket.isOver) continue;
      lines.push(line);
      endAll(ticket.before);
    }
    if (over.length > 0) lines.push(encodeOverLine(over));
    try {
      journal.append(lines, listOpen);
    } finally {
      lines.length = length;
    }
    figures.commits++;
    figures.settledRows += load.calls;
    for (const { ticket, line } of announced) {
      if (ticket.isOver) continue;
      if (ticket.before === null) figures.intents++;
      openLines.set(ticket.number, line);
      for (let each = ticket.before; each; each = each.before) each.isOver = true;
      ticket.before = null;
    }
    // One may have taken the place of another that came in the same turn.
    for (const number of over) openLines.delete(number);
  };

  const succeed = (batch: Batch): void => {
    const { length } = kept.lines;
    if (!isEmpty(kept)) kept = { lines: [], calls: 0, tickets: [] };
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
    // Nothing is kept of an intent: the call is refused. One that was to take another's place leaves that one standing until the row is there.
    batch.announced.reject(reason);
    for (const { ticket } of batch.intents) if (!ticket.before) ticket.isOver = true;
    if (settleAlone(load)) {
      kept = { lines: [], calls: 0, tickets: [] };
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
      write(load, []);
      return true;
    } catch {
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
    for (let each = ticket; each; each = each.before) {
      if (each.isOver) continue;
      each.isOver = true;
      batch.tickets.push(each);
    }
  };

  const addRecountLines = (lines: readonly string[]): Promise<void> =>
    put((batch) => {
      for (const line of lines) batch.lines.push(line);
    }).settled.promise;

  return {
    intend(intent, before = null) {
      const ticket: Ticket = { number: ++lastNumber, isOver: fault !== null, before };
      if (fault !== null) return { ticket, durable: Promise.reject(fault) };
      const line = encodeIntentLine(ticket.number, intent);
      return { ticket, durable: put((batch) => void batch.intents.push({ ticket, line })).announced.promise };
    },
    add(entry, ticket) {
      const line = encodeEntryLine(entry);
      return put((batch) => {
        batch.lines.push(line);
        if (entry.kind === "call") batch.calls++;
        finish(ticket, batch);
      }).settled.promise;
    },
    addRecounts: (recounts) => addRecountLines(recounts.map(encodeRecountLine)),
    addRecountLines,
    withdraw(ticket) {
      put((batch) => finish(ticket, batch));
    },
    ...createExpectation(init.after),
    fault: () => fault ?? init.refusal?.() ?? null,
    chain: journal.chain,
    async drain() {
      while (open !== null || !isEmpty(kept)) {
        open ??= makeBatch();
        const current = open;
        flush();
        await current.settled.promise;
      }
    },
    figures: () => ({ ...figures, openIntents: openLines.size, keptRows: kept.lines.length }),
  };
}

function isEmpty({ lines, tickets }: Load): boolean {
  return lines.length + tickets.length === 0;
}

function join(first: Load, second: Load): Load {
  return {
    lines: [...first.lines, ...second.lines],
    calls: first.calls + second.calls,
    tickets: [...first.tickets, ...second.tickets],
  };
}

function makeBatch(): Batch {
  const settled = Promise.withResolvers<void>();
  const announced = Promise.withResolvers<void>();
  // A caller that went away does not make its row's failure unhandled: the fault is reported once, by `onFault`.
  settled.promise.catch(() => undefined);
  announced.promise.catch(() => undefined);
  return { lines: [], calls: 0, tickets: [], intents: [], settled, announced };
}
