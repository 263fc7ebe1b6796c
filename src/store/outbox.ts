// The local file in front of a ledger on PostgreSQL: how much of it waits, and when it is full. Knows no SQL.

import { GatewayError } from "../ir/index.ts";
import type { Chest } from "./journal.ts";

export interface OutboxLimits {
  maxBytes: number;
  /** What becomes of new calls beyond that. Those that run are settled in any case. */
  whenFull: "grow" | "refuse";
}

export interface Outbox extends Chest {
  /** Why no new call may be taken on; null while there is room. */
  refusal(): GatewayError | null;
}

/** Commits between two looks at the size. */
const LOOK_EVERY = 16;

export function boundOutbox(chest: Chest, { maxBytes, whenFull }: OutboxLimits): Outbox {
  let waiting = chest.countWaiting();
  let bytes = chest.countBytes();
  let unseen = 0;
  return {
    ...chest,
    commit(batch) {
      const committed = chest.commit(batch);
      if (committed === "written") waiting += batch.entries.length + batch.recounts.length;
      if (++unseen >= LOOK_EVERY) {
        unseen = 0;
        bytes = chest.countBytes();
      }
      return committed;
    },
    take(limit) {
      const shipment = chest.take(limit);
      // Another process may have delivered what this one wrote.
      if (shipment.entries.length + shipment.recounts.length === 0) waiting = 0;
      return shipment;
    },
    drop(shipment) {
      chest.drop(shipment);
      waiting = Math.max(0, waiting - shipment.entries.length - shipment.recounts.length);
      bytes = chest.countBytes();
    },
    countWaiting: () => waiting,
    // An empty file has a size, too.
    refusal: () => (whenFull === "grow" || waiting === 0 || bytes < maxBytes ? null : explainFull(waiting, bytes)),
  };
}

function explainFull(rows: number, bytes: number): GatewayError {
  return new GatewayError({
    kind: "overloaded",
    code: "ledger_outbox_full",
    message:
      `The ledger's database takes no rows, and the outbox is full (${rows} rows, ${Math.round(bytes / 1e6)} MB), so no new request is taken. ` +
      "It goes on once the database takes them; an operator may also raise ledger_outbox_max_bytes, or set ledger_outbox_full = grow.",
    retryAfterMs: 5_000,
  });
}
