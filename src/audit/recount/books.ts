// Gathers outcomes, and puts them on the books together. Knows no text and no thread.

import type { Recount, RecountStats } from "../../ledger/index.ts";
import type { Clock } from "../../lib/clock.ts";

interface BooksInit {
  clock: Clock;
  write: (recounts: readonly Recount[]) => Promise<void>;
}

type Figures = Omit<RecountStats, "skipped" | "waiting" | "waitingBytes"> & { skipped: Record<string, number> };

/** Rows are written together, but none waits longer than this. */
const FLUSH_MS = 200;
const FLUSH_ROWS = 64;

const BLANK = {
  reason: null,
  method: null,
  tokenizer: null,
  tokenizerVersion: null,
  inputTokens: null,
  inputLow: null,
  inputHigh: null,
  outputTokens: null,
  outputLow: null,
  outputHigh: null,
  verdict: null,
} as const;

export function createBooks({ clock, write }: BooksInit) {
  const figures: Figures = { counted: 0, skipped: {}, over: 0, under: 0, starts: 0, crashes: 0 };
  let pending: Recount[] = [];
  let callOff: (() => void) | null = null;
  let written = Promise.resolve();

  /** Resolves once all that was added is written. */
  const flush = (): Promise<void> => {
    callOff?.();
    callOff = null;
    if (pending.length === 0) return written;
    const rows = pending;
    pending = [];
    // The writer keeps what it could not write, tries again, and tells of it.
    const writing = write(rows).catch(() => undefined);
    written = Promise.all([written, writing]).then(() => undefined);
    return written;
  };

  const add = (given: Omit<Recount, "createdAt">): void => {
    if (given.state === "counted") figures.counted++;
    else figures.skipped[given.reason ?? ""] = (figures.skipped[given.reason ?? ""] ?? 0) + 1;
    if (given.verdict === "over" || given.verdict === "under") figures[given.verdict]++;
    pending.push({ ...given, createdAt: new Date(clock.wallMs()) });
    if (pending.length >= FLUSH_ROWS) void flush();
    else callOff ??= clock.after(FLUSH_MS, () => void flush());
  };

  return {
    figures,
    add,
    skip: (entryId: string, reason: string) => add({ ...BLANK, entryId, state: "skipped", reason }),
    flush,
  };
}
