// Where the writer of the books puts them: one local file, written in the same tick. Fulfilled by store/; knows no SQL.

import type { ChainHead } from "./chain.ts";
import type { Head } from "./head.ts";
import type { SealedEntry } from "./entry.ts";
import type { SealedRecount } from "./recount.ts";

/** What one commit writes. */
export interface JournalBatch {
  /** Behind the last row of the batch. */
  head: ChainHead;
  entries: readonly SealedEntry[];
  recounts: readonly SealedRecount[];
  intents: readonly OpenIntent[];
  /** Numbers of intents that are over; some may never have been written. */
  over: readonly number[];
}

/** All is written; or nothing, for another process is writing; or nothing, for the row of this id is on the books already. */
export type Committed = "busy" | "written" | { duplicate: string };

/** An intent without its row. */
export interface OpenIntent {
  /** As `nextNumber` gave it: no other process has it. */
  number: number;
  /** What is known of the row to come, as JSON. */
  body: string;
}

export interface Journal {
  /** Where the chain stood when the journal was opened. */
  head: ChainHead;
  /** Why a new chain began, if one did: there was none, the key is another, or rows were missing that had been signed. */
  beginning: "first" | "new_key" | "none" | "rewound";
  /** The chain that this one took over from, by its own word; null where it is the first. */
  continues: string | null;
  /** The newest signed head of the chain that is known; null where there is none. */
  lastHead: Pick<Head, "chain" | "hash" | "reason" | "seq"> | null;
  /** Durable when it returns. Throws whatever the engine throws. */
  keepHead(head: Head & { id: string }): void;
  /** Found when the journal was opened: whoever made them is gone. */
  abandoned: readonly OpenIntent[];
  nextNumber(): number;
  /** Writes all or nothing, as durable as the operator asked for when it returns. Throws what the engine throws: then nobody knows which. */
  commit(batch: JournalBatch): Committed;
  /** Where the chain stands in the file. */
  reread(): ChainHead;
  /** Gives up the space that is set aside for rows of calls that run; false where it was given up before. */
  relieve(): boolean;
  /** Sets that space aside again; false where there is none. */
  restore(): boolean;
}
