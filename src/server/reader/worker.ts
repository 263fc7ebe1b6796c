// The thread that reads a SQLite ledger and sums it up: what takes long here holds up no request. Knows only what it is asked.

import { openLedger } from "../../store/index.ts";
import { answerCall } from "./remote.ts";
import { createReader, createUpkeep } from "./reader.ts";

declare const self: Worker & { postMessage(message: unknown, transfer?: Bun.Transferable[]): void };

export interface Hello {
  /** Path of the ledger's file. */
  location: string;
}

const opened = Promise.withResolvers<Awaited<ReturnType<typeof openLedger>>>();

self.addEventListener("message", (event: MessageEvent) => {
  const { data } = event;
  if ("location" in data) {
    openLedger((data as Hello).location).then(opened.resolve, opened.reject);
    return;
  }
  void opened.promise.then(
    (ledger) => answerCall(self, { ...createReader(ledger), ...createUpkeep(ledger), close: ledger.close }, data),
    (error: unknown) => answerCall(self, { [data.name]: () => Promise.reject(error) }, data),
  );
});
