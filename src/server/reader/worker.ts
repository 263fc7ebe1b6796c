// The thread that reads a ledger and sums it up: what takes long here holds up no request. Knows only what it is asked.

import { yieldToOthers } from "../../lib/thread-priority.ts";
import { type LedgerPlace, openLedger } from "../../store/index.ts";
import type { LedgerAnswers } from "./answer.ts";
import { answerCall, createCaller } from "./remote.ts";
import { createReader, createUpkeep } from "./reader.ts";

declare const self: Worker & { postMessage(message: unknown, transfer?: Bun.Transferable[]): void };

// A little: whoever asks for a report waits for it, too.
yieldToOthers(2);

export type Hello = LedgerPlace;

type Opened = ReturnType<typeof openLedger>;

const place = Promise.withResolvers<LedgerPlace>();
let opening: Opened | null = null;

/** Where the database is away, whoever asks next tries again. */
async function open(): Opened {
  opening ??= openLedger(await place.promise);
  const own = opening;
  try {
    return await own;
  } catch (error) {
    if (opening === own) opening = null;
    throw error;
  }
}

self.addEventListener("message", (event: MessageEvent) => {
  const { data } = event;
  if ("location" in data) {
    place.resolve(data as Hello);
    return;
  }
  void open().then(
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
