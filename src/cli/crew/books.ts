// The books of a worker: a journal of its own, written at once, which the office binds. Knows no database.

import { BOOK_RULES, type LedgerWriter } from "../../ledger/index.ts";
import type { Config } from "../../config/index.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Bindery, BinderyState, Store } from "../../store/index.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metric.ts";
import { openWriter, tell } from "../books.ts";
import type { Line } from "./line.ts";
import type { OfficeWords, Order, WorkerWords } from "./word.ts";

interface WorkerBooksInit {
  config: Pick<Config, "durability" | "outbox" | "outboxPath">;
  store: Pick<Store, "openJournal">;
  order: Order;
  office: Pick<Line<OfficeWords>, "ask" | "tell">;
  clock: Clock;
  log: Log;
  metrics: Pick<Metrics, "committed" | "watch">;
}

export interface WorkerBooks {
  ledger: LedgerWriter;
  words: Pick<WorkerWords, "adoptState" | "askEnd">;
  close(): Promise<void>;
}

const CLOSE_MS = 5_000;

export async function openWorkerBooks(init: WorkerBooksInit): Promise<WorkerBooks> {
  const { config, store, order, office, clock, log, metrics } = init;
  const { keyId: id, publicKey } = order.origin;
  let adoptState: (state: BinderyState) => void = () => undefined;
  let end: Parameters<Bindery["wrote"]>[0] | null = null;
  let slot = 0;
  const opened = await store.openJournal({
    outboxPath: config.outboxPath,
    limits: config.outbox,
    durability: config.durability,
    key: { id, publicKey },
    rules: BOOK_RULES,
    host: order.origin,
    findHead: () => null,
    now: new Date(clock.wallMs()),
    after: clock.after,
    onTiding: (tiding) => tell(tiding, log),
    startElsewhere({ slot: own }, { onState }) {
      slot = own;
      adoptState = ({ guests, ...state }) => {
        const place = guests[own];
        if (place !== undefined) onState({ ...state, place, guests: {} });
      };
      return bindAtOffice(own, office);
    },
  });
  const ledger = openWriter(opened, { clock, log, metrics });
  return {
    ledger,
    words: {
      adoptState: (state) => adoptState(state),
      askEnd() {
        end = opened.end();
        return end === null ? null : { slot, end };
      },
    },
    async close() {
      await ledger.drain().catch((error: unknown) => log.error("Rows of the ledger could not be written", { error }));
      await opened.close(CLOSE_MS);
    },
  };
}

function bindAtOffice(slot: number, office: WorkerBooksInit["office"]): Bindery {
  return {
    wrote: (end) => office.tell("wrote", slot, end),
    async flush(end) {
      if (end !== null) office.tell("wrote", slot, end);
    },
    close: (end, _limitMs, isSettled) => office.ask("leave", slot, end, isSettled),
    // What is signed and what the dead left is the office's business, and a worker has no guests.
    adopt: async () => undefined,
    keepHead: async () => undefined,
    guestWrote: () => undefined,
    guestLeaves: async () => undefined,
  };
}
