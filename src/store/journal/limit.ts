// How much may wait behind the journal before no new call is taken on: those that run are settled in any case. Knows no file.

import { GatewayError } from "../../ir/index.ts";

export interface JournalLimits {
  /** Of the outbox: what waits for the ledger's own database. */
  maxBytes: number;
  /** What becomes of new calls once the outbox is full. */
  whenFull: "grow" | "refuse";
  /** Of the journal: what waits to be bound. */
  maxBacklogBytes: number;
}

interface Waiting {
  /** Rows in the outbox; 0 where there is none. */
  waiting: number;
  /** What the outbox is worth; an empty one has a size, too. */
  bytes: number;
}

const USUAL: JournalLimits = { maxBytes: 0, whenFull: "grow", maxBacklogBytes: 256 * 1024 * 1024 };

export function createLimits(
  limits: Partial<JournalLimits> | undefined,
  look: () => Waiting,
  countBacklog: () => number,
): { refusal(): GatewayError | null } {
  const { maxBytes, whenFull, maxBacklogBytes } = { ...USUAL, ...limits };
  return {
    refusal() {
      const backlog = countBacklog();
      const { waiting, bytes } = look();
      if (backlog >= maxBacklogBytes) return explainBacklog(backlog);
      const isFull = whenFull === "refuse" && waiting > 0 && bytes >= maxBytes;
      return isFull ? explainFull(waiting, bytes) : null;
    },
  };
}

function explainBacklog(bytes: number): GatewayError {
  return new GatewayError({
    kind: "overloaded",
    code: "ledger_journal_full",
    message:
      `The ledger's file takes no rows, and ${printMegabytes(bytes)} of them wait in the journal, so no new request is taken. ` +
      "It goes on once the file takes them; the log says what hinders it.",
    retryAfterMs: 5_000,
  });
}

function explainFull(rows: number, bytes: number): GatewayError {
  return new GatewayError({
    kind: "overloaded",
    code: "ledger_outbox_full",
    message:
      `The ledger's database takes no rows, and the outbox is full (${rows} rows, ${printMegabytes(bytes)}), so no new request is taken. ` +
      "It goes on once the database takes them; an operator may also raise ledger_outbox_max_bytes, or set ledger_outbox_full = grow.",
    retryAfterMs: 5_000,
  });
}

function printMegabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
