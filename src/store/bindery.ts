// Keeps a file up with the journal of this process: binds what was written, ships what is on its way elsewhere, and tells how far it has come. Runs
// on the thread that opens it. Knows no SQL.

import type { ChainHead, Head } from "../ledger/index.ts";
import type { Flaw } from "./journal/cursor.ts";
import type { Place } from "./journal/disk.ts";
import { createShipper, type Shipment, type Shipper } from "./shipper.ts";
import type { Binder, Bound } from "./sqlite/binder.ts";
import type { Refusal } from "./sqlite/seal.ts";

/** What the operator should hear of. */
export type Tiding =
  | { type: "duplicate"; id: string }
  | { type: "flaw"; flaw: Flaw }
  | { type: "interrupted"; rows: number; isOwn: boolean }
  | { type: "refused"; refusal: Refusal }
  /** Rows cannot be bound, or not be shipped; it is tried again. */
  | { type: "stuck"; at: "binding" | "shipping"; reason: string }
  | { type: "unstuck"; at: "binding" | "shipping" };

export interface BinderyState {
  /** The last link that is in the file. */
  head: ChainHead;
  /** Where the journal is bound up to. */
  place: Place;
  /** Rows in the file that are still to go on to the ledger's own database. */
  waiting: number;
  /** Rows that a database does not take. */
  refused: number;
  /** Of a file that is on the way to another database; else 0. */
  bytes: number;
  /** Where the journals of guests are bound up to, by their slots. */
  guests: Readonly<Record<number, Place>>;
}

export interface Bindery {
  /** The journal has come so far. */
  wrote(end: Place): void;
  /** Likewise the journal of a guest: another process, whose rows become part of the same chain. */
  guestWrote(slot: number, end: Place): void;
  /** A guest goes: its journal has come to its end. `isSettled`: as of `close`. */
  guestLeaves(slot: number, end: Place | null, isSettled: boolean): Promise<void>;
  /** Resolves once all up to there is bound, and shipped, or after `limitMs`; of guests, what they said so far. */
  flush(end: Place | null, limitMs: number): Promise<void>;
  keepHead(head: Head & { id: string }): Promise<void>;
  /** Closes what processes left that are gone. Rejects where something of it cannot be; the rest is closed. */
  adopt(): Promise<void>;
  /** Does what is left as far as that is possible in `limitMs`. `isSettled`: no call is open, so that nothing of the journal is needed. */
  close(end: Place | null, limitMs: number, isSettled: boolean): Promise<void>;
}

export interface BinderyInit {
  binder: Binder;
  slot: number;
  chain: string;
  /** Null where the file is the ledger itself. */
  deliver: ((shipment: Shipment) => Promise<void>) | null;
  after: (delayMs: number, action: () => void) => () => void;
  now: () => Date;
  onTiding: (tiding: Tiding) => void;
  onState: (state: BinderyState) => void;
}

const ROWS_A_TURN = 1_000;
/** Counted quickly. */
const FEW_ROWS = 2_000;
const RETRY_MS = 250;

export function createBindery(init: BinderyInit): Bindery {
  const { binder, slot, chain } = init;
  let target: Place | null = null;
  const guests = new Map<number, Place>();
  let isStuck = false;
  let isClosed = false;
  let callOff: (() => void) | null = null;
  let refused = binder.countRefused();
  let waiting = init.deliver === null ? 0 : binder.countWaiting();

  const tell = (): void =>
    init.onState({
      head: binder.head(chain) ?? { chain, seq: 0, hash: "" },
      place: binder.place(slot),
      waiting,
      refused,
      bytes: init.deliver === null ? 0 : binder.countBytes(),
      guests: Object.fromEntries([...guests.keys()].map((guest) => [guest, binder.place(guest)])),
    });

  const report = (bound: Bound): void => {
    for (const id of bound.duplicates) init.onTiding({ type: "duplicate", id });
    for (const refusal of bound.refused) init.onTiding({ type: "refused", refusal });
    for (const flaw of bound.flaws) init.onTiding({ type: "flaw", flaw });
    refused += bound.refused.length;
    if (init.deliver !== null) waiting += bound.rows;
  };

  const bindTo = (from: number, to: Place): void => {
    const into = from === slot ? {} : { into: chain };
    for (;;) {
      const bound = binder.bind(from, { to, most: ROWS_A_TURN, ...into });
      if (bound === null) return;
      report(bound);
      tell();
    }
  };

  /** False where something hinders it. */
  const bindAll = (): boolean => {
    try {
      if (target !== null) bindTo(slot, target);
      for (const [guest, end] of guests) bindTo(guest, end);
    } catch (error) {
      if (!isStuck) init.onTiding({ type: "stuck", at: "binding", reason: explain(error) });
      isStuck = true;
      callOff ??= init.after(RETRY_MS, () => {
        callOff = null;
        if (!isClosed) bindAll();
      });
      return false;
    }
    if (isStuck) init.onTiding({ type: "unstuck", at: "binding" });
    isStuck = false;
    shipper?.nudge();
    return true;
  };

  const shipper: Shipper | null =
    init.deliver === null
      ? null
      : createShipper({
          chest: {
            take: binder.take,
            drop(shipment) {
              binder.drop(shipment);
              waiting -= shipment.entries.length + shipment.recounts.length;
              // Another process may write to the file, too. To count all costs the more the more there are.
              if (waiting <= FEW_ROWS) waiting = binder.countWaiting();
              tell();
            },
            countWaiting: () => waiting,
            refuse(row, reason) {
              const refusal = binder.refuse(row, reason, init.now());
              refused++;
              init.onTiding({ type: "refused", refusal });
            },
          },
          deliver: init.deliver,
          after: init.after,
          onFault: (error) => init.onTiding({ type: "stuck", at: "shipping", reason: explain(error) }),
          onRecovery: () => init.onTiding({ type: "unstuck", at: "shipping" }),
        });

  shipper?.nudge();
  tell();
  return {
    wrote(end) {
      target = end;
      // While something hinders it, the retry is enough.
      if (!isStuck) bindAll();
    },
    guestWrote(guest, end) {
      guests.set(guest, end);
      if (!isStuck) bindAll();
    },
    async guestLeaves(guest, end, isSettled) {
      if (end !== null) guests.set(guest, end);
      const isBound = bindAll();
      guests.delete(guest);
      if (isBound && isSettled) binder.finish(guest);
      tell();
    },
    async flush(end, limitMs) {
      target = end ?? target;
      bindAll();
      await shipper?.flush(limitMs);
    },
    async keepHead(head) {
      binder.keepHead(head);
      shipper?.nudge();
    },
    async adopt() {
      const { bound, fault } = binder.adopt(slot, chain);
      report(bound);
      // Of one that is gone nothing is left to be bound.
      for (const guest of guests.keys())
        if (binder.place(guest).segment > (guests.get(guest)?.segment ?? 0)) guests.delete(guest);
      if (bound.interrupted > 0) init.onTiding({ type: "interrupted", rows: bound.interrupted, isOwn: false });
      tell();
      shipper?.nudge();
      if (fault !== null) throw fault;
    },
    async close(end, limitMs, isSettled) {
      target = end ?? target;
      const isBound = bindAll();
      isClosed = true;
      callOff?.();
      await shipper?.stop(limitMs);
      try {
        if (isBound && isSettled) binder.finish(slot);
        tell();
      } catch (error) {
        // Then the journal stays, and the next start finds in it what is bound already.
        init.onTiding({ type: "stuck", at: "binding", reason: explain(error) });
      } finally {
        binder.end();
      }
    },
  };
}

/** For the log: with the system's own words, which callers of the API do not read. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
