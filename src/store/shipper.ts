// How rows go on from the file that a gateway writes to itself to PostgreSQL. Knows no SQL.

import type { ChainHead, Seal } from "../ledger/index.ts";
import { codeOf } from "./error.ts";
import type { Schema } from "./schema.ts";

/** A row as the other database is given it. */
export interface Parcel extends Seal {
  kind: "entry" | "recount";
  id: string;
  /** By the names of its fields; its time as text. */
  json: string;
}

/** What of a shipment a database may refuse by itself. */
export interface Piece {
  kind: Parcel["kind"] | "chain" | "head";
  id: string;
}

export interface Shipment {
  entries: Parcel[];
  recounts: Parcel[];
  heads: Schema["ledgerHeads"]["$inferSelect"][];
  chains: (ChainHead & Schema["ledgerChains"]["$inferSelect"])[];
}

/** What of the file the shipper works with. */
export interface Chest {
  /** The oldest of what lies there. */
  take(limit: number): Shipment;
  /** It has arrived. */
  drop(shipment: Shipment): void;
  /** Rows that lie there. */
  countWaiting(): number;
  /** The database does not take this one, whatever is done: it stays where it is, and is taken no more. */
  refuse(piece: Piece, reason: string): void;
}

interface ShipperInit {
  chest: Chest;
  /** Writes all or nothing; what is there already is left alone. */
  deliver(shipment: Shipment): Promise<void>;
  after: (delayMs: number, action: () => void) => () => void;
  onFault: (error: unknown) => void;
  onRecovery: () => void;
}

export interface Shipper {
  /** Something was written: it is shipped soon. */
  nudge(): void;
  /** Resolves once all that lay there is delivered, whatever comes meanwhile, or after `limitMs`. */
  flush(limitMs: number): Promise<void>;
  /** Delivers what is left, as far as that is possible in `limitMs`. */
  stop(limitMs: number): Promise<void>;
}

const NOTHING: Shipment = { entries: [], recounts: [], heads: [], chains: [] };
const ROWS = 500;
const RETRY_MS = 1_000;

export function createShipper(init: ShipperInit): Shipper {
  let running: Promise<void> | null = null;
  let isFaulty = false;
  let isStopped = false;
  let isClosed = false;
  let isRetryArmed = false;
  /** Something was written since the last look. */
  let isNudged = false;
  /** Who waits for what lay there when he came. */
  let waiting: (() => void)[] = [];

  const shipAll = async (): Promise<void> => {
    while (!isClosed) {
      isNudged = false;
      const before = waiting;
      const shipment = init.chest.take(ROWS);
      const { entries, recounts, heads } = shipment;
      if (entries.length + recounts.length + heads.length === 0) return;
      const arrived = await deliver(shipment);
      // What arrives twice is left alone there, so the next process may deliver it again.
      if (isClosed) return;
      init.chest.drop(arrived);
      // It was all that there was for those who had come by then.
      if ([entries, recounts, heads].every((rows) => rows.length < ROWS)) for (const tell of before) tell();
      if (isFaulty) {
        isFaulty = false;
        init.onRecovery();
      }
    }
  };

  /** What of it has arrived: one piece that the database does not take must not hold up all others. */
  const deliver = async (shipment: Shipment): Promise<Shipment> => {
    try {
      await init.deliver(shipment);
      return shipment;
    } catch (error) {
      if (!isHopeless(error)) throw error;
      return deliverApart(shipment);
    }
  };

  const deliverApart = async ({ entries, recounts, heads, chains }: Shipment): Promise<Shipment> => {
    const arrived: Shipment = { entries: [], recounts: [], heads: [], chains };
    for (const row of entries) if (await isTaken(row, { ...NOTHING, entries: [row] })) arrived.entries.push(row);
    for (const row of recounts) if (await isTaken(row, { ...NOTHING, recounts: [row] })) arrived.recounts.push(row);
    // Whoever reads a chain's end finds the rows before it, and whoever reads a head finds the end that it signs.
    for (const chain of chains) await isTaken({ kind: "chain", id: chain.chain }, { ...NOTHING, chains: [chain] });
    for (const head of heads)
      if (await isTaken({ kind: "head", id: head.id }, { ...NOTHING, heads: [head] })) arrived.heads.push(head);
    return arrived;
  };

  const isTaken = async (piece: Piece, alone: Shipment): Promise<boolean> => {
    try {
      await init.deliver(alone);
      return true;
    } catch (error) {
      if (!isHopeless(error)) throw error;
      init.chest.refuse(piece, error instanceof Error ? describe(error) : String(error));
      return false;
    }
  };

  const run = (): Promise<void> => {
    running ??= shipAll()
      .catch((error: unknown) => {
        if (!isFaulty) init.onFault(error);
        isFaulty = true;
        if (isStopped || isRetryArmed) return;
        isRetryArmed = true;
        init.after(RETRY_MS, () => {
          isRetryArmed = false;
          void run();
        });
      })
      .finally(() => {
        running = null;
        // It came when the last look was over and the end not yet known.
        if (isNudged) nudge();
      });
    return running;
  };

  const flush = async (limitMs: number): Promise<void> => {
    if (init.chest.countWaiting() === 0 && running === null) return;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const cancel = init.after(limitMs, resolve);
    waiting = [...waiting, resolve];
    // One that is under way may have begun before the newest row.
    const both = (running ?? Promise.resolve()).then(run);
    await Promise.race([both, done]);
    waiting = waiting.filter((tell) => tell !== resolve);
    cancel();
  };

  function nudge(): void {
    isNudged = true;
    if (running === null && !isFaulty && !isStopped) void run();
  }

  return {
    nudge,
    flush,
    async stop(limitMs) {
      isStopped = true;
      // Heads are not counted, and go along.
      running ??= run();
      await flush(limitMs);
      isClosed = true;
    },
  };
}

/** Of the row, not of the moment: a value that no column takes. https://www.postgresql.org/docs/current/errcodes-appendix.html */
function isHopeless(error: unknown): boolean {
  return /^(?:22|23|54)/u.test(codeOf(error));
}

/** In the database's own words: ours are for everyone, and say nothing of rows. */
function describe(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}
