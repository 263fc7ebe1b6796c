// Gathers outcomes, and puts them on the books together. Knows no text and no thread.

import type { LedgerEntry, RecountStats } from "../../ledger/index.ts";
import { encodeRecountLine } from "../../ledger/line.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Outcome } from "./message.ts";
import { skipped } from "./skip.ts";

interface BooksInit {
  clock: Clock;
  write: (lines: readonly string[]) => Promise<void>;
}

type Figures = Omit<RecountStats, "skipped" | "waiting" | "waitingBytes"> & { skipped: Record<string, number> };

/** Rows are written together, but none waits longer than this. */
const FLUSH_MS = 200;
const FLUSH_ROWS = 64;

export function createBooks({ clock, write }: BooksInit) {
  const figures: Figures = { counted: 0, skipped: {}, over: 0, under: 0, starts: 0, crashes: 0 };
  let pending: string[] = [];
  let callOff: (() => void) | null = null;
  let written = Promise.resolve();

  /** Resolves once all that was added is written. */
  const flush = (): Promise<void> => {
    callOff?.();
    callOff = null;
    if (pending.length === 0) return written;
    const lines = pending;
    pending = [];
    // The writer keeps what it could not write, tries again, and tells of it.
    const writing = write(lines).catch(() => undefined);
    written = Promise.all([written, writing]).then(() => undefined);
    return written;
  };

  const countSkipped = (reason: string, rows: number): void => {
    figures.skipped[reason] = (figures.skipped[reason] ?? 0) + rows;
  };

  const flushSoon = (): void => {
    if (pending.length >= FLUSH_ROWS) void flush();
    else if (pending.length > 0) callOff ??= clock.after(FLUSH_MS, () => void flush());
  };

  return {
    figures,
    add(outcome: Outcome): void {
      figures.counted += outcome.counted;
      figures.over += outcome.over;
      figures.under += outcome.under;
      for (const [reason, rows] of Object.entries(outcome.skipped)) countSkipped(reason, rows);
      pending = pending.length === 0 ? outcome.lines : [...pending, ...outcome.lines];
      flushSoon();
    },
    skip(entry: Pick<LedgerEntry, "id">, reason: string): void {
      countSkipped(reason, 1);
      pending.push(encodeRecountLine({ ...skipped(entry, reason), createdAt: new Date(clock.wallMs()) }));
      flushSoon();
    },
    flush,
  };
}
