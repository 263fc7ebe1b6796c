// The local journal as the daemon opens it, and how what is in it goes on to PostgreSQL. Knows no SQL.

import type { Database } from "bun:sqlite";
import type { ChainHead, Head, Journal, OpenIntent, SealedEntry, SealedRecount } from "../ledger/index.ts";
import type { EngineOptions } from "./engine.ts";
import type { Schema } from "./schema.ts";

export interface JournalOptions {
  /** Path of a SQLite file. */
  location: string;
  /** What a row outlives once it is acknowledged: the death of the process, or of the machine's power. */
  durability: "disk" | "process";
  checkpoints?: EngineOptions["checkpoints"];
  /** What of the disk is set aside for rows of calls that run when it fills up; 0 for none. */
  reserveBytes?: number;
  /** In place of opening the file by itself. */
  connect?: (location: string) => Database;
  /** Who signs the chain's heads. */
  key: { id: string; publicKey: string };
  /** The newest head of a chain that was kept elsewhere, too. */
  findHead: (chain: string) => Pick<Head, "chain" | "hash" | "reason" | "seq"> | null;
  now: Date;
}

/** Rows as they lie in the file. */
export interface Shipment {
  entries: SealedEntry[];
  recounts: SealedRecount[];
  heads: Schema["ledgerHeads"]["$inferSelect"][];
  chains: (ChainHead & Schema["ledgerChains"]["$inferSelect"])[];
}

export interface Chest extends Journal {
  /** The oldest of what lies there. */
  take(limit: number): Shipment;
  /** It has arrived. */
  drop(shipment: Shipment): void;
  /** Rows that lie there. */
  countWaiting(): number;
  /** What the file is worth, without the pages in it that are free again. */
  countBytes(): number;
  /** Intents of processes that are gone, while this one runs on. */
  adopt(): Adopted;
  close(): void;
}

export interface Adopted {
  intents: readonly OpenIntent[];
  /** To be called once they are closed: until then nobody else finds them. */
  release(): void;
}

interface ShipperInit {
  chest: Pick<Chest, "countWaiting" | "drop" | "take">;
  /** Writes all or nothing; what is there already is left alone. */
  deliver(shipment: Shipment): Promise<void>;
  after: (delayMs: number, action: () => void) => () => void;
  onFault: (error: unknown) => void;
  onRecovery: () => void;
}

export interface Shipper {
  /** Something was written: it is shipped soon. */
  nudge(): void;
  /** Resolves once all that lay there is delivered, or after `limitMs`. */
  flush(limitMs: number): Promise<void>;
  waiting(): number;
  /** Delivers what is left, as far as that is possible in `limitMs`. */
  stop(limitMs: number): Promise<void>;
}

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

  const shipAll = async (): Promise<void> => {
    while (!isClosed) {
      isNudged = false;
      const shipment = init.chest.take(ROWS);
      const { entries, recounts, heads } = shipment;
      if (entries.length + recounts.length + heads.length === 0) return;
      await init.deliver(shipment);
      // What arrives twice is left alone there, so the next process may deliver it again.
      if (isClosed) return;
      init.chest.drop(shipment);
      if (isFaulty) {
        isFaulty = false;
        init.onRecovery();
      }
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
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = init.after(limitMs, resolve);
    // One that is under way may have begun before the newest row.
    const both = (running ?? Promise.resolve()).then(run);
    await Promise.race([both, late]);
    cancel();
  };

  function nudge(): void {
    isNudged = true;
    if (running === null && !isFaulty && !isStopped) void run();
  }

  return {
    nudge,
    flush,
    waiting: init.chest.countWaiting,
    async stop(limitMs) {
      isStopped = true;
      // Heads are not counted, and go along.
      running ??= run();
      await flush(limitMs);
      isClosed = true;
    },
  };
}
