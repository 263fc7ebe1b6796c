// A process that writes rows to a ledger's journal, and says which are durable, until somebody kills it: `bun test/store/journal-killed.ts LEDGER`.

import { writeSync } from "node:fs";
import { BOOK_RULES, createLedgerWriter } from "../../src/ledger/index.ts";
import { openJournal } from "../../src/store/journal/open.ts";
import { makeEntry } from "../ledger/entry.ts";

const [, , location = ""] = process.argv;
const books = openJournal({
  location,
  durability: "process",
  rules: BOOK_RULES,
  key: { id: "key", publicKey: "" },
  findHead: () => null,
  now: new Date(0),
  deliver: null,
  after: () => () => undefined,
  onTiding: () => undefined,
});
const writer = createLedgerWriter({
  journal: books.journal,
  schedule: queueMicrotask,
  after: () => undefined,
  nowMs: () => 0,
  onFault: (error) => {
    throw error;
  },
  onRecovery: () => undefined,
});
writeSync(1, `${books.journal.isCheap}\n`);
for (let row = 0; ; row++) {
  await writer.add(makeEntry({ id: `row-${row}` }));
  writeSync(1, `row-${row}\n`);
}
