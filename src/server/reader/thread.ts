// A reader in a thread of its own, started when it is first asked. Knows no SQL.

import type { Clock } from "../../lib/clock.ts";
import type { Books } from "./answer.ts";
import { answerCall, createCaller } from "./remote.ts";
import type { LedgerReader, LedgerUpkeep } from "./reader.ts";
import type { LedgerPlace } from "../../store/index.ts";
import type { Hello } from "./worker.ts";
import { findWorker } from "../../lib/worker-place.ts";

export interface Reading extends LedgerReader, LedgerUpkeep {
  close(): Promise<void>;
}

interface ReadingInit extends Pick<Books, "ledger"> {
  ledgerPlace: LedgerPlace;
  /** Resolves once what was written to the books is there to be read. */
  arrive: () => Promise<void>;
  after: Clock["after"];
  startThread?: () => Worker;
}

/** The ledger is read, and summed up, in a thread of its own: what takes long there holds up no request. */
export function openReading({
  ledger,
  ledgerPlace,
  arrive,
  after,
  startThread = startReaderThread,
}: ReadingInit): Reading {
  const reader = startReader(ledgerPlace, { arrive, after, startThread, hasUnsummed: ledger.hasUnsummed });
  // Whether what corrects calls is still on its way is known on this side; and what corrects one is found at once.
  return { ...reader, corrections: ledger.corrections, listUntold: ledger.listUntold };
}

const WORKER = findWorker("src/server/reader/worker.ts");

function startReaderThread(): Worker {
  return new Worker(WORKER, { name: "reader", smol: true });
}

/** How long a close waits for a report that is being made. */
const CLOSE_MS = 2_000;
/** The thread costs some twenty megabytes while it lives, and a start some tens of milliseconds; reports come a few together. */
const IDLE_MS = 300_000;

type Ground = Required<Pick<ReadingInit, "after" | "arrive" | "startThread">> & Pick<LedgerUpkeep, "hasUnsummed">;

function startReader(place: LedgerPlace, { arrive, after, startThread, hasUnsummed }: Ground): Reading {
  let worker: Worker | null = null;
  /** Calls that it has not answered yet. */
  let asked = 0;
  let callOffEnd: (() => void) | null = null;
  const caller = createCaller((message, ports) => {
    worker ??= start();
    send(worker, message, ports);
  });

  const ask = async <T>(name: string, ...args: unknown[]): Promise<T> => {
    callOffEnd?.();
    callOffEnd = null;
    asked++;
    try {
      return await caller.call<T>(name, ...args);
    } finally {
      asked--;
      if (asked === 0 && worker !== null) callOffEnd ??= after(IDLE_MS, () => void end());
    }
  };

  /** The next call starts another one. */
  const end = async (): Promise<void> => {
    const ended = worker;
    callOffEnd?.();
    callOffEnd = null;
    if (ended === null) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_MS);
    const closed = caller.call("close").catch(() => undefined);
    worker = null;
    await Promise.race([closed, late]);
    clearTimeout(timer);
    ended.terminate();
  };

  const start = (): Worker => {
    const started = startThread();
    const lose = (why: string): void => {
      if (worker !== started) return;
      // The next question starts a new one.
      worker = null;
      caller.fail(new Error(`The thread that reads the ledger ended: ${why}`));
    };
    started.addEventListener("message", ({ data }: MessageEvent) => caller.settle(data));
    started.addEventListener("error", ({ message }) => lose(message));
    started.addEventListener("close", () => lose("it was stopped"));
    started.unref();
    send(started, place satisfies Hello);
    return started;
  };

  /** Who reads finds what was booked before. */
  const read = async <T>(name: string, ...args: unknown[]): Promise<T> => {
    await arrive();
    return ask<T>(name, ...args);
  };

  return {
    breakdown: (query) => read("breakdown", query),
    corrections: (ids) => read("corrections", ids),
    dropHashes: (...asked) => ask("dropHashes", ...asked),
    dropPayloads: (...asked) => ask("dropPayloads", ...asked),
    dropRows: (...asked) => ask("dropRows", ...asked),
    exportPiece: (query) => read("exportPiece", query),
    findCuts: (before) => ask("findCuts", before),
    findForgets: (before) => ask("findForgets", before),
    findPayload: (entryId) => ask("findPayload", entryId),
    hasUnsummed,
    listUntold: (since) => read("listUntold", since),
    logs: (query) => read("logs", query),
    page: (...asked) => read("page", ...asked),
    putPayloads: (payloads) => ask("putPayloads", payloads),
    report: (query) => read("report", query),
    rollUp: (...asked) => ask("rollUp", ...asked),
    async tokens(query, splitCosts) {
      // Prices are known on this side.
      const { port1: own, port2: theirs } = new MessageChannel();
      const port = { postMessage: (message: unknown) => own.postMessage(message, []) };
      // oxlint-disable-next-line unicorn/prefer-add-event-listener -- which does not open a port
      own.onmessage = ({ data }) => void answerCall(port, { splitCosts }, data);
      try {
        return await read("tokens", query, theirs);
      } finally {
        own.close();
      }
    },
    timeseries: (query) => read("timeseries", query),
    async close() {
      await end();
      // What still waits for an answer then gets none.
      caller.fail(new Error("The thread that reads the ledger was closed."));
    },
  };
}

function send(worker: Worker, message: unknown, ports: Bun.Transferable[] = []): void {
  worker.postMessage(message, ports);
}
