// The thread that reads a SQLite ledger and sums it up: what takes long here holds up no request. Knows only what it is asked.

import { openLedger } from "../../store/index.ts";
import type { LedgerAnswers } from "./answer.ts";
import { answerCall, createCaller } from "./remote.ts";
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
    ({ close, ...books }) => {
      const reader = createReader(books);
      const tokens = askBack(reader.tokens);
      return answerCall(self, { ...reader, ...createUpkeep(books.ledger), tokens, close }, data);
    },
    (error: unknown) => answerCall(self, { [data.name]: () => Promise.reject(error) }, data),
  );
});

/** What costs are made of is asked through the port. */
function askBack(tokens: LedgerAnswers["tokens"]) {
  return async (query: Parameters<typeof tokens>[0], port: MessagePort) => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port has none
    const caller = createCaller((message) => port.postMessage(message));
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- which does not open a port
    port.onmessage = ({ data }) => caller.settle(data);
    try {
      return await tokens(query, (entries) => caller.call("splitCosts", entries));
    } finally {
      port.close();
    }
  };
}
