// The one writer of the books: groups the rows of one event-loop tick into one commit, and tells each caller when its row is durable.
// Knows no SQL. A timer would only add latency: the tick itself is the group (see the measurements behind `setImmediate` in README).

import type { LedgerEntry } from "./entry.ts";
import type { LedgerStore } from "./store.ts";

export interface LedgerWriter {
  /** Resolves once the row is durable; rejects where it could not be written (it is kept, and tried again). */
  add(entry: LedgerEntry): Promise<void>;
  /** Announces a row that is still to come; the answer is to be called once it was given, or never will be. */
  expect(): () => void;
  /** Resolves once no announced row is outstanding, or after `limitMs`. */
  settled(limitMs: number): Promise<void>;
  /** Why rows cannot be written at present; null while all is well. Callers refuse new work on it. */
  fault(): Error | null;
  /** Resolves once every row given so far is durable; rejects where that cannot be had. */
  drain(): Promise<void>;
}

interface LedgerWriterInit {
  store: Pick<LedgerStore, "append">;
  /** Runs the action at the end of the current tick. */
  schedule: (action: () => void) => void;
  /** Runs the action later, for another try at rows that could not be written. */
  after: (delayMs: number, action: () => void) => unknown;
  onFault: (error: Error) => void;
  onRecovery: (rows: number) => void;
}

/** Rows that could not be written are kept up to this number; callers are refused long before it fills. */
const MAX_KEPT_ROWS = 100_000;
const RETRY_MS = 500;

interface Batch {
  entries: LedgerEntry[];
  durable: Promise<void>;
  resolve: () => void;
  reject: (error: Error) => void;
}

export function createLedgerWriter(init: LedgerWriterInit): LedgerWriter {
  let open: Batch | null = null;
  let writing = false;
  let kept: LedgerEntry[] = [];
  let fault: Error | null = null;
  let isRetryArmed = false;
  let expected = 0;
  let onNoneExpected: (() => void) | null = null;

  const add = (entry: LedgerEntry): Promise<void> => {
    if (open === null) {
      open = openBatch();
      if (!writing) init.schedule(flush);
    }
    open.entries.push(entry);
    return open.durable;
  };

  const flush = (): void => {
    const batch = open;
    if (batch === null || writing) return;
    open = null;
    try {
      const pending = init.store.append(kept.length > 0 ? [...kept, ...batch.entries] : batch.entries);
      if (pending === undefined) {
        succeed(batch);
        return;
      }
      writing = true;
      pending.then(
        () => finishWriting(() => succeed(batch)),
        (error: unknown) => finishWriting(() => fail(batch, error)),
      );
    } catch (error) {
      fail(batch, error);
    }
  };

  const finishWriting = (settle: () => void): void => {
    writing = false;
    settle();
    if (open !== null) init.schedule(flush);
  };

  const succeed = (batch: Batch): void => {
    if (fault !== null) {
      const rows = kept.length;
      kept = [];
      fault = null;
      init.onRecovery(rows);
    }
    batch.resolve();
  };

  const fail = (batch: Batch, error: unknown): void => {
    const reason = error instanceof Error ? error : new Error(String(error));
    const isNew = fault === null;
    fault = reason;
    kept = [...kept, ...batch.entries].slice(0, MAX_KEPT_ROWS);
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
      retry();
    });
  };

  /** An empty batch carries the kept rows with it. */
  const retry = (): void => {
    if (fault === null) return;
    if (writing || open !== null) {
      armRetry();
      return;
    }
    open = openBatch();
    flush();
  };

  const drain = async (): Promise<void> => {
    while (open !== null || writing || kept.length > 0) {
      open ??= openBatch();
      const current = open;
      if (!writing) flush();
      await current.durable;
    }
  };

  const expect = (): (() => void) => {
    expected++;
    let isDone = false;
    return () => {
      if (isDone) return;
      isDone = true;
      expected--;
      if (expected === 0) onNoneExpected?.();
    };
  };

  const settled = async (limitMs: number): Promise<void> => {
    if (expected === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    onNoneExpected = resolve;
    init.after(limitMs, resolve);
    await promise;
  };

  return { add, expect, settled, fault: () => fault, drain };
}

function openBatch(): Batch {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // A caller that went away does not make its row's failure unhandled: the fault is reported once, by `onFault`.
  promise.catch(() => undefined);
  return { entries: [], durable: promise, resolve, reject };
}
