// A writer of the books that writes nothing, for measuring what they cost. Knows no measurement.

import type { LedgerWriter, Ticket } from "../../src/ledger/index.ts";

/**
 * Says of everything that it is durable: at once, or where it `waits` at the end of the event loop's turn, as with the books, so that whatever the
 * turn's answers gain from going out together is in it.
 */
export function forgetRows(writer: LedgerWriter, waits: boolean): LedgerWriter {
  const ticket: Ticket = { number: 0, isOver: false };
  const atOnce = Promise.resolve();
  let turn: Promise<void> | null = null;
  const durable = (): Promise<void> => {
    if (!waits) return atOnce;
    turn ??= new Promise((resolve) => {
      setImmediate(() => {
        turn = null;
        resolve();
      });
    });
    return turn;
  };
  return { ...writer, intend: () => ({ ticket, durable: durable() }), add: durable, withdraw: () => undefined };
}
