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
  /** Bodies of new intents. */
  intents: readonly string[];
  /** Numbers of intents that are over. */
  over: readonly number[];
}

/** A number for each intent; or the id of the row that is on the books already. */
export type Committed = { numbers: number[] } | { duplicate: string };

/** An intent that was not settled before its gateway died. */
export interface OpenIntent {
  number: number;
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
  /**
   * Writes all or nothing, as durable as the operator asked for when it returns. Where a row's id is there already, nothing is written.
   * Throws what the engine throws.
   */
  commit(batch: JournalBatch): Committed;
}
